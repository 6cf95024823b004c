"""Which algorithms may protect an IKE SA, and a CHILD_SA."""

from __future__ import annotations

from dataclasses import dataclass, field

from ike.config.algorithms import EncryptionAlgorithm, Integrity, KeyExchange, Prf

MAX_ADDITIONAL = 7

AdditionalKeyExchange = tuple[tuple[KeyExchange | None, ...], ...]
"""ADDKE1 to ADDKE7 (RFC 9370), each in order of preference; with None it may be skipped."""


@dataclass(frozen=True, slots=True)
class IkeProposal:
    """One way to protect an IKE SA; each tuple in order of preference. Key lengths in bits.

    `integrity` goes with the ciphers that are no AEAD. No method is used twice in one IKE SA:
    what `key_exchange` and the `additional_key_exchange` have in common is chosen once.

    Raises:
        ValueError: there are too many additional key exchanges, or one without a method.
    """

    encryption: tuple[tuple[EncryptionAlgorithm, int], ...] = (
        (EncryptionAlgorithm.AES_GCM_16, 256),
        (EncryptionAlgorithm.AES_GCM_16, 128),
    )
    prf: tuple[Prf, ...] = (Prf.HMAC_SHA2_256, Prf.HMAC_SHA2_384, Prf.HMAC_SHA2_512)
    key_exchange: tuple[KeyExchange, ...] = (KeyExchange.CURVE25519, KeyExchange.SECP256R1)
    integrity: tuple[Integrity, ...] = ()
    additional_key_exchange: AdditionalKeyExchange = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_additional(self.additional_key_exchange, self.key_exchange)


@dataclass(frozen=True, slots=True)
class EspProposal:
    """One way to protect a CHILD_SA; in order of preference. Key lengths in bits.

    `key_exchange` is for perfect forward secrecy where a CREATE_CHILD_SA makes the CHILD_SA; empty
    asks for none, and takes what the peer asks for if it is known and no legacy. `integrity` goes
    with the ciphers that are no AEAD. `extended_sequence_numbers` are of 64 bits (RFC 4304).

    Raises:
        ValueError: there are too many additional key exchanges, one without a method, or no first
            one; or nothing is said of sequence numbers.
    """

    encryption: tuple[tuple[EncryptionAlgorithm, int], ...] = (
        (EncryptionAlgorithm.AES_GCM_16, 256),
        (EncryptionAlgorithm.AES_GCM_16, 128),
    )
    key_exchange: tuple[KeyExchange, ...] = ()
    integrity: tuple[Integrity, ...] = ()
    additional_key_exchange: AdditionalKeyExchange = ()
    extended_sequence_numbers: tuple[bool, ...] = (False,)
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_additional(self.additional_key_exchange, self.key_exchange)
        if not self.extended_sequence_numbers:
            raise ValueError("neither sequence numbers of 32 bits nor of 64")


def _check_additional(additional: AdditionalKeyExchange, key_exchange: tuple[object, ...]) -> None:
    if len(additional) > MAX_ADDITIONAL:
        raise ValueError(f"{len(additional)} additional key exchanges, {MAX_ADDITIONAL} at most")
    if not all(additional):
        raise ValueError("an additional key exchange without a method")
    if additional and not key_exchange:
        raise ValueError("additional key exchanges without a first one")
