"""What two peers have agreed upon to protect an SA with."""

from __future__ import annotations

from dataclasses import dataclass

from ike.config import EncryptionAlgorithm, KeyExchange, Prf
from ike.crypto.encryption import EncryptionSpec, spec


@dataclass(frozen=True, slots=True)
class IkeSuite:
    """The algorithms of an IKE SA."""

    encryption: EncryptionAlgorithm
    key_bits: int
    prf: Prf
    key_exchange: KeyExchange

    @property
    def encryption_spec(self) -> EncryptionSpec:
        """Lengths of the cipher."""
        return spec(self.encryption, self.key_bits)

    def __str__(self) -> str:
        return (
            f"{self.encryption.name}-{self.key_bits}/PRF_{self.prf.name}/{self.key_exchange.name}"
        )


@dataclass(frozen=True, slots=True)
class EspSuite:
    """The algorithms of a CHILD_SA; `key_exchange` is None without one of its own."""

    encryption: EncryptionAlgorithm
    key_bits: int
    key_exchange: KeyExchange | None = None

    @property
    def encryption_spec(self) -> EncryptionSpec:
        """Lengths of the cipher."""
        return spec(self.encryption, self.key_bits)

    def __str__(self) -> str:
        text = f"{self.encryption.name}-{self.key_bits}"
        return f"{text}/{self.key_exchange.name}" if self.key_exchange else text
