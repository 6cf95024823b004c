"""What the data plane can do with ESP: the one place to extend when it learns more.

The configuration is checked against this, so that nothing is negotiated that no switch can carry.
"""

from __future__ import annotations

from typing import Final

from ike.config import EncryptionAlgorithm, Integrity
from ike.crypto.encryption import is_aead

_AES_BITS = (128, 192, 256)

ESP_ENCRYPTION: Final[frozenset[tuple[EncryptionAlgorithm, int]]] = frozenset(
    {
        (EncryptionAlgorithm.TRIPLE_DES, 192),
        (EncryptionAlgorithm.NULL, 0),
        (EncryptionAlgorithm.CHACHA20_POLY1305, 256),
        *(
            (algorithm, bits)
            for algorithm in (
                EncryptionAlgorithm.AES_CBC,
                EncryptionAlgorithm.AES_CTR,
                EncryptionAlgorithm.AES_CCM_8,
                EncryptionAlgorithm.AES_CCM_12,
                EncryptionAlgorithm.AES_CCM_16,
                EncryptionAlgorithm.AES_GCM_8,
                EncryptionAlgorithm.AES_GCM_12,
                EncryptionAlgorithm.AES_GCM_16,
            )
            for bits in _AES_BITS
        ),
    }
)
"""Ciphers with their key lengths in bits (`EspEncryption` of p4src/esp_cipher.p4)."""

ESP_INTEGRITY: Final[frozenset[Integrity]] = frozenset(
    {
        Integrity.HMAC_SHA1_96,
        Integrity.AES_XCBC_96,
        Integrity.AES_CMAC_96,
        Integrity.HMAC_SHA2_256_128,
        Integrity.HMAC_SHA2_384_192,
        Integrity.HMAC_SHA2_512_256,
    }
)
"""Integrity algorithms, for ciphers that are no AEAD (`EspIntegrity`)."""

EXTENDED_SEQUENCE_NUMBERS: Final = True
"""Whether sequence numbers of 64 bits (RFC 4303 §2.2.1) can be had."""

TRANSPORT_MODE: Final = False
"""Whether ESP can protect the payload of a packet and leave its header (RFC 4303 §3.1.1)."""


def has_transforms(
    encryption: EncryptionAlgorithm, key_bits: int, integrity: Integrity | None
) -> bool:
    """Tell whether the data plane has these algorithms, together."""
    if (encryption, key_bits) not in ESP_ENCRYPTION:
        return False
    if is_aead(encryption):
        return integrity is None
    return integrity in ESP_INTEGRITY
