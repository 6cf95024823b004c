"""Counters, meters, and what the switch has not (specification §9.2 to §9.10)."""

from __future__ import annotations

import pytest
from finsy.proto import p4r
from google.protobuf import text_format

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, WriteError

INVALID = Code.INVALID_ARGUMENT
DROP = "counter_entry { counter_id: 0x12000001 index { index: 3 } }"
DROP_SET = (
    "counter_entry { counter_id: 0x12000001 index { index: 3 }"
    " data { packet_count: 8 byte_count: 9 } }"
)
PUNT = "meter_entry { meter_id: 0x14000001 index { index: 2 } }"
PUNT_SET = (
    "meter_entry { meter_id: 0x14000001 index { index: 2 }"
    " config { cir: 1 cburst: 2 pir: 3 pburst: 4 } }"
)
KEY = (
    "table_id: 0x02000023 match { field_id: 1 exact { value: '\\x01' } }"
    " match { field_id: 2 exact { value: '\\x02' } }"
)
DIRECT = f"direct_counter_entry {{ table_entry {{ {KEY} }} }}"
DIRECT_SET = f"direct_counter_entry {{ table_entry {{ {KEY} }} data {{ packet_count: 6 }} }}"


def entity(text: str) -> p4r.Entity:
    return text_format.Parse(text, p4r.Entity())


def write(bench, kind, text):
    bench.write(p4r.Update(type=kind, entity=entity(text)))


def write_code(bench, kind, text) -> Code:
    with pytest.raises(WriteError) as failure:
        write(bench, kind, text)
    return failure.value.errors[0].code


def read_code(bench, text) -> Code:
    with pytest.raises(P4RuntimeError) as failure:
        bench.read(entity(text))
    return failure.value.code


def test_counter_is_written_read_and_reset(bench):
    write(bench, "MODIFY", DROP_SET)
    assert bench.read(entity(DROP)) == [entity(DROP_SET)]
    write(bench, "MODIFY", DROP)  # no data: no change
    assert bench.read(entity(DROP)) == [entity(DROP_SET)]
    write(bench, "DELETE", DROP)  # as bmv2
    assert bench.read(entity(DROP))[0].counter_entry.data == p4r.CounterData()


def test_wildcard_reads_of_counters(bench):
    write(bench, "MODIFY", DROP_SET)
    one = bench.read(entity("counter_entry { counter_id: 0x12000001 }"))
    assert [e.counter_entry.index.index for e in one] == list(range(64))
    assert one[3] == entity(DROP_SET)
    all_ = bench.read(entity("counter_entry { }"))
    assert len(all_) == 64 + 2 * 4097
    same_index = bench.read(entity("counter_entry { index { index: 3 } }"))
    assert len(same_index) == 3


def test_count_beyond_64_bits_does_not_fail(bench):
    cell = bench.datapath.program.counters["RouterIngress.finish.drop_counter"].cells[3]
    cell.packets = 2**70
    assert bench.read(entity(DROP))[0].counter_entry.data.packet_count == 2**63 - 1


def test_meter_is_written_read_and_reset(bench):
    write(bench, "MODIFY", PUNT_SET)
    assert bench.read(entity(PUNT)) == [entity(PUNT_SET)]
    write(bench, "MODIFY", PUNT)
    assert bench.read(entity(PUNT)) == [entity(PUNT)]
    write(bench, "MODIFY", PUNT_SET)
    green = "config { cir: -1 cburst: -1 pir: -1 pburst: -1 }"  # as bmv2
    write(bench, "MODIFY", PUNT[:-1] + green + "}")
    assert bench.read(entity(PUNT)) == [entity(PUNT)]
    assert len(bench.read(entity("meter_entry { meter_id: 0x14000001 }"))) == 16
    assert len(bench.read(entity("meter_entry { }"))) == 16 + 256 + 5 + 4097


