"""What two peers have agreed upon to protect an SA with."""

from __future__ import annotations

from dataclasses import dataclass

from ike.config import EncryptionAlgorithm, Integrity, KeyExchange, Prf
from ike.crypto import encryption, integrity
from ike.crypto.encryption import EncryptionSpec
from ike.crypto.integrity import IntegritySpec


@dataclass(frozen=True, slots=True)
class _Cipher:
    """A cipher, and the integrity algorithm that goes with it; None with an AEAD."""

    encryption: EncryptionAlgorithm
    key_bits: int
    integrity: Integrity | None

    @property
    def encryption_spec(self) -> EncryptionSpec:
        """Lengths of the cipher."""
        return encryption.spec(self.encryption, self.key_bits)

    @property
    def integrity_spec(self) -> IntegritySpec | None:
        """The integrity algorithm."""
        return None if self.integrity is None else integrity.spec(self.integrity)

    @property
    def integrity_key_length(self) -> int:
        """How much of the key material the integrity algorithm takes, in bytes."""
        return self.integrity_spec.key_length if self.integrity_spec else 0

    @property
    def cipher_name(self) -> str:
        """Both names, for an operator."""
        name = f"{self.encryption.name}-{self.key_bits}" if self.key_bits else self.encryption.name
        return name if self.integrity is None else f"{name}/{self.integrity.name}"


@dataclass(frozen=True, slots=True)
class IkeSuite(_Cipher):
    """The algorithms of an IKE SA; `additional` key exchanges in their order (RFC 9370)."""

    prf: Prf
    key_exchange: KeyExchange
    additional: tuple[KeyExchange, ...] = ()

    def __str__(self) -> str:
        methods = (self.key_exchange, *self.additional)
        return "/".join((self.cipher_name, f"PRF_{self.prf.name}", *(m.name for m in methods)))


@dataclass(frozen=True, slots=True)
class EspSuite(_Cipher):
    """The algorithms of a CHILD_SA; `key_exchange` is None without one of its own."""

    key_exchange: KeyExchange | None = None
    additional: tuple[KeyExchange, ...] = ()
    extended_sequence_numbers: bool = False

    def __str__(self) -> str:
        methods = () if self.key_exchange is None else (self.key_exchange, *self.additional)
        numbers = ("ESN",) if self.extended_sequence_numbers else ()
        return "/".join((self.cipher_name, *(m.name for m in methods), *numbers))
