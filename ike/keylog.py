"""Keys as Wireshark and tshark read them, for an operator who debugs. Off unless asked for.

The formats are those of the profile files ``ikev2_decryption_table`` and ``esp_sa``.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from ike.config import EncryptionAlgorithm
from ike.crypto.keys import IkeKeys
from ike.crypto.suites import IkeSuite
from ike.types import Secret

_IKE_ENCRYPTION: dict[tuple[EncryptionAlgorithm, int], str] = {
    (EncryptionAlgorithm.AES_GCM_16, 128): "AES-GCM-128 with 16 octet ICV [RFC5282]",
    (EncryptionAlgorithm.AES_GCM_16, 256): "AES-GCM-256 with 16 octet ICV [RFC5282]",
}

_ESP_ENCRYPTION: dict[EncryptionAlgorithm, str] = {
    EncryptionAlgorithm.AES_GCM_16: "AES-GCM with 16 octet ICV [RFC4106]",
}


def ike_line(initiator_spi: int, responder_spi: int, suite: IkeSuite, keys: IkeKeys) -> str:
    """Write one IKE SA's line for ``ikev2_decryption_table``."""
    return ",".join(
        (
            f"{initiator_spi:016x}",
            f"{responder_spi:016x}",
            keys.sk_ei.reveal().hex(),
            keys.sk_er.reveal().hex(),
            f'"{_IKE_ENCRYPTION[suite.encryption, suite.key_bits]}"',
            "",
            "",
            '"NONE [RFC4306]"',
        )
    )


def esp_line(
    source: IPv4Address,
    destination: IPv4Address,
    spi: int,
    encryption: EncryptionAlgorithm,
    key: Secret,
    salt: Secret,
) -> str:
    """Write one direction of a CHILD_SA for ``esp_sa``; addresses are those of the tunnel."""
    material = (key.reveal() + salt.reveal()).hex()
    fields = (
        "IPv4",
        str(source),
        str(destination),
        f"0x{spi:08x}",
        _ESP_ENCRYPTION[encryption],
        f"0x{material}",
        "NULL",
        "",
        "32-bit",
        "",
    )
    return ",".join(f'"{field}"' for field in fields)
