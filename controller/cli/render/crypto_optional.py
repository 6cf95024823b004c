"""``show crypto optional`` (PM-9)."""

from __future__ import annotations

from collections.abc import Iterator

from controller.cli.render.text import count, duration, plural, table
from controller.status import CryptoOptionalStatus, PacketTypeStatus

DISABLED = "Passive mode disabled."
ENABLED = "Passive mode enabled. IPSec is currently insecure."

_STATES = {
    "holding": "held, IKE is under way",
    "holding_failed": "held, IKE has failed",
    "clear": "in the clear",
    "clear_retry_due": "in the clear, the next packet triggers IKE",
}


def render(status: CryptoOptionalStatus) -> str:
    """Write the seed's line, then who is reached in the clear."""
    if not status.enabled:
        return DISABLED
    return "\n".join([ENABLED, *_destinations(status), *_sources(status), *_packet_types(status)])


def _destinations(status: CryptoOptionalStatus) -> Iterator[str]:
    yield ""
    if not status.destinations:
        yield "No packets are being sent in the clear."
        return
    yield "Packets are being sent in the clear to:"
    headings = ("Destination", "Peer", "Packets", "Bytes", "Since", "Packet type")
    rows = [
        (
            str(destination.address),
            str(destination.peer),
            count(destination.packets),
            count(destination.bytes),
            duration(destination.since),
            destination.packet_type,
        )
        for destination in status.destinations
    ]
    yield from table(headings, rows, right=frozenset({2, 3}))
    yield from _unlisted(status.unlisted_destinations)


def _sources(status: CryptoOptionalStatus) -> Iterator[str]:
    if not status.sources:
        return
    yield ""
    yield "Packets are being received in the clear from:"
    headings = ("Source", "Packets", "Bytes", "Since", "Packet type")
    rows = [
        (
            str(source.address),
            count(source.packets),
            count(source.bytes),
            duration(source.since),
            source.packet_type,
        )
        for source in status.sources
    ]
    yield from table(headings, rows, right=frozenset({1, 2}))
    yield from _unlisted(status.unlisted_sources)


def _unlisted(reports: int) -> Iterator[str]:
    if reports:
        yield f"  The list is full: {plural(reports, 'report')} of further addresses not shown."


def _packet_types(status: CryptoOptionalStatus) -> Iterator[str]:
    shown = [packet_type for packet_type in status.packet_types if packet_type.state in _STATES]
    if not shown:
        return
    yield ""
    yield f"Packet types without an SA (IKE is tried again after {status.retry:g} seconds):"
    for packet_type in shown:
        yield f"  {packet_type.name}, peer {packet_type.peer}: {_state(packet_type)}"
        if packet_type.last_failure is not None:
            yield f"    last failure: {packet_type.last_failure}"


def _state(packet_type: PacketTypeStatus) -> str:
    state = _STATES[packet_type.state]
    if packet_type.state == "clear_retry_due" or packet_type.next_attempt_in is None:
        return state
    return f"{state}, next attempt in {duration(packet_type.next_attempt_in)} or later"
