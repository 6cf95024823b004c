"""Finite-field Diffie-Hellman (RFC 2409 §6.2, RFC 3526, RFC 7296 §2.14), all of it.

`cryptography` has deprecated it. Whatever takes its place has to be constant-time, which Python's
`pow` is not; nothing outside this module would change.
"""

from __future__ import annotations

import warnings
from functools import cache

from cryptography.hazmat.primitives.asymmetric import dh
from cryptography.utils import CryptographyDeprecationWarning

from ike.config import KeyExchange
from ike.crypto.errors import KeyExchangeError

_GENERATOR = 2

# The prime of n bits is 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + k).
_BITS_AND_K: dict[KeyExchange, tuple[int, int]] = {
    KeyExchange.MODP1024: (1024, 129093),
    KeyExchange.MODP1536: (1536, 741804),
    KeyExchange.MODP2048: (2048, 124476),
    KeyExchange.MODP3072: (3072, 1690314),
    KeyExchange.MODP4096: (4096, 240904),
    KeyExchange.MODP6144: (6144, 929484),
    KeyExchange.MODP8192: (8192, 4743158),
}

GROUPS = frozenset(_BITS_AND_K)


def _pi(bits: int) -> int:
    """Compute [2^bits pi] by Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239)."""
    guard = 64
    one = 1 << (bits + guard)

    def arctan_of_inverse(x: int) -> int:
        power = one // x
        total, divisor, sign = power, 1, 1
        while power:
            power //= x * x
            divisor += 2
            sign = -sign
            total += sign * (power // divisor)
        return total

    return (16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)) >> guard


@cache
def prime(method: KeyExchange) -> int:
    """Return the prime of a group."""
    bits, k = _BITS_AND_K[method]
    return (1 << bits) - (1 << (bits - 64)) - 1 + ((_pi(bits - 130) + k) << 64)


@cache
def _parameters(method: KeyExchange) -> dh.DHParameters:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return dh.DHParameterNumbers(prime(method), _GENERATOR).parameters()


class ModpPrivateValue:
    """Our half of one exchange. Its randomness is OpenSSL's, whatever else is injected."""

    __slots__ = ("_private", "method", "public")

    def __init__(self, method: KeyExchange) -> None:
        self.method = method
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            self._private = _parameters(method).generate_private_key()
            y = self._private.public_key().public_numbers().y
        self.public = y.to_bytes(self._length, "big")

    @property
    def _length(self) -> int:
        return _BITS_AND_K[self.method][0] // 8

    def agree(self, peer: bytes) -> bytes:
        """Compute the shared secret, as long as the prime.

        Raises:
            KeyExchangeError: the public value has another length, or is 0, 1, p - 1 or more.
        """
        if len(peer) != self._length:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, {self._length} expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        y, p = int.from_bytes(peer, "big"), prime(self.method)
        if not 1 < y < p - 1:
            raise KeyExchangeError("the public value is 0, 1, p - 1 or more")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            numbers = dh.DHPublicNumbers(y, dh.DHParameterNumbers(p, _GENERATOR))
            return self._private.exchange(numbers.public_key()).rjust(self._length, b"\0")
