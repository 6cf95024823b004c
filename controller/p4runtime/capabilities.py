"""What the data plane can do with ESP: the one place to extend when it learns more.

The configuration is checked against this, so that nothing is negotiated that no switch can carry.
"""

from __future__ import annotations

from typing import Final

from controller.p4runtime.enums import EspAlgorithm
from ike.config import EncryptionAlgorithm, Integrity

ESP_ENCRYPTION: Final[dict[tuple[EncryptionAlgorithm, int], EspAlgorithm]] = {
    (EncryptionAlgorithm.AES_GCM_16, 128): EspAlgorithm.AES_GCM_16_128,
    (EncryptionAlgorithm.AES_GCM_16, 256): EspAlgorithm.AES_GCM_16_256,
}
"""Ciphers with their key lengths in bits, and what the extern calls them."""

ESP_INTEGRITY: Final[frozenset[Integrity]] = frozenset()
"""Integrity algorithms, for ciphers that are no AEAD."""

EXTENDED_SEQUENCE_NUMBERS: Final = False
"""Whether sequence numbers of 64 bits (RFC 4303 §2.2.1) can be had."""

TRANSPORT_MODE: Final = False
"""Whether ESP can protect the payload of a packet and leave its header (RFC 4303 §3.1.1)."""
