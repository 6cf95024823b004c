"""The extern `PayloadParser` of p4src/payload_parser.p4."""

from __future__ import annotations

from bmv2.embedded.datapath.hashes import csum16
from bmv2.embedded.esp import IPV4_HEADER_LENGTH

_VERSION_4_NO_OPTIONS = 0x45
_UDP, _ESP = 17, 50
_HAVE_PORTS = {6, _UDP, 132}
_PORT_IKE_NAT = 4500
_LOOK_AHEAD = 8  # bytes behind the header that the parser wants of those, and of ESP
_LOOK_AHEAD_ESP_IN_UDP = 16


def extract_ipv4(payload: bytes) -> tuple[bytes, bytes, int, int, int]:
    """Cut a plain IPv4 header off.

    Args:
        payload: what may begin with an IPv4 packet, bytes.

    Returns:
        What is left; the header; source and destination port; 1. Where the parser has to decide:
        the payload, no bytes, and zeros.
    """
    header = payload[:IPV4_HEADER_LENGTH]
    if (
        len(header) < IPV4_HEADER_LENGTH
        or header[0] != _VERSION_4_NO_OPTIONS
        or int.from_bytes(header[2:4], "big") != len(payload)
        or header[6] & 0x1F
        or header[7]
        or csum16(header[:10] + header[12:]) != int.from_bytes(header[10:12], "big")
    ):
        return payload, b"", 0, 0, 0
    rest = payload[IPV4_HEADER_LENGTH:]
    protocol = header[9]
    source_port = destination_port = 0
    if protocol in _HAVE_PORTS or protocol == _ESP:
        if len(rest) < _LOOK_AHEAD:
            return payload, b"", 0, 0, 0
        if protocol != _ESP:
            source_port = int.from_bytes(rest[:2], "big")
            destination_port = int.from_bytes(rest[2:4], "big")
        if (
            protocol == _UDP
            and destination_port == _PORT_IKE_NAT
            and int.from_bytes(rest[4:6], "big") >= _LOOK_AHEAD_ESP_IN_UDP > len(rest)
        ):
            return payload, b"", 0, 0, 0
    return rest, header, source_port, destination_port, 1