def test_direct_counter_is_written_read_and_reset(bench):
    assert write_code(bench, "MODIFY", DIRECT_SET) is INVALID  # no such entry, as bmv2
    assert read_code(bench, DIRECT) is INVALID
    action = "action { action { action_id: 0x01000027 } }"
    write(bench, "INSERT", f"table_entry {{ {KEY} {action} }}")
    write(bench, "MODIFY", DIRECT_SET)
    (found,) = bench.read(entity(DIRECT))
    assert found == entity(DIRECT_SET)
    every = entity("direct_counter_entry { table_entry { table_id: 0x02000023 } }")
    assert bench.read(every) == [found]
    write(bench, "DELETE", DIRECT)
    assert bench.read(entity(DIRECT))[0].direct_counter_entry.data == p4r.CounterData()


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("INSERT", DROP_SET, INVALID),
        ("UNSPECIFIED", DROP_SET, INVALID),
        ("MODIFY", "counter_entry { counter_id: 0x12000001 data { } }", Code.UNIMPLEMENTED),
        ("MODIFY", "counter_entry { counter_id: 0x12000001 index { index: -1 } }", INVALID),
        ("MODIFY", "counter_entry { counter_id: 0x12000001 index { index: 64 } }", Code.UNKNOWN),
        ("MODIFY", "counter_entry { counter_id: 0x13000001 index { index: 0 } }", INVALID),
        ("MODIFY", "counter_entry { index { index: 0 } }", INVALID),
        ("MODIFY", DROP[:-1] + "data { packet_count: -1 } }", INVALID),
        ("INSERT", PUNT_SET, INVALID),
        ("DELETE", PUNT_SET, INVALID),
        ("UNSPECIFIED", PUNT_SET, INVALID),
        ("MODIFY", "meter_entry { meter_id: 0x14000001 }", Code.UNIMPLEMENTED),
        ("MODIFY", "meter_entry { meter_id: 0x14000001 index { index: -1 } }", INVALID),
        ("MODIFY", "meter_entry { meter_id: 0x14000001 index { index: 16 } }", Code.UNKNOWN),
        ("MODIFY", "meter_entry { meter_id: 0x12000001 index { index: 0 } }", INVALID),
        ("MODIFY", PUNT[:-1] + "config { cir: -2 } }", INVALID),
        ("MODIFY", PUNT[:-1] + "config { eburst: 1 } }", INVALID),
        ("MODIFY", PUNT[:-1] + "config { pburst: 4294967296 } }", Code.UNIMPLEMENTED),
        ("MODIFY", PUNT[:-1] + "counter_data { } }", Code.UNIMPLEMENTED),
        ("MODIFY", "direct_counter_entry { }", INVALID),
        ("MODIFY", "direct_counter_entry { table_entry { table_id: 0x02000003 } }", INVALID),
        ("MODIFY", "direct_counter_entry { table_entry { table_id: 9 } }", INVALID),
        (
            "MODIFY",
            "direct_counter_entry { table_entry { table_id: 0x02000023 is_default_action: true } }",
            Code.UNKNOWN,
        ),
        ("MODIFY", "direct_meter_entry { }", INVALID),
        ("MODIFY", f"direct_meter_entry {{ table_entry {{ {KEY} }} }}", INVALID),
        ("INSERT", "action_profile_member { action_profile_id: 1 }", INVALID),
        ("INSERT", "action_profile_group { }", INVALID),
        ("MODIFY", "register_entry { }", Code.UNIMPLEMENTED),
        ("MODIFY", "value_set_entry { }", Code.UNIMPLEMENTED),
        ("MODIFY", "extern_entry { }", Code.UNIMPLEMENTED),
        ("MODIFY", "", Code.UNKNOWN),
        ("INSERT", "packet_replication_engine_entry { }", INVALID),
    ],
)
def test_refused_writes(bench, kind, text, code):
    assert write_code(bench, kind, text) is code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("counter_entry { counter_id: 0x12000001 index { index: 64 } }", Code.UNKNOWN),
        ("counter_entry { counter_id: 0x12000001 index { index: -1 } }", INVALID),
        ("counter_entry { counter_id: 0x13000001 }", INVALID),
        ("meter_entry { meter_id: 0x14000001 index { index: 16 } }", Code.UNKNOWN),
        ("meter_entry { meter_id: 5 }", INVALID),
        ("meter_entry { counter_data { } }", Code.UNIMPLEMENTED),
        ("direct_counter_entry { }", INVALID),
        ("direct_counter_entry { table_entry { } }", Code.UNIMPLEMENTED),
        ("direct_counter_entry { table_entry { table_id: 0x02000003 } }", INVALID),
        ("direct_meter_entry { table_entry { table_id: 0x02000023 } }", INVALID),
        ("direct_meter_entry { counter_data { } }", Code.UNIMPLEMENTED),
        ("table_entry { table_id: 5 }", INVALID),
        ("table_entry { table_id: 0x02000003 time_since_last_hit { } }", INVALID),
        ("table_entry { table_id: 0x02000023 is_default_action: true time_since_last_hit { } }",
         INVALID),
        ("table_entry { table_id: 0x02000003 match { field_id: 9 } }", INVALID),
        ("table_entry { table_id: 0x02000003 meter_counter_data { } }", Code.UNIMPLEMENTED),
        ("action_profile_member { action_profile_id: 1 }", INVALID),
        ("action_profile_group { action_profile_id: 1 }", INVALID),
        ("register_entry { register_id: 1 }", Code.UNIMPLEMENTED),
        ("value_set_entry { }", Code.UNIMPLEMENTED),
        ("extern_entry { }", Code.UNKNOWN),
        ("", Code.UNKNOWN),
        ("packet_replication_engine_entry { }", INVALID),
    ],
)  # fmt: skip
def test_refused_reads(bench, text, code):
    assert read_code(bench, text) is code


