"""Keys as Wireshark and tshark read them, for an operator who debugs. Off unless asked for.

The formats are those of the profile files ``ikev2_decryption_table`` and ``esp_sa``.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from ike.config import EncryptionAlgorithm, Integrity
from ike.crypto.keys import IkeKeys
from ike.crypto.suites import IkeSuite
from ike.types import Secret

_IKE_ENCRYPTION: dict[EncryptionAlgorithm, str] = {
    EncryptionAlgorithm.TRIPLE_DES: "3DES [RFC2451]",
    EncryptionAlgorithm.AES_CBC: "AES-CBC-{bits} [RFC3602]",
    EncryptionAlgorithm.AES_CCM_8: "AES-CCM-{bits} with 8 octet ICV [RFC5282]",
    EncryptionAlgorithm.AES_CCM_12: "AES-CCM-{bits} with 12 octet ICV [RFC5282]",
    EncryptionAlgorithm.AES_CCM_16: "AES-CCM-{bits} with 16 octet ICV [RFC5282]",
    EncryptionAlgorithm.AES_GCM_8: "AES-GCM-{bits} with 8 octet ICV [RFC5282]",
    EncryptionAlgorithm.AES_GCM_12: "AES-GCM-{bits} with 12 octet ICV [RFC5282]",
    EncryptionAlgorithm.AES_GCM_16: "AES-GCM-{bits} with 16 octet ICV [RFC5282]",
    # Wireshark 4.0 has no name for ChaCha20-Poly1305 in IKE; 4.4 has this one.
    EncryptionAlgorithm.CHACHA20_POLY1305: "ChaCha20-Poly1305 [RFC7634]",
}

_IKE_INTEGRITY: dict[Integrity | None, str] = {
    None: "NONE [RFC4306]",
    Integrity.HMAC_SHA1_96: "HMAC_SHA1_96 [RFC2404]",
    Integrity.AES_XCBC_96: "AES_XCBC_96 [RFC3566]",
    Integrity.AES_CMAC_96: "AES_CMAC_96 [RFC4494]",
    Integrity.HMAC_SHA2_256_128: "HMAC_SHA2_256_128 [RFC4868]",
    Integrity.HMAC_SHA2_384_192: "HMAC_SHA2_384_192 [RFC4868]",
    Integrity.HMAC_SHA2_512_256: "HMAC_SHA2_512_256 [RFC4868]",
}

# Wireshark 4.0 has neither AES-CCM nor ChaCha20-Poly1305 in ESP; 4.4 has the latter.
_ESP_ENCRYPTION: dict[EncryptionAlgorithm, str] = {
    EncryptionAlgorithm.TRIPLE_DES: "TripleDES-CBC [RFC2451]",
    EncryptionAlgorithm.NULL: "NULL",
    EncryptionAlgorithm.AES_CBC: "AES-CBC [RFC3602]",
    EncryptionAlgorithm.AES_CTR: "AES-CTR [RFC3686]",
    EncryptionAlgorithm.AES_GCM_8: "AES-GCM with 8 octet ICV [RFC4106]",
    EncryptionAlgorithm.AES_GCM_12: "AES-GCM with 12 octet ICV [RFC4106]",
    EncryptionAlgorithm.AES_GCM_16: "AES-GCM with 16 octet ICV [RFC4106]",
    EncryptionAlgorithm.CHACHA20_POLY1305: "ChaCha20 with Poly1305 [RFC7634]",
}

# AES-XCBC and AES-CMAC have no names there: their ICV is known by its length.
_ESP_INTEGRITY: dict[Integrity | None, str] = {
    None: "NULL",
    Integrity.HMAC_SHA1_96: "HMAC-SHA-1-96 [RFC2404]",
    Integrity.AES_XCBC_96: "ANY 96 bit authentication [no checking]",
    Integrity.AES_CMAC_96: "ANY 96 bit authentication [no checking]",
    Integrity.HMAC_SHA2_256_128: "HMAC-SHA-256-128 [RFC4868]",
    Integrity.HMAC_SHA2_384_192: "HMAC-SHA-384-192 [RFC4868]",
    Integrity.HMAC_SHA2_512_256: "HMAC-SHA-512-256 [RFC4868]",
}


def ike_line(initiator_spi: int, responder_spi: int, suite: IkeSuite, keys: IkeKeys) -> str | None:
    """Write one IKE SA's line for ``ikev2_decryption_table``; None if it has no such cipher."""
    if suite.encryption not in _IKE_ENCRYPTION:
        return None
    return ",".join(
        (
            f"{initiator_spi:016x}",
            f"{responder_spi:016x}",
            keys.sk_ei.reveal().hex(),
            keys.sk_er.reveal().hex(),
            f'"{_IKE_ENCRYPTION[suite.encryption].format(bits=suite.key_bits)}"',
            keys.sk_ai.reveal().hex(),
            keys.sk_ar.reveal().hex(),
            f'"{_IKE_INTEGRITY[suite.integrity]}"',
        )
    )


def esp_line(
    source: IPv4Address,
    destination: IPv4Address,
    spi: int,
    encryption: EncryptionAlgorithm,
    key: Secret,
    salt: Secret,
    integrity: Integrity | None = None,
    integrity_key: Secret | None = None,
    *,
    extended_sequence_numbers: bool = False,
) -> str | None:
    """Write one direction of a CHILD_SA for ``esp_sa``; addresses are those of the tunnel.

    Returns:
        None for a cipher that Wireshark does not know.
    """
    if encryption not in _ESP_ENCRYPTION:
        return None
    fields = (
        "IPv4",
        str(source),
        str(destination),
        f"0x{spi:08x}",
        _ESP_ENCRYPTION[encryption],
        _hexadecimal(key.reveal() + salt.reveal()),
        _ESP_INTEGRITY[integrity],
        _hexadecimal(integrity_key.reveal() if integrity_key is not None else b""),
        "64-bit" if extended_sequence_numbers else "32-bit",
        "",
    )
    return ",".join(f'"{field}"' for field in fields)


def _hexadecimal(octets: bytes) -> str:
    return f"0x{octets.hex()}" if octets else ""
