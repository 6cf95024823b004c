"""A switch that writes down what goes in and what comes out.

Normalised, because it is not the switch's doing or may differ from one run to the next:

- packet-ins and digests are in their own order each, at the end: how they lie between frames is a
  matter of threads and sockets;
- digests are written message by message, without list ids and timestamps;
- packet-in metadata, match fields and counter cells are in the order of the program, table entries
  by their keys; counters that are 0 are left out;
- time is what a test waits for, not what passes while it runs.
"""

from __future__ import annotations

import json
from typing import Any

from finsy.proto import p4i, p4r

from tests.conformance.switch import Frames, Switch
from tests.conformance.trace.notation import Notation, last

Event = dict[str, Any]


class Recorder:
    """`Switch`, around another one."""

    def __init__(self, switch: Switch) -> None:
        self.p4info: p4i.P4Info = switch.p4info
        self._switch = switch
        self._notation = Notation(switch.p4info)
        self._events: list[Event] = []
        self._packet_ins: list[Event] = []
        self._digests: list[Event] = []

    def load(self) -> None:
        self._switch.load()
        self._events.clear()
        self._packet_ins.clear()
        self._digests.clear()

    def write(self, kind: int, entity: p4r.Entity) -> None:
        self._switch.write(kind, entity)
        self._events.append(self._notation.of_update(kind, entity))

    def read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        return self._switch.read(entity)

    def send(self, port: int, frame: bytes) -> Frames:
        sent = self._switch.send(port, frame)
        self._events.append({"port": port, "frame": frame.hex()} | _out(sent))
        return sent

    def packet_out(self, packet: p4r.PacketOut) -> Frames:
        sent = self._switch.packet_out(packet)
        written = {"packet_out": self._metadata("packet_out", packet)}
        self._events.append(written | {"payload": packet.payload.hex()} | _out(sent))
        return sent

    def take_messages(self, *, last: bool = False) -> list[p4r.StreamMessageResponse]:
        messages = self._switch.take_messages(last=last)
        digests = 0
        for message in messages:
            if message.HasField("packet"):
                packet = message.packet
                written = {"packet_in": self._metadata("packet_in", packet)}
                self._packet_ins.append(written | {"payload": packet.payload.hex()})
            elif message.HasField("digest"):
                digests += len(message.digest.data)
                self._digests += map(self._digest(message.digest.digest_id), message.digest.data)
        if digests and not last:
            self._events.append({"acknowledge": digests})
        return messages

    def wait(self, nanoseconds: int) -> None:
        self._switch.wait(nanoseconds)
        self._events.append({"wait_ns": nanoseconds})

    def finish(self) -> list[str]:
        """Return the trace: a line an event, the last ones what is left in the switch."""
        self.take_messages(last=True)
        events = [*self._events, *self._packet_ins, *self._digests]
        events += [*self._counters(), *self._direct_counters()]
        return [json.dumps(event) for event in events]

    def _metadata(self, header: str, packet: p4r.PacketIn | p4r.PacketOut) -> dict[str, int]:
        (info,) = [h for h in self.p4info.controller_packet_metadata if h.preamble.name == header]
        values = {m.metadata_id: int.from_bytes(m.value, "big") for m in packet.metadata}
        return {field.name: values[field.id] for field in info.metadata if field.id in values}

    def _digest(self, digest_id: int) -> Any:
        (info,) = [d for d in self.p4info.digests if d.preamble.id == digest_id]
        name = info.type_spec.struct.name
        members = self.p4info.type_info.structs[name].members

        def write(data: p4r.P4Data) -> Event:
            values = [int.from_bytes(m.bitstring, "big") for m in data.struct.members]
            return {"digest": name} | dict(zip((m.name for m in members), values, strict=True))

        return write

    def _counters(self) -> list[Event]:
        written: list[Event] = []
        for counter in self.p4info.counters:
            asked = p4r.CounterEntry(counter_id=counter.preamble.id)
            found = [e.counter_entry for e in self.read(p4r.Entity(counter_entry=asked))]
            cells = {
                str(cell.index.index): _count(cell.data)
                for cell in sorted(found, key=lambda cell: cell.index.index)
                if cell.data.packet_count or cell.data.byte_count
            }
            if cells:
                written.append({"counter": last(counter.preamble.name), "cells": cells})
        return written

    def _direct_counters(self) -> list[Event]:
        written: list[Event] = []
        for counter in self.p4info.direct_counters:
            asked = p4r.DirectCounterEntry()
            asked.table_entry.table_id = counter.direct_table_id
            for entity in self.read(p4r.Entity(direct_counter_entry=asked)):
                found = entity.direct_counter_entry
                if found.data.packet_count or found.data.byte_count:
                    key = self._notation.of_key("direct_counter", found.table_entry)
                    written.append(key | {"count": _count(found.data)})
        return sorted(written, key=str)


def _count(data: p4r.CounterData) -> list[int]:
    return [data.packet_count, data.byte_count]


def _out(sent: Frames) -> Event:
    return {"sent": [[port, frame.hex()] for port, frame in sent]} if sent else {}
