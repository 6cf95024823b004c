"""Finite-field Diffie-Hellman (RFC 2409 §6.2, RFC 3526, RFC 7296 §2.14), all of it.

`cryptography` has deprecated it. When it is gone from there, GMP takes its place (`gmpy2`, the
extra `modp`): the powers are constant-time in both. Without either, there are no MODP groups.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Protocol

from cryptography.utils import CryptographyDeprecationWarning

from ike.config import KeyExchange
from ike.crypto.errors import KeyExchangeError
from ike.crypto.random import RandomBytes
from ike.types import Secret

try:
    from cryptography.hazmat.primitives.asymmetric import dh
except ImportError:  # pragma: no cover  # not yet
    HAS_OPENSSL = False
else:
    HAS_OPENSSL = True

try:
    import gmpy2
except ImportError:
    HAS_GMP = False
else:
    HAS_GMP = True

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

# Bytes of an exponent: no less than the second estimate of RFC 3526 §8.
_EXPONENT: dict[KeyExchange, int] = {
    KeyExchange.MODP1024: 32,
    KeyExchange.MODP1536: 32,
    KeyExchange.MODP2048: 40,
    KeyExchange.MODP3072: 56,
    KeyExchange.MODP4096: 64,
    KeyExchange.MODP6144: 72,
    KeyExchange.MODP8192: 80,
}

GROUPS = frozenset(_BITS_AND_K if HAS_OPENSSL or HAS_GMP else ())


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


class Exponent(Protocol):
    """A private exponent x, for the generator 2."""

    @property
    def public(self) -> int:
        """2^x mod p."""

    @property
    def x(self) -> int:
        """Itself."""

    def power(self, y: int) -> int:
        """y^x mod p, for 1 < y < p - 1."""


@cache
def _parameters(method: KeyExchange) -> dh.DHParameters:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return dh.DHParameterNumbers(prime(method), _GENERATOR).parameters()


class OpenSslExponent:
    """By `cryptography`. Its randomness is OpenSSL's."""

    __slots__ = ("_p", "_private", "public")

    def __init__(self, method: KeyExchange, random_bytes: RandomBytes) -> None:
        self._p = prime(method)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            self._private = _parameters(method).generate_private_key()
            self.public = self._private.public_key().public_numbers().y

    @classmethod
    def restore(cls, method: KeyExchange, x: int, public: int) -> OpenSslExponent:
        """Make one again."""
        exponent = cls.__new__(cls)
        exponent._p = prime(method)
        exponent.public = public
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            group = dh.DHParameterNumbers(exponent._p, _GENERATOR)
            numbers = dh.DHPrivateNumbers(x, dh.DHPublicNumbers(public, group))
            exponent._private = numbers.private_key()
        return exponent

    @property
    def x(self) -> int:
        """The exponent."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return self._private.private_numbers().x

    def power(self, y: int) -> int:
        """Compute y^x mod p, for 1 < y < p - 1."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            numbers = dh.DHPublicNumbers(y, dh.DHParameterNumbers(self._p, _GENERATOR))
            return int.from_bytes(self._private.exchange(numbers.public_key()), "big")


class GmpExponent:
    """By GMP, whose `mpz_powm_sec` is made to leak nothing of the exponent but its length."""

    __slots__ = ("_p", "public", "x")

    def __init__(self, method: KeyExchange, random_bytes: RandomBytes) -> None:
        self._p = prime(method)
        length = _EXPONENT[method]
        # The highest bit is set, so that all exponents have one length.
        self.x = int.from_bytes(random_bytes(length), "big") | 1 << (8 * length - 1)
        self.public = self.power(_GENERATOR)

    @classmethod
    def restore(cls, method: KeyExchange, x: int, public: int) -> GmpExponent:
        """Make one again."""
        exponent = cls.__new__(cls)
        exponent._p = prime(method)
        exponent.x = x
        exponent.public = public
        return exponent

    def power(self, y: int) -> int:
        """Compute y^x mod p, for 1 < y < p - 1."""
        return int(gmpy2.powmod_sec(y, self.x, self._p))


class ModpPrivateValue:
    """Our half of one exchange."""

    __slots__ = ("_exponent", "method", "public")

    def __init__(self, method: KeyExchange, exponent: Exponent) -> None:
        self.method = method
        self._exponent = exponent
        self.public = exponent.public.to_bytes(self._length, "big")

    @property
    def secret(self) -> Secret:
        """The exponent, then the public value, so that it need not be computed again."""
        return Secret(self._exponent.x.to_bytes(self._length, "big") + self.public)

    @property
    def _length(self) -> int:
        return _BITS_AND_K[self.method][0] // 8

    def finish(self, peer: bytes) -> bytes:
        """Compute the shared secret, as long as the prime.

        Raises:
            KeyExchangeError: the public value has another length, or is 0, 1, p - 1 or more.
        """
        if len(peer) != self._length:
            raise KeyExchangeError(f"a public value of {len(peer)} bytes, {self._length} expected")
        if peer == self.public:
            raise KeyExchangeError("our own public value came back")
        y = int.from_bytes(peer, "big")
        if not 1 < y < prime(self.method) - 1:
            raise KeyExchangeError("the public value is 0, 1, p - 1 or more")
        return self._exponent.power(y).to_bytes(self._length, "big")


def generate(method: KeyExchange, random_bytes: RandomBytes) -> ModpPrivateValue:
    """Make a fresh private value, by `cryptography` as long as it has this."""
    exponent = OpenSslExponent if HAS_OPENSSL else GmpExponent
    return ModpPrivateValue(method, exponent(method, random_bytes))


def restore(method: KeyExchange, secret: Secret) -> ModpPrivateValue:
    """Make the private value again whose `secret` this is.

    Raises:
        KeyExchangeError: it is none of that group.
    """
    p = prime(method)
    length = _BITS_AND_K[method][0] // 8
    x = int.from_bytes(secret.reveal()[:length], "big")
    public = int.from_bytes(secret.reveal()[length:], "big")
    if len(secret) != 2 * length or not (1 < x < p - 1 and 1 < public < p - 1):
        raise KeyExchangeError(f"no private value of {method.name}")
    exponent = OpenSslExponent if HAS_OPENSSL else GmpExponent
    return ModpPrivateValue(method, exponent.restore(method, x, public))
