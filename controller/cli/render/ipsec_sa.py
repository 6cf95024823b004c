"""``show crypto ipsec sa``, in the form of IOS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from controller.cli.render.text import UNKNOWN, count
from controller.status import EspSaStatus, IpsecSaStatus


def render(entries: tuple[IpsecSaStatus, ...]) -> str:
    """Write a block for each interface and crypto map, and in it one for each packet type."""
    if not entries:
        return "No SAs found."
    lines: list[str] = []
    ordered = sorted(entries, key=lambda entry: (entry.interface, entry.crypto_map))
    for (interface, crypto_map), group in groupby(
        ordered, key=lambda entry: (entry.interface, entry.crypto_map)
    ):
        packet_types = list(group)
        lines.append(f"interface: {interface}")
        lines.append(
            f"    Crypto map tag: {crypto_map}, local addr {packet_types[0].local_address}"
        )
        for entry in packet_types:
            lines += ["", *_packet_type(entry)]
        lines.append("")
    return "\n".join(lines[:-1])


def _packet_type(entry: IpsecSaStatus) -> Iterator[str]:
    port = 4500 if entry.encapsulated else 500
    sent = _packets(entry.outbound)
    received = _packets(entry.inbound)
    spi = _spi(entry.outbound.spi) if entry.outbound else "0x0(0)"
    yield f"   packet type: {entry.packet_type}"
    yield f"   local  ident (addr/mask/prot/port): ({entry.local_ident})"
    yield f"   remote ident (addr/mask/prot/port): ({entry.remote_ident})"
    yield f"   current_peer {entry.peer} port {port}"
    yield f"    #pkts encaps: {sent}, #pkts encrypt: {sent}, #pkts digest: {sent}"
    yield f"    #pkts decaps: {received}, #pkts decrypt: {received}, #pkts verify: {received}"
    yield (
        f"    #pkts held: {count(entry.packets_held)},"
        f" #pkts sent in the clear: {count(entry.packets_clear)}"
    )
    yield ""
    yield f"     local crypto endpt.: {entry.local_address}, remote crypto endpt.: {entry.peer}"
    if entry.inner_mtu is not None:
        yield f"     plaintext mtu {entry.inner_mtu}"
    yield f"     current outbound spi: {spi}"
    for direction, sa in (("inbound", entry.inbound), ("outbound", entry.outbound)):
        yield ""
        yield f"     {direction} esp sas:"
        if sa is not None:
            yield from _sa(entry, sa)


def _sa(entry: IpsecSaStatus, sa: EspSaStatus) -> Iterator[str]:
    mode = "Tunnel UDP-Encaps" if entry.encapsulated else "Tunnel"
    yield f"      spi: {_spi(sa.spi)}"
    yield f"        transform: {entry.transform or UNKNOWN} ,"
    yield f"        in use settings ={{{mode}, }}"
    yield f"        conn id: {sa.sa_id}, crypto map: {entry.crypto_map}, from: {entry.source}"
    yield f"        packets: {count(sa.packets)}, bytes: {count(sa.bytes)}"
    if entry.rekey_in is None:
        yield "        no sa timing"
    else:
        yield f"        sa timing: remaining key lifetime (sec): {entry.rekey_in:.0f}"
    yield "        Status: ACTIVE(ACTIVE)"


def _packets(sa: EspSaStatus | None) -> str:
    return "0" if sa is None else count(sa.packets)


def _spi(spi: int) -> str:
    return f"0x{spi:X}({spi})"
