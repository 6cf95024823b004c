"""Algorithms and keys of an SA, as the actions of `sad_in` and `sad_out` have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from controller.p4runtime.capabilities import has_transforms
from controller.p4runtime.errors import EntryError
from controller.p4runtime.tables._entry import EntryReader
from ike.config import EncryptionAlgorithm, Integrity
from ike.crypto.suites import EspSuite
from ike.types import Secret

E = TypeVar("E", bound=IntEnum)
_NO_INTEGRITY = 0  # EspIntegrity.NONE of the P4 program


def _empty() -> Secret:
    return Secret(b"")


@dataclass(frozen=True, slots=True)
class Keying:
    """What protects an SA (RFC 4301 §4.4.2.1). Key and salt are apart.

    `integrity` is None with an AEAD, and its key is empty then.
    """

    encryption: EncryptionAlgorithm
    key_bits: int
    key: Secret
    salt: Secret = field(default_factory=_empty)
    integrity: Integrity | None = None
    integrity_key: Secret = field(default_factory=_empty)
    extended_sequence_numbers: bool = False

    @property
    def suite(self) -> EspSuite:
        """The algorithms, with the lengths that they ask for."""
        return EspSuite(self.encryption, self.key_bits, self.integrity)

    def params(self) -> tuple[tuple[str, int], ...]:
        """Return the action parameters.

        Raises:
            EntryError: the program has no such algorithms, or a key or the salt doesn't have the
                length that they take.
        """
        if not has_transforms(self.encryption, self.key_bits, self.integrity):
            raise EntryError(f"the P4 program has no {self._name}")
        spec = self.suite.encryption_spec
        wanted = (spec.key_length, spec.salt_length, self.suite.integrity_key_length)
        found = (len(self.key), len(self.salt), len(self.integrity_key))
        if found != wanted:
            raise EntryError(
                f"{self._name} takes a key of {wanted[0]}, a salt of {wanted[1]} and an integrity "
                f"key of {wanted[2]} bytes, not {found[0]}, {found[1]} and {found[2]}"
            )
        return (
            ("encryption", int(self.encryption)),
            ("key_length", self.key_bits),
            ("key_material", _to_int(self.key)),
            ("salt", _to_int(self.salt)),
            ("integrity", _NO_INTEGRITY if self.integrity is None else int(self.integrity)),
            ("integrity_key", _to_int(self.integrity_key)),
            ("extended_sequence_numbers", int(self.extended_sequence_numbers)),
        )

    @classmethod
    def parse(cls, reader: EntryReader) -> Keying:
        """Read them back.

        Raises:
            EntryError: an algorithm is not known, or a key is longer than it should be.
        """
        encryption = _member(reader, "encryption", EncryptionAlgorithm)
        key_bits = reader.param("key_length")
        integrity = None
        if reader.param("integrity") != _NO_INTEGRITY:
            integrity = _member(reader, "integrity", Integrity)
        if not has_transforms(encryption, key_bits, integrity):
            raise EntryError(f"no such algorithms: {_name(encryption, key_bits, integrity)}")
        suite = EspSuite(encryption, key_bits, integrity)
        spec = suite.encryption_spec
        return cls(
            encryption,
            key_bits,
            _secret(reader, "key_material", spec.key_length),
            _secret(reader, "salt", spec.salt_length),
            integrity,
            _secret(reader, "integrity_key", suite.integrity_key_length),
            bool(reader.param("extended_sequence_numbers")),
        )

    @property
    def _name(self) -> str:
        return _name(self.encryption, self.key_bits, self.integrity)


def _name(encryption: EncryptionAlgorithm, key_bits: int, integrity: Integrity | None) -> str:
    name = f"{encryption.name}-{key_bits}"
    return name if integrity is None else f"{name} with {integrity.name}"


def _member(reader: EntryReader, name: str, kind: Callable[[int], E]) -> E:
    number = reader.param(name)
    try:
        return kind(number)
    except ValueError:
        raise EntryError(f"unknown {name.rstrip('_')} algorithm {number}") from None


def _to_int(secret: Secret) -> int:
    return int.from_bytes(secret.reveal(), "big")


def _secret(reader: EntryReader, name: str, length: int) -> Secret:
    try:
        return Secret(reader.param(name).to_bytes(length, "big"))
    except OverflowError:
        raise EntryError(f"{name} is longer than {length} bytes") from None
