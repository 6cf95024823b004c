"""The IKE SAs in a file, sealed with a key in the file beside it. Both are ours alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from controller.file_access import open_ours, replace_file
from ike.config import Prf
from ike.crypto.prf import compute
from ike.state.seal import KEY_LENGTH, MAX_LENGTH
from ike.types import Secret


class StateFile:
    """See the module. The key is made where there is none.

    Args:
        path: of the state; the key has the same path and ".key".

    Raises:
        OSError: the key can't be read or made, belongs to somebody else, or others can read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        key_path = path.with_name(path.name + ".key")
        try:
            key = _read(key_path, KEY_LENGTH + 1)
        except FileNotFoundError:
            key = os.urandom(KEY_LENGTH)
            replace_file(key_path, key)
        if len(key) != KEY_LENGTH:
            raise OSError(f"{key_path}: a key has {KEY_LENGTH} bytes, not {len(key)}")
        self.key = Secret(key)

    @classmethod
    def of(cls, path: Path | None) -> StateFile | None:
        """Open the one that is configured; None where none is.

        Raises:
            OSError: as for the constructor.
        """
        return None if path is None else cls(path)

    @property
    def qcd_secret(self) -> Secret:
        """What tokens of quick crash detection are made with: it outlives us as the key does."""
        return Secret(compute(Prf.HMAC_SHA2_256, self.key.reveal(), b"quick crash detection"))

    def load(self) -> bytes | None:
        """Read the state; None if there is none.

        Raises:
            OSError: it can't be read, belongs to somebody else, or others can read it.
        """
        try:
            return _read(self.path, MAX_LENGTH + 1)
        except FileNotFoundError:
            return None

    def save(self, blob: bytes) -> None:
        """Write the state: after a crash, the file has either the old one or this one.

        Raises:
            OSError: it can't be written.
        """
        replace_file(self.path, blob)

    def remove(self) -> None:
        """Forget the state."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep a state that can't be used for somebody to look at, out of the way."""
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_name(self.path.name + ".bad"))


def _read(path: Path, limit: int) -> bytes:
    with open(open_ours(path, os.O_RDONLY), "rb") as file:
        return file.read(limit)
