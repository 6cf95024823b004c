"""ESP keys in the form of Wireshark's table ``esp_sa``: a debugging aid, off by default."""

from __future__ import annotations

from collections.abc import Iterator

from controller.router.sa_pair import SaPair
from ike.keylog import esp_line


def esp_keylog_lines(pair: SaPair) -> Iterator[str]:
    """Yield one line a direction, without the line's end, where Wireshark knows the cipher."""
    inbound, outbound = pair.inbound, pair.outbound
    ends = (
        (outbound.tunnel_destination, outbound.tunnel_source, inbound.spi, inbound),
        (outbound.tunnel_source, outbound.tunnel_destination, outbound.spi, outbound),
    )
    for source, destination, spi, sa in ends:
        keys = sa.keying
        line = esp_line(
            source,
            destination,
            spi,
            keys.encryption,
            keys.key,
            keys.salt,
            keys.integrity,
            keys.integrity_key,
            extended_sequence_numbers=keys.extended_sequence_numbers,
        )
        if line is not None:
            yield line
