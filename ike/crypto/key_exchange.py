"""Key exchange methods (transform type 4): X25519 (RFC 8031) and NIST P-256 (RFC 5903)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ike.config import KeyExchange
from ike.crypto.errors import KeyExchangeError

RandomBytes = Callable[[int], bytes]


class PrivateValue(Protocol):
    """Our half of one key exchange. To be used for one exchange only."""

    @property
    def method(self) -> KeyExchange:
        """Which method it belongs to."""

    @property
    def public(self) -> bytes:
        """What goes into the KE payload."""

    def agree(self, peer: bytes) -> bytes:
        """Compute the shared secret with the peer's public value.

        Raises:
            KeyExchangeError: the public value has the wrong length or form, or is one that
                gives a secret anybody knows.
        """


class _Curve25519:
    method = KeyExchange.CURVE25519
    __slots__ = ("_private", "public")

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(random_bytes(32))
        self.public = self._private.public_key().public_bytes_raw()

    def agree(self, peer: bytes) -> bytes:
        if len(peer) != 32:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, 32 expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            # RFC 8031 §2: an all-zero secret means a point of low order.
            raise KeyExchangeError("the public value gives an all-zero secret") from None


class _Secp256r1:
    method = KeyExchange.SECP256R1
    __slots__ = ("_private", "public")

    _COORDINATE = 32
    _ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def __init__(self, random_bytes: RandomBytes) -> None:
        # 64 bits more than the order: what the reduction favours is below 2^-64 (FIPS 186-5 A.2.1).
        wide = int.from_bytes(random_bytes(self._COORDINATE + 8), "big")
        self._private = ec.derive_private_key(1 + wide % (self._ORDER - 1), ec.SECP256R1())
        numbers = self._private.public_key().public_numbers()
        self.public = b"".join(n.to_bytes(self._COORDINATE, "big") for n in (numbers.x, numbers.y))

    def agree(self, peer: bytes) -> bytes:
        if len(peer) != 2 * self._COORDINATE:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, 64 expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        try:
            # Checks that the point lies on the curve (RFC 5903 §8, RFC 6989 §2.3).
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + peer)
        except ValueError:
            raise KeyExchangeError("the public value is no point of the curve") from None
        return self._private.exchange(ec.ECDH(), point)


_METHODS: dict[KeyExchange, Callable[[RandomBytes], PrivateValue]] = {
    KeyExchange.CURVE25519: _Curve25519,
    KeyExchange.SECP256R1: _Secp256r1,
}


def known(method: int) -> KeyExchange | None:
    """Return the method with that number, None if this engine does not have it."""
    try:
        return KeyExchange(method)
    except ValueError:
        return None


def generate(method: KeyExchange, random_bytes: RandomBytes) -> PrivateValue:
    """Make a fresh private value."""
    return _METHODS[method](random_bytes)
