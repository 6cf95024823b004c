"""Tables `sad_in` and `sad_out`: the security associations, one direction an entry."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.p4runtime.entities import Entry
from controller.p4runtime.tables._entry import EntryReader, make_entry
from controller.p4runtime.tables.keying import Keying

SEQUENCE_LIMIT_32 = 0xFFFFFFFF
"""The last sequence number of an SA without extended sequence numbers (RFC 4303 §3.3.3)."""

SEQUENCE_LIMIT_64 = 0xFFFFFFFF_FFFFFFFF
"""The last one with them."""

AWAIT_KEYS = "await_keys"
"""The action of an inbound SPI whose keys are not known yet."""


@dataclass(frozen=True, slots=True)
class SadIn:
    """An inbound SA: `destination` and `spi` name it (RFC 4301 §4.1).

    `generation` differs from that of the SA that had `sa_id` before, which makes the replay window
    start afresh.
    """

    destination: IPv4Address
    spi: int
    sa_id: int  # 1 to 4096
    generation: int  # 32 bits
    keying: Keying
    anti_replay: bool = True


@dataclass(frozen=True, slots=True)
class SadOut:
    """An outbound SA: the one that protects `packet_type`.

    `interface_id` and `gateway` are the next hop towards `tunnel_destination`.
    """

    packet_type: int
    sa_id: int  # 1 to 4096
    generation: int  # 32 bits
    spi: int
    keying: Keying
    sequence_limit: int  # the last sequence number that may be sent
    tunnel_source: IPv4Address
    tunnel_destination: IPv4Address
    udp_destination_port: int  # 0: plain ESP, else ESP in UDP (RFC 3948)
    interface_id: int
    gateway: IPv4Address
    inner_mtu: int  # bytes of the largest inner packet


def sad_in(sa: SadIn, name: str = "") -> Entry:
    """Return the entry of an inbound SA. `name`: of its packet type, for messages.

    Raises:
        EntryError: the program doesn't have the algorithms, or the keys don't fit them.
    """
    return make_entry(
        "sad_in",
        (("destination", int(sa.destination)), ("spi", sa.spi)),
        "decapsulate",
        (
            ("sa_id", sa.sa_id),
            ("generation", sa.generation),
            *sa.keying.params(),
            ("anti_replay", int(sa.anti_replay)),
        ),
        label=_label("inbound SA", sa.spi, f"to {sa.destination}", name),
    )


def sad_in_awaiting_keys(destination: IPv4Address, spi: int, name: str = "") -> Entry:
    """Return the entry of an inbound SPI that is on offer to a peer: its packets are punted.

    It has the key of the SA's entry, which takes its place.
    """
    return make_entry(
        "sad_in",
        (("destination", int(destination)), ("spi", spi)),
        AWAIT_KEYS,
        label=_label("SPI on offer", spi, f"to {destination}", name),
    )


def parse_sad_in(entry: Entry) -> SadIn:
    """Read an inbound SA back.

    Raises:
        EntryError: it is no such entry, or its algorithms are not known.
    """
    reader = EntryReader(entry, "sad_in", "decapsulate")
    return SadIn(
        destination=reader.address_match("destination"),
        spi=reader.exact("spi"),
        sa_id=reader.param("sa_id"),
        generation=reader.param("generation"),
        keying=Keying.parse(reader),
        anti_replay=bool(reader.param("anti_replay")),
    )


def sad_out(sa: SadOut, name: str = "") -> Entry:
    """Return the entry of an outbound SA. `name`: of its packet type, for messages.

    Raises:
        EntryError: the program doesn't have the algorithms, or the keys don't fit them.
    """
    return make_entry(
        "sad_out",
        (("packet_type", sa.packet_type),),
        "encapsulate",
        (
            ("sa_id", sa.sa_id),
            ("generation", sa.generation),
            ("spi", sa.spi),
            *sa.keying.params(),
            ("sequence_limit", sa.sequence_limit),
            ("tunnel_source", int(sa.tunnel_source)),
            ("tunnel_destination", int(sa.tunnel_destination)),
            ("udp_destination_port", sa.udp_destination_port),
            ("interface_id", sa.interface_id),
            ("gateway", int(sa.gateway)),
            ("inner_mtu", sa.inner_mtu),
        ),
        label=_label("outbound SA", sa.spi, f"to {sa.tunnel_destination}", name),
    )


def parse_sad_out(entry: Entry) -> SadOut:
    """Read an outbound SA back.

    Raises:
        EntryError: it is no such entry, or its algorithms are not known.
    """
    reader = EntryReader(entry, "sad_out", "encapsulate")
    return SadOut(
        packet_type=reader.exact("packet_type"),
        sa_id=reader.param("sa_id"),
        generation=reader.param("generation"),
        spi=reader.param("spi"),
        keying=Keying.parse(reader),
        sequence_limit=reader.param("sequence_limit"),
        tunnel_source=reader.address_param("tunnel_source"),
        tunnel_destination=reader.address_param("tunnel_destination"),
        udp_destination_port=reader.param("udp_destination_port"),
        interface_id=reader.param("interface_id"),
        gateway=reader.address_param("gateway"),
        inner_mtu=reader.param("inner_mtu"),
    )


def _label(what: str, spi: int, where: str, name: str) -> str:
    return f"{what} {spi:#010x} {where}" + (f" of {name}" if name else "")
