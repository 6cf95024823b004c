"""Counter values out of P4Runtime messages."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

import finsy as fy
import pytest
from finsy.proto import p4r
from hypothesis import given
from hypothesis import strategies as st

from controller.p4runtime import codec, tables
from controller.p4runtime.counters import CounterKind, counter_requests, decode_counters
from controller.p4runtime.entities import CounterValue, Entry
from controller.p4runtime.enums import DropReason
from controller.p4runtime.errors import EntryError
from controller.passive.events import Decision
from tests.controller.p4runtime.samples import SAD_IN, SAD_OUT

HOST = IPv4Address("10.3.0.1")


def counted(schema: fy.P4Schema, entry: Entry, packets: int) -> p4r.Entity:
    message = codec.encode_entity(schema, entry)
    message.table_entry.counter_data.packet_count = packets
    message.table_entry.counter_data.byte_count = 100 * packets
    return message


def cell(schema: fy.P4Schema, kind: CounterKind, index: int, packets: int) -> p4r.Entity:
    data = fy.P4CounterData(packet_count=packets, byte_count=100 * packets)
    return fy.P4CounterEntry(kind.value, index=index, data=data).encode(schema)


def test_values_are_found_by_what_they_count(schema: fy.P4Schema) -> None:
    answers = [
        counted(schema, tables.sad_in(SAD_IN), 1),
        counted(schema, tables.sad_out(SAD_OUT), 2),
        counted(schema, tables.clear_destination(5, HOST, 300.0), 3),
        counted(schema, tables.clear_source(6, HOST, 300.0), 4),
        cell(schema, CounterKind.HOLD, 7, 5),
        cell(schema, CounterKind.CLEAR, 8, 6),
        cell(schema, CounterKind.DROPS, DropReason.REPLAY, 7),
    ]
    counters = decode_counters(schema, answers)
    assert counters.sad_in == {SAD_IN.sa_id: CounterValue(1, 100)}
    assert counters.sad_out == {5: CounterValue(2, 200)}
    assert counters.destinations == {(5, HOST): CounterValue(3, 300)}
    assert counters.sources == {(6, HOST): CounterValue(4, 400)}
    assert counters.hold == {7: CounterValue(5, 500)}
    assert counters.clear == {8: CounterValue(6, 600)}
    assert counters.drops == {DropReason.REPLAY: CounterValue(7, 700)}


def test_zero_and_unknown_cells_are_left_out(schema: fy.P4Schema) -> None:
    answers = [cell(schema, CounterKind.HOLD, 7, 0), cell(schema, CounterKind.DROPS, 63, 1)]
    counters = decode_counters(schema, answers)
    assert counters.hold == {}
    assert counters.drops == {}


def test_only_what_is_asked_for_is_requested(schema: fy.P4Schema) -> None:
    (request,) = counter_requests(schema, [CounterKind.SAD_IN])
    assert request.table_entry.table_id == schema.tables["sad_in"].id
    assert request.table_entry.HasField("counter_data")
    assert len(list(counter_requests(schema, CounterKind))) == len(CounterKind)


def test_answers_about_something_else_are_refused(schema: fy.P4Schema) -> None:
    keyless = counted(schema, tables.sad_out(replace(SAD_OUT, packet_type=1)), 1)
    del keyless.table_entry.match[:]
    for answer in (
        counted(schema, tables.no_sa(5, Decision.HOLD), 1),
        p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=1)),
        keyless,
        p4r.Entity(),
    ):
        with pytest.raises(EntryError):
            decode_counters(schema, [answer])


@given(st.binary(max_size=100))
def test_arbitrary_answers_raise_nothing_but_our_error(data: bytes) -> None:
    schema = codec.load_schema()
    try:
        message = p4r.Entity.FromString(data)
    except Exception:  # not a protobuf at all: gRPC would not have given it to us
        return
    with suppress(EntryError):
        decode_counters(schema, [message])
