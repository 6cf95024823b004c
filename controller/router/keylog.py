"""ESP keys in the form of Wireshark's table ``esp_sa``: a debugging aid, off by default."""

from __future__ import annotations

from collections.abc import Iterator

from controller.router.sa_pair import SaPair
from ike.config import EncryptionAlgorithm
from ike.keylog import esp_line


def esp_keylog_lines(pair: SaPair) -> Iterator[str]:
    """Yield one line a direction, without the line's end."""
    inbound, outbound = pair.inbound, pair.outbound
    ends = (
        (outbound.tunnel_destination, outbound.tunnel_source, inbound.spi, inbound),
        (outbound.tunnel_source, outbound.tunnel_destination, outbound.spi, outbound),
    )
    for source, destination, spi, sa in ends:
        yield esp_line(source, destination, spi, EncryptionAlgorithm.AES_GCM_16, sa.key, sa.salt)
