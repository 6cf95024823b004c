"""Keys in the form that Wireshark reads: `ikev2_decryption_table` and `esp_sa`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Wireshark's names for AES-GCM-16, by the bytes of the key with its salt (RFC 4106, RFC 5282).
_IKE_ENCRYPTION = {
    20: "AES-GCM-128 with 16 octet ICV [RFC5282]",
    36: "AES-GCM-256 with 16 octet ICV [RFC5282]",
}
_ESP_ENCRYPTION = "AES-GCM with 16 octet ICV [RFC4106]"


@dataclass(frozen=True, slots=True)
class IkeKeys:
    """The keys of one IKE SA: SPIs as integers, SK_e with the salt at its end."""

    initiator_spi: int
    responder_spi: int
    sk_ei: bytes = field(repr=False)
    sk_er: bytes = field(repr=False)

    def line(self) -> str:
        """Return its line of `ikev2_decryption_table`."""
        encryption = _IKE_ENCRYPTION[len(self.sk_ei)]
        return (
            f"{self.initiator_spi:016x},{self.responder_spi:016x},"
            f"{self.sk_ei.hex()},{self.sk_er.hex()},"
            f'"{encryption}",,,"NONE [RFC4306]"'
        )


@dataclass(frozen=True, slots=True)
class EspKeys:
    """The key of one ESP SA: SPI as an integer, the key with the salt at its end."""

    spi: int
    key: bytes = field(repr=False)

    def line(self) -> str:
        """Return its line of `esp_sa`, for any pair of addresses."""
        return (
            f'"IPv4","*","*","0x{self.spi:08x}","{_ESP_ENCRYPTION}","0x{self.key.hex()}","NULL",""'
        )


@dataclass(frozen=True, slots=True)
class KeyTables:
    """The two files."""

    ike: Path
    esp: Path


def write_tables(
    directory: Path, ike_keys: Iterable[IkeKeys], esp_keys: Iterable[EspKeys]
) -> KeyTables:
    """Write both tables, readable by their owner only."""
    directory.mkdir(parents=True, exist_ok=True)
    tables = KeyTables(directory / "ikev2_decryption_table", directory / "esp_sa")
    for path, lines in (
        (tables.ike, [keys.line() for keys in ike_keys]),
        (tables.esp, [keys.line() for keys in esp_keys]),
    ):
        path.touch(mode=0o600)
        path.write_text("".join(f"{line}\n" for line in lines))
    return tables