@pytest.mark.parametrize(
    "text",
    [
        "action_profile_member { }",
        "action_profile_group { }",
        "packet_replication_engine_entry { multicast_group_entry { } }",
        "packet_replication_engine_entry { clone_session_entry { } }",
        "table_entry { }",
        "table_entry { table_id: 0x02000003 match { field_id: 1 exact { value: '\\x01' } } }",
    ],
)
def test_reads_that_find_nothing_are_no_error(bench, text):
    assert bench.read(entity(text)) == []


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("multicast_group_entry { multicast_group_id: %d }", 1),
        ("clone_session_entry { session_id: %d }", 1),
    ],
)
def test_replication_is_refused_as_bmv2_would_for_what_is_not_there(bench, what, number):
    def text(value):
        return f"packet_replication_engine_entry {{ {what % value} }}"

    assert write_code(bench, "INSERT", text(number)) is Code.UNIMPLEMENTED
    assert write_code(bench, "MODIFY", text(number)) is Code.NOT_FOUND
    assert write_code(bench, "DELETE", text(number)) is Code.NOT_FOUND
    assert write_code(bench, "UNSPECIFIED", text(number)) is INVALID
    assert write_code(bench, "INSERT", text(0)) is INVALID
    assert read_code(bench, text(number)) is Code.NOT_FOUND


def test_multicast_groups_that_bmv2_keeps_for_itself(bench):
    text = "packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 32768 } }"
    assert write_code(bench, "INSERT", text) is Code.OUT_OF_RANGE
    assert read_code(bench, text) is Code.OUT_OF_RANGE


def test_default_entries_of_all_tables(bench, p4info):
    found = bench.read(entity("table_entry { is_default_action: true }"))
    assert [e.table_entry.table_id for e in found] == [t.preamble.id for t in p4info.tables]
    assert all(e.table_entry.action.action.action_id for e in found)


def test_long_answers_come_in_pieces(bench):
    request = p4r.ReadRequest(device_id=1)
    request.entities.add().meter_entry.meter_id = 0x14000003
    sizes = [len(response.entities) for response in bench.service.read(request)]
    assert sizes == [512] * 8 + [1]


def test_read_ends_at_the_first_error(bench):
    """As bmv2; what came before is delivered."""
    request = p4r.ReadRequest(device_id=1)
    for text in (DROP, "register_entry { }", DROP):
        request.entities.append(entity(text))
    answers = bench.service.read(request)
    assert len(next(answers).entities) == 1
    with pytest.raises(P4RuntimeError):
        next(answers)
