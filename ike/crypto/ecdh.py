"""Elliptic curves: Curve25519 and Curve448 (RFC 8031), NIST's curves (RFC 5903)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ike.config import KeyExchange
from ike.crypto.errors import KeyExchangeError
from ike.crypto.random import RandomBytes
from ike.types import Secret


class _Montgomery:
    """Curve25519 and Curve448 (RFC 8031)."""

    __slots__ = ("_exchange", "_length", "method", "public", "secret")

    def __init__(self, method: KeyExchange, random_bytes: RandomBytes) -> None:
        self.method = method
        drawn = random_bytes(32 if method is KeyExchange.CURVE25519 else 56)
        self.secret = Secret(drawn)
        if method is KeyExchange.CURVE25519:
            x25519 = X25519PrivateKey.from_private_bytes(drawn)
            self.public = x25519.public_key().public_bytes_raw()
            self._exchange: Callable[[bytes], bytes] = lambda peer: x25519.exchange(
                X25519PublicKey.from_public_bytes(peer)
            )
        else:
            x448 = X448PrivateKey.from_private_bytes(drawn)
            self.public = x448.public_key().public_bytes_raw()
            self._exchange = lambda peer: x448.exchange(X448PublicKey.from_public_bytes(peer))
        self._length = len(self.public)

    def finish(self, peer: bytes) -> bytes:
        if len(peer) != self._length:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, {self._length} expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        try:
            return self._exchange(peer)
        except ValueError:
            # RFC 8031 §2: an all-zero secret means a point of low order.
            raise KeyExchangeError("the public value gives an all-zero secret") from None


@dataclass(frozen=True, slots=True)
class _CurveSpec:
    curve: ec.EllipticCurve
    order: int
    length: int  # bytes of a coordinate


_CURVES: dict[KeyExchange, _CurveSpec] = {
    KeyExchange.SECP256R1: _CurveSpec(
        ec.SECP256R1(),
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        32,
    ),
    KeyExchange.SECP384R1: _CurveSpec(
        ec.SECP384R1(),
        int(
            "ffffffffffffffffffffffffffffffffffffffffffffffff"
            "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
            16,
        ),
        48,
    ),
    KeyExchange.SECP521R1: _CurveSpec(
        ec.SECP521R1(),
        int(
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
            16,
        ),
        66,
    ),
}


class _Weierstrass:
    """NIST's curves (RFC 5903): the public value is x | y, the secret x alone."""

    __slots__ = ("_private", "_spec", "method", "public", "secret")

    def __init__(self, method: KeyExchange, random_bytes: RandomBytes) -> None:
        self.method = method
        self._spec = spec = _CURVES[method]
        # 64 bits more than the order: what the reduction favours is below 2^-64 (FIPS 186-5 A.2.1).
        drawn = random_bytes(spec.length + 8)
        self.secret = Secret(drawn)
        wide = int.from_bytes(drawn, "big")
        self._private = ec.derive_private_key(1 + wide % (spec.order - 1), spec.curve)
        numbers = self._private.public_key().public_numbers()
        self.public = b"".join(n.to_bytes(spec.length, "big") for n in (numbers.x, numbers.y))

    def finish(self, peer: bytes) -> bytes:
        expected = 2 * self._spec.length
        if len(peer) != expected:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, {expected} expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        try:
            # Checks that the point lies on the curve (RFC 5903 §8, RFC 6989 §2.3).
            encoded = b"\x04" + peer
            point = ec.EllipticCurvePublicKey.from_encoded_point(self._spec.curve, encoded)
        except ValueError:
            raise KeyExchangeError("the public value is no point of the curve") from None
        return self._private.exchange(ec.ECDH(), point)


def generate(method: KeyExchange, random_bytes: RandomBytes) -> _Montgomery | _Weierstrass:
    """Make a fresh private value."""
    if method in _CURVES:
        return _Weierstrass(method, random_bytes)
    return _Montgomery(method, random_bytes)
