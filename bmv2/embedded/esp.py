"""ESP's cryptography and framing, for tunnel mode with IPv4 inside: bytes in, bytes out.

What it has no part in: sequence numbers, the replay window, SAs and outer headers, which are the
P4 program's. The functions have no state but a bounded cache of prepared keys, so that another
implementation of the same extern can be compared with them value by value.

The payload of an ESP packet here is what follows its header (SPI, sequence number)::

    IV (8) | ciphertext of: inner packet, padding, pad length (1), next header (1) | ICV (16)
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NEXT_HEADER_IPV4: Final = 4  # IP-in-IP
NEXT_HEADER_DUMMY: Final = 59  # RFC 4303 §2.6

IV_LENGTH: Final = 8  # RFC 4106 §3.1
ICV_LENGTH: Final = 16
TRAILER_LENGTH: Final = 2  # pad length, next header
ALIGNMENT: Final = 4  # RFC 4303 §2.4
IPV4_HEADER_LENGTH: Final = 20

_KEY_CACHE_SIZE = 8192
_PADDING: Final = bytes(range(1, 256))  # RFC 4303 §2.4


class EspAlgorithm(IntEnum):
    """Algorithms, by their number in the P4 program."""

    NONE = 0
    AES_GCM_16_128 = 1
    AES_GCM_16_256 = 2


class EspResult(IntEnum):
    """Outcome of an operation, by its number in the P4 program."""

    OK = 0
    ICV_MISMATCH = 1
    MALFORMED = 2
    UNKNOWN_ALGORITHM = 3


_KEY_LENGTHS = {EspAlgorithm.AES_GCM_16_128: 16, EspAlgorithm.AES_GCM_16_256: 32}
_MASKS = {length: (1 << 8 * length) - 1 for length in _KEY_LENGTHS.values()}


@lru_cache(maxsize=_KEY_CACHE_SIZE)
def _cipher(algorithm: int, key: int) -> AESGCM | None:
    """Return the prepared key, or None for an algorithm that is not known."""
    length = _KEY_LENGTHS.get(algorithm)  # type: ignore[call-overload]  # an int is looked up
    return None if length is None else AESGCM((key & _MASKS[length]).to_bytes(length, "big"))


def encapsulate(
    inner: bytes,
    *,
    algorithm: int,
    key: int,
    salt: int,
    spi: int,
    sequence_number: int,
    iv: int,
    next_header: int = NEXT_HEADER_IPV4,
) -> tuple[EspResult, bytes]:
    """Encrypt an inner packet (RFC 4303 §3.3, RFC 4106).

    Args:
        inner: the packet, bytes.
        algorithm: an `EspAlgorithm`.
        key: 256 bits; a 128-bit key is in the low half.
        salt: 32 bits.
        spi: 32 bits.
        sequence_number: 64 bits, of which 32 are authenticated (no ESN).
        iv: 64 bits, never the same twice under one key.
        next_header: what `inner` is, 8 bits.

    Returns:
        OK and the payload, or another result and no bytes.
    """
    cipher = _cipher(algorithm, key)
    if cipher is None:
        return EspResult.UNKNOWN_ALGORITHM, b""
    pad = -(len(inner) + TRAILER_LENGTH) % ALIGNMENT
    plaintext = inner + _PADDING[:pad] + bytes((pad, next_header))
    iv_octets = iv.to_bytes(IV_LENGTH, "big")
    sealed = cipher.encrypt(
        salt.to_bytes(4, "big") + iv_octets, plaintext, _aad(spi, sequence_number)
    )
    return EspResult.OK, iv_octets + sealed


def decapsulate(
    payload: bytes,
    *,
    algorithm: int,
    key: int,
    salt: int,
    spi: int,
    sequence_number: int,
) -> tuple[EspResult, int, bytes]:
    """Verify and decrypt an ESP payload (RFC 4303 §3.4).

    Args:
        payload: IV, ciphertext and ICV, bytes.
        algorithm: an `EspAlgorithm`.
        key: 256 bits; a 128-bit key is in the low half.
        salt: 32 bits.
        spi: 32 bits.
        sequence_number: 64 bits, of which 32 are authenticated (no ESN).

    Returns:
        The result; the next header; what is inside. With OK and next header 4 the last is cut to
        the total length of the IPv4 packet that it holds (RFC 4303 §2.7), where it holds one.
        With any other result the next header is 0 and there are no bytes.
    """
    cipher = _cipher(algorithm, key)
    if cipher is None:
        return EspResult.UNKNOWN_ALGORITHM, 0, b""
    if len(payload) < IV_LENGTH + TRAILER_LENGTH + ICV_LENGTH:
        return EspResult.MALFORMED, 0, b""
    try:
        plaintext = cipher.decrypt(
            salt.to_bytes(4, "big") + payload[:IV_LENGTH],
            payload[IV_LENGTH:],
            _aad(spi, sequence_number),
        )
    except InvalidTag:
        return EspResult.ICV_MISMATCH, 0, b""
    pad, next_header = plaintext[-2], plaintext[-1]
    end = len(plaintext) - TRAILER_LENGTH - pad
    if end < 0 or plaintext[end:-TRAILER_LENGTH] != _PADDING[:pad]:
        return EspResult.MALFORMED, 0, b""
    inner = plaintext[:end]
    if next_header == NEXT_HEADER_IPV4:
        inner = inner[: _ipv4_length(inner)]
    return EspResult.OK, next_header, inner


def _aad(spi: int, sequence_number: int) -> bytes:
    """Return the additional authenticated data without ESN (RFC 4106 §5)."""
    return (spi << 32 | sequence_number & 0xFFFFFFFF).to_bytes(8, "big")


def _ipv4_length(packet: bytes) -> int:
    """Return the length of an IPv4 packet as it says, or of all bytes where it cannot be true."""
    if len(packet) < IPV4_HEADER_LENGTH or packet[0] >> 4 != 4:
        return len(packet)
    length = int.from_bytes(packet[2:4], "big")
    header = (packet[0] & 0xF) * 4
    return length if IPV4_HEADER_LENGTH <= header <= length <= len(packet) else len(packet)
