"""Stateless cookies for a responder under load (RFC 7296 §2.6)."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

from ike.codec.reader import u16, u64
from ike.config import Prf
from ike.crypto.prf import compute
from ike.types import UdpAddress

_SECRET_LENGTH = 32


class CookieJar:
    """Makes and checks cookies; its secret rotates, and the one before is still accepted.

    Args:
        random_bytes: where secrets come from.
        lifetime: seconds between two rotations.
    """

    def __init__(self, random_bytes: Callable[[int], bytes], lifetime: float) -> None:
        self._random_bytes = random_bytes
        self._lifetime = lifetime
        self._secrets: list[bytes] = []
        self._rotate_at = float("-inf")

    def make(self, nonce: bytes, spi: int, remote: UdpAddress, now: float) -> bytes:
        """Make the cookie for an initiator's nonce, SPI and address: 32 bytes."""
        self._rotate(now)
        return self._compute(self._secrets[0], nonce, spi, remote)

    def check(self, cookie: bytes, nonce: bytes, spi: int, remote: UdpAddress, now: float) -> bool:
        """Tell whether `cookie` is one that we made, for the same initiator, not long ago."""
        self._rotate(now)
        expected = [self._compute(secret, nonce, spi, remote) for secret in self._secrets]
        return any(compare_digest(cookie, good) for good in expected)

    def _rotate(self, now: float) -> None:
        if now < self._rotate_at:
            return
        # After a silence of two lifetimes the one before has had its time too.
        keep = 0 if now >= self._rotate_at + self._lifetime else 1
        self._secrets = [self._random_bytes(_SECRET_LENGTH), *self._secrets[:keep]]
        self._rotate_at = now + self._lifetime

    @staticmethod
    def _compute(secret: bytes, nonce: bytes, spi: int, remote: UdpAddress) -> bytes:
        where = remote.address.packed + u16(remote.port) + u64(spi)
        return compute(Prf.HMAC_SHA2_256, secret, nonce, where)
