"""ESP's framing, for tunnel mode with IPv4 inside: bytes in, bytes out.

What it has no part in: sequence numbers, the replay window, SAs and outer headers, which are the
P4 program's. The functions have no state but a bounded cache of prepared keys, so that another
implementation of the same extern can be compared with them value by value.

The payload of an ESP packet here is what follows its header (SPI, sequence number)::

    IV | ciphertext of: inner packet, padding, pad length (1), next header (1) | ICV
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bmv2.embedded.esp_crypto.algorithms import IcvError
from bmv2.embedded.esp_transform import transform

NEXT_HEADER_IPV4: Final = 4  # IP-in-IP
NEXT_HEADER_DUMMY: Final = 59  # RFC 4303 §2.6

TRAILER_LENGTH: Final = 2  # pad length, next header
ALIGNMENT: Final = 4  # RFC 4303 §2.4
IPV4_HEADER_LENGTH: Final = 20

_PADDING: Final = bytes(range(1, 256))  # RFC 4303 §2.4


class EspResult(IntEnum):
    """Outcome of an operation, by its number in the P4 program."""

    OK = 0
    ICV_MISMATCH = 1
    MALFORMED = 2
    UNKNOWN_ALGORITHM = 3


def encapsulate(
    inner: bytes,
    *,
    encryption: int,
    key_length: int,
    key: int,
    salt: int,
    integrity: int,
    integrity_key: int,
    extended_sequence_numbers: int,
    spi: int,
    sequence_number: int,
    iv: int,
    next_header: int = NEXT_HEADER_IPV4,
) -> tuple[EspResult, bytes]:
    """Encrypt an inner packet (RFC 4303 §3.3).

    Args:
        inner: the packet, bytes.
        encryption: an `EspEncryption`.
        key_length: bits.
        key: 256 bits; a shorter key is in the low ones.
        salt: 32 bits; a shorter one is in the low ones.
        integrity: an `EspIntegrity`.
        integrity_key: 512 bits; a shorter key is in the low ones.
        extended_sequence_numbers: 1: all of the sequence number is authenticated, else 32 bits.
        spi: 32 bits.
        sequence_number: 64 bits.
        iv: 64 bits, never the same twice under one key.
        next_header: what `inner` is, 8 bits.

    Returns:
        OK and the payload, or another result and no bytes.
    """
    keyed = transform(encryption, key_length, key, integrity, integrity_key)
    if keyed is None:
        return EspResult.UNKNOWN_ALGORITHM, b""
    alignment = max(ALIGNMENT, keyed.block_length)
    pad = -(len(inner) + TRAILER_LENGTH) % alignment
    plaintext = inner + _PADDING[:pad] + bytes((pad, next_header))
    is_aead = integrity == 0
    header, implicit = authenticated(
        spi, sequence_number, extended_sequence_numbers, is_aead=is_aead
    )
    return EspResult.OK, keyed.seal(salt, iv, header, implicit, plaintext)


def decapsulate(
    payload: bytes,
    *,
    encryption: int,
    key_length: int,
    key: int,
    salt: int,
    integrity: int,
    integrity_key: int,
    extended_sequence_numbers: int,
    spi: int,
    sequence_number: int,
) -> tuple[EspResult, int, bytes]:
    """Verify and decrypt an ESP payload (RFC 4303 §3.4).

    Args:
        payload: IV, ciphertext and ICV, bytes.
        encryption: an `EspEncryption`.
        key_length: bits.
        key: 256 bits; a shorter key is in the low ones.
        salt: 32 bits; a shorter one is in the low ones.
        integrity: an `EspIntegrity`.
        integrity_key: 512 bits; a shorter key is in the low ones.
        extended_sequence_numbers: 1: all of the sequence number is authenticated, else 32 bits.
        spi: 32 bits.
        sequence_number: 64 bits.

    Returns:
        The result; the next header; what is inside. With OK and next header 4 the last is cut to
        the total length of the IPv4 packet that it holds (RFC 4303 §2.7), where it holds one.
        With any other result the next header is 0 and there are no bytes.
    """
    keyed = transform(encryption, key_length, key, integrity, integrity_key)
    if keyed is None:
        return EspResult.UNKNOWN_ALGORITHM, 0, b""
    length = len(payload) - keyed.iv_length - keyed.icv_length
    if length < TRAILER_LENGTH or length % keyed.block_length:
        return EspResult.MALFORMED, 0, b""
    is_aead = integrity == 0
    header, implicit = authenticated(
        spi, sequence_number, extended_sequence_numbers, is_aead=is_aead
    )
    try:
        plaintext = keyed.open(salt, header, implicit, payload)
    except IcvError:
        return EspResult.ICV_MISMATCH, 0, b""
    pad, next_header = plaintext[-2], plaintext[-1]
    end = len(plaintext) - TRAILER_LENGTH - pad
    if end < 0 or plaintext[end:-TRAILER_LENGTH] != _PADDING[:pad]:
        return EspResult.MALFORMED, 0, b""
    inner = plaintext[:end]
    if next_header == NEXT_HEADER_IPV4:
        inner = inner[: _ipv4_length(inner)]
    return EspResult.OK, next_header, inner


def authenticated(
    spi: int, sequence_number: int, extended: int, *, is_aead: bool
) -> tuple[bytes, bytes]:
    """Return what is authenticated before and after the payload.

    With extended sequence numbers an AEAD takes all of the number into its associated data (RFC
    4106 §5); elsewhere the upper half, which is not sent, follows the ciphertext (RFC 4303 §2.2.1).
    """
    lower = (spi << 32 | sequence_number & 0xFFFFFFFF).to_bytes(8, "big")
    if not extended:
        return lower, b""
    if is_aead:
        return (spi << 64 | sequence_number).to_bytes(12, "big"), b""
    return lower, (sequence_number >> 32).to_bytes(4, "big")


def _ipv4_length(packet: bytes) -> int:
    """Return the length of an IPv4 packet as it says, or of all bytes where it cannot be true."""
    if len(packet) < IPV4_HEADER_LENGTH or packet[0] >> 4 != 4:
        return len(packet)
    length = int.from_bytes(packet[2:4], "big")
    header = (packet[0] & 0xF) * 4
    return length if IPV4_HEADER_LENGTH <= header <= length <= len(packet) else len(packet)
