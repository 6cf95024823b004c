"""Export and import as bytes: records, written by the codec, in the envelope."""

from __future__ import annotations

from functools import cache

from ike.codec.reader import u16
from ike.crypto.random import RandomBytes
from ike.state import codec
from ike.state.records import StateRecord
from ike.state.seal import seal, unseal
from ike.types import Secret

FORMAT = 1
"""How types are written. Which types there are is in the version too: see `version`."""


@cache
def version() -> bytes:
    """Tell the version of the format: `FORMAT`, and a digest of all records and their fields."""
    return u16(FORMAT) + codec.schema(StateRecord)


def pack(record: StateRecord, key: Secret, random_bytes: RandomBytes) -> bytes:
    """Write and seal a state.

    Raises:
        ValueError: the key does not have 32 bytes.
    """
    return seal(codec.dumps(record, StateRecord), key, version(), random_bytes)


def unpack(blob: bytes, key: Secret) -> StateRecord:
    """Open and read a state.

    Raises:
        ValueError: the key does not have 32 bytes.
        StateError: it can't be opened or read; its subclasses tell why.
    """
    return codec.loads(unseal(blob, key, version()), StateRecord)
