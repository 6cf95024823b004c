"""ML-KEM as a key exchange method (FIPS 203, draft-ietf-ipsecme-ikev2-mlkem).

`cryptography` has no ML-KEM-512. Its encapsulation takes its randomness from OpenSSL.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
    MLKEM1024PrivateKey,
    MLKEM1024PublicKey,
)

from ike.config import KeyExchange
from ike.crypto.errors import KeyExchangeError
from ike.crypto.random import RandomBytes
from ike.types import Secret

_SEED = 64  # bytes: d | z (FIPS 203 §7.1)


@dataclass(frozen=True, slots=True)
class _Parameters:
    private_key: type[MLKEM768PrivateKey | MLKEM1024PrivateKey]
    public_key: type[MLKEM768PublicKey | MLKEM1024PublicKey]
    key_length: int  # bytes of an encapsulation key
    ciphertext_length: int  # bytes


_PARAMETERS: dict[KeyExchange, _Parameters] = {
    KeyExchange.ML_KEM_768: _Parameters(MLKEM768PrivateKey, MLKEM768PublicKey, 1184, 1088),
    KeyExchange.ML_KEM_1024: _Parameters(MLKEM1024PrivateKey, MLKEM1024PublicKey, 1568, 1568),
}

METHODS = frozenset(_PARAMETERS)


class DecapsulationKey:
    """The initiator's half of one exchange."""

    __slots__ = ("_parameters", "_private", "method", "public", "secret")

    def __init__(self, method: KeyExchange, random_bytes: RandomBytes) -> None:
        self.method = method
        self._parameters = _PARAMETERS[method]
        seed = random_bytes(_SEED)
        self.secret = Secret(seed)
        self._private = self._parameters.private_key.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    def finish(self, peer: bytes) -> bytes:
        """Decapsulate the responder's ciphertext.

        A ciphertext that belongs to another key gives another secret, and no error (FIPS 203
        §6.3): AUTH fails then.

        Raises:
            KeyExchangeError: the ciphertext has another length.
        """
        expected = self._parameters.ciphertext_length
        if len(peer) != expected:
            raise KeyExchangeError(f"a ciphertext of {len(peer)} bytes, {expected} expected")
        return self._private.decapsulate(peer)


def encapsulate(method: KeyExchange, key: bytes) -> tuple[bytes, bytes]:
    """Answer with a ciphertext for the initiator's encapsulation key; the secret comes second.

    Raises:
        KeyExchangeError: the key has another length, or fails the modulus check (FIPS 203 §7.2).
    """
    parameters = _PARAMETERS[method]
    if len(key) != parameters.key_length:
        raise KeyExchangeError(
            f"an encapsulation key of {len(key)} bytes, {parameters.key_length} expected"
        )
    try:
        shared, ciphertext = parameters.public_key.from_public_bytes(key).encapsulate()
    except ValueError:
        raise KeyExchangeError("the encapsulation key is not reduced modulo q") from None
    return ciphertext, shared
