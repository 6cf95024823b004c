"""Does again what a trace says, on another switch."""

from __future__ import annotations

import json
from collections.abc import Iterable

from finsy.proto import p4r

from tests.conformance.switch import Switch
from tests.conformance.trace.notation import Notation, canonical

_OUTPUTS = frozenset({"packet_in", "digest", "counter", "direct_counter"})


def replay(lines: Iterable[str], switch: Switch) -> None:
    """Load the program and put in what the trace put in; nothing is compared."""
    notation = Notation(switch.p4info)
    switch.load()
    for line in lines:
        event = json.loads(line)
        match next(iter(event)):
            case "port":
                switch.send(event["port"], bytes.fromhex(event["frame"]))
            case "packet_out":
                packet = packet_out(switch, event["packet_out"], bytes.fromhex(event["payload"]))
                switch.packet_out(packet)
            case "wait_ns":
                switch.wait(event["wait_ns"])
            case "acknowledge":
                switch.take_messages()
            case kind if kind not in _OUTPUTS:
                switch.write(*notation.update(event))


def packet_out(switch: Switch, values: dict[str, int], payload: bytes) -> p4r.PacketOut:
    """Make a packet-out of metadata by name."""
    headers = switch.p4info.controller_packet_metadata
    (info,) = [header for header in headers if header.preamble.name == "packet_out"]
    packet = p4r.PacketOut(payload=payload)
    for field in info.metadata:
        packet.metadata.add(metadata_id=field.id, value=canonical(values[field.name]))
    return packet
