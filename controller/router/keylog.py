"""ESP keys in the form of Wireshark's table ``esp_sa``: a debugging aid, off by default."""

from __future__ import annotations

from collections.abc import Iterator

from controller.router.sad import SaPair


def esp_keylog_lines(pair: SaPair) -> Iterator[str]:
    """Yield one line a direction, without the line's end.

    Fields: protocol, source, destination, SPI, encryption, key with salt, authentication, key.
    """
    inbound, outbound = pair.inbound, pair.outbound
    ends = (
        (outbound.tunnel_destination, outbound.tunnel_source, inbound.spi, inbound),
        (outbound.tunnel_source, outbound.tunnel_destination, outbound.spi, outbound),
    )
    for source, destination, spi, sa in ends:
        secret = sa.key.reveal() + sa.salt.reveal()
        yield ",".join(
            f'"{value}"'
            for value in (
                "IPv4",
                source,
                destination,
                f"{spi:#010x}",
                "AES-GCM [RFC4106]",
                f"0x{secret.hex()}",
                "NULL",
                "",
                "32-bit",
            )
        )
