"""Batches (specification §12): order, atomicity, and that nothing random breaks them."""

from __future__ import annotations

import pytest
from finsy.proto import p4r
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, WriteError

ATOMIC = ("ROLLBACK_ON_ERROR", "DATAPLANE_ATOMIC")


def update(kind: str, text: str) -> p4r.Update:
    return p4r.Update(type=kind, entity=text_format.Parse(text, p4r.Entity()))


def local(number: int, kind: str = "INSERT") -> p4r.Update:
    return update(
        kind,
        "table_entry { table_id: 0x02000003 action { action { action_id: 0x01000003 } }"
        f" match {{ field_id: 1 exact {{ value: '\\x{number:02x}' }} }} }}",
    )


def codes(bench, *updates, atomicity) -> list[Code | None]:
    with pytest.raises(WriteError) as failure:
        bench.write(*updates, atomicity=atomicity)
    assert failure.value.code is Code.UNKNOWN
    return [error and error.code for error in failure.value.errors]


def test_updates_are_done_in_order_and_the_rest_goes_on_after_an_error(bench):
    updates = [local(1), local(1), local(1, "DELETE"), local(1, "DELETE"), local(2)]
    assert codes(bench, *updates, atomicity="CONTINUE_ON_ERROR") == [
        None, Code.ALREADY_EXISTS, None, Code.NOT_FOUND, None,
    ]  # fmt: skip
    assert len(bench.state()) == len(local_default_state(bench)) + 1


def local_default_state(bench):
    request = p4r.Entity(table_entry=p4r.TableEntry(is_default_action=True))
    return bench.read(request)


@pytest.mark.parametrize("atomicity", ATOMIC)
def test_all_or_nothing(bench, atomicity):
    bench.write(local(1), local(2), atomicity=atomicity)
    before = bench.state()
    updates = [local(1, "DELETE"), local(3), local(1), local(9, "MODIFY"), local(4)]
    assert codes(bench, *updates, atomicity=atomicity) == [
        Code.ABORTED, Code.ABORTED, Code.ABORTED, Code.NOT_FOUND, Code.ABORTED,
    ]  # fmt: skip
    assert bench.state() == before


def test_empty_batch_is_fine(bench):
    for atomicity in ("CONTINUE_ON_ERROR", *ATOMIC):
        bench.write(atomicity=atomicity)


def test_unknown_atomicity_is_refused(bench):
    with pytest.raises(P4RuntimeError) as failure:
        bench.write(local(1), atomicity=7)
    assert failure.value.code is Code.INVALID_ARGUMENT


def test_status_has_one_error_an_update(bench):
    with pytest.raises(WriteError) as failure:
        bench.write(local(1), local(1))
    status = failure.value.to_status()
    assert status.code == Code.UNKNOWN
    errors = [p4r.Error(), p4r.Error()]
    assert [d.Unpack(e) for d, e in zip(status.details, errors, strict=True)] == [True, True]
    assert errors[0] == p4r.Error()
    assert errors[1].canonical_code == Code.ALREADY_EXISTS
    assert "local_address" in errors[1].message


@pytest.mark.parametrize("atomicity", ATOMIC)
def test_rollback_restores_every_kind_of_entity(bench, atomicity):
    key = (
        "table_entry { table_id: 0x02000023 match { field_id: 1 exact { value: '\\x01' } }"
        " match { field_id: 2 exact { value: '\\x02' } }"
        " action { action { action_id: 0x01000027 } } "
    )
    direct = key.replace("table_entry {", "direct_counter_entry { table_entry {", 1)
    counter = "counter_entry { counter_id: 0x12000001 index { } data { byte_count: %d } }"
    meter = "meter_entry { meter_id: 0x14000001 index { %s }"
    digest = "digest_entry { digest_id: 386453693 config { max_list_size: %d } }"
    bench.write(
        update("INSERT", key + "idle_timeout_ns: 5000000000 metadata: 'a' }"),
        update("MODIFY", counter % 1),
        update("MODIFY", meter % "" + "config { cir: 1 pir: 1 } }"),
        update("INSERT", digest % 3),
        local(1),
    )

    def everything():
        entity = p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=386453693))
        return [bench.state(arrays=True), bench.read(entity), bench.service.next_deadline_ns()]

    before = everything()
    codes(
        bench,
        update("MODIFY", key + "idle_timeout_ns: 1 counter_data { packet_count: 4 } }"),
        update("MODIFY", direct + "} data { packet_count: 6 } }"),
        update("DELETE", key + "}"),
        update("INSERT", key + "}"),
        update("MODIFY", counter % 7),
        update("DELETE", "counter_entry { counter_id: 0x12000001 index { index: 1 } }"),
        update("MODIFY", meter % "" + "}"),
        update("MODIFY", meter % "index: 1" + "config { pir: 1 } }"),
        update("MODIFY", digest % 4),
        update("DELETE", digest % 4),
        update("INSERT", digest % 5),
        update("MODIFY", "table_entry { table_id: 0x02000030 is_default_action: true action {"
               " action { action_id: 0x01000030 params { param_id: 1 value: '\\x01' } } } }"),
        local(1, "DELETE"),
        local(2, "DELETE"),
        atomicity=atomicity,
    )  # fmt: skip
    assert everything() == before


# Random requests

VALUES = st.sampled_from(
    [b"", b"\x00", b"\x01", b"\x02", b"\x0a\x00\x00\x00", b"\xff\xff", bytes(9)]
)
FIELDS = st.integers(0, 4)


@st.composite
def matches(draw) -> p4r.FieldMatch:
    match = p4r.FieldMatch(field_id=draw(FIELDS))
    kind = draw(st.sampled_from(["exact", "lpm", "ternary", "range", "optional", "none"]))
    if kind == "exact":
        match.exact.value = draw(VALUES)
    elif kind == "lpm":
        match.lpm.value, match.lpm.prefix_len = draw(VALUES), draw(st.integers(-1, 40))
    elif kind == "ternary":
        match.ternary.value, match.ternary.mask = draw(VALUES), draw(VALUES)
    elif kind == "range":
        match.range.low, match.range.high = draw(VALUES), draw(VALUES)
    elif kind == "optional":
        match.optional.value = draw(VALUES)
    return match


@st.composite
def table_entries(draw) -> p4r.TableEntry:
    entry = p4r.TableEntry(
        table_id=draw(
            st.sampled_from([0, 5, 0x02000003, 0x02000004, 0x02000020, 0x02000023, 0x02000030])
        ),
        match=draw(st.lists(matches(), max_size=4)),
        priority=draw(st.sampled_from([0, 1, 2, -1, 2**31 - 1])),
        is_default_action=draw(st.booleans()),
        idle_timeout_ns=draw(st.sampled_from([0, 0, 1, -1, 2**63 - 1])),
        metadata=draw(st.binary(max_size=3)),
    )
    if draw(st.booleans()):
        entry.counter_data.packet_count = draw(st.integers(-(2**63), 2**63 - 1))
    if draw(st.booleans()):
        entry.action.action.action_id = draw(
            st.sampled_from([0, 0x01000003, 0x01000006, 0x01000020, 0x01000027, 0x01000030])
        )
        for param_id in draw(st.lists(st.integers(0, 2), max_size=2)):
            entry.action.action.params.add(param_id=param_id, value=draw(VALUES))
    return entry


def legal(number: int) -> list[p4r.TableEntry]:
    """Entries that are in order, so that random batches do something."""
    destination = (
        f"table_id: 0x02000023 match {{ field_id: 1 exact {{ value: '\\x{number:02x}' }} }}"
        " match { field_id: 2 exact { value: '\\x02' } } idle_timeout_ns: 7"
        " action { action { action_id: 0x01000027 } }"
    )
    policy = (
        "table_id: 0x02000020 match { field_id: 1 exact { value: '\\x01' } }"
        f" priority: {number + 1} action {{ action {{ action_id: 0x01000021 }} }}"
    )
    return [text_format.Parse(text, p4r.TableEntry()) for text in (destination, policy)] + [
        local(number).entity.table_entry
    ]


@st.composite
def updates(draw) -> p4r.Update:
    result = p4r.Update(type=draw(st.integers(0, 4)))
    entity = result.entity
    kind = draw(
        st.sampled_from(["legal", "table", "counter", "meter", "digest", "direct", "other"])
    )
    index = draw(st.integers(-1, 70))
    if kind == "legal":
        entity.table_entry.CopyFrom(draw(st.sampled_from(legal(draw(st.integers(0, 2))))))
    elif kind == "table":
        entity.table_entry.CopyFrom(draw(table_entries()))
    elif kind == "counter":
        entity.counter_entry.counter_id = draw(st.sampled_from([0, 0x12000001, 0x13000001]))
        entity.counter_entry.index.index = index
        entity.counter_entry.data.byte_count = index
    elif kind == "meter":
        entity.meter_entry.meter_id = draw(st.sampled_from([0, 0x14000001]))
        entity.meter_entry.index.index = index
        if draw(st.booleans()):
            entity.meter_entry.config.cir = entity.meter_entry.config.pir = index
    elif kind == "digest":
        entity.digest_entry.digest_id = draw(st.sampled_from([0, 386453693]))
        entity.digest_entry.config.max_list_size = index
    elif kind == "direct":
        entry = draw(st.one_of(table_entries(), st.sampled_from(legal(1))))
        entity.direct_counter_entry.table_entry.CopyFrom(entry)
        entity.direct_counter_entry.data.packet_count = index
    else:
        entity.packet_replication_engine_entry.multicast_group_entry.multicast_group_id = index & 7
    return result


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    batches=st.lists(
        st.tuples(
            st.lists(updates(), max_size=6),
            st.sampled_from(["CONTINUE_ON_ERROR", "ROLLBACK_ON_ERROR", "DATAPLANE_ATOMIC"]),
        ),
        max_size=5,
    )
)
def test_random_batches_never_crash_and_never_half_apply(bench, batches):
    for batch, atomicity in batches:
        before = snapshot(bench)
        failure = failure_of(bench.write, *batch, atomicity=atomicity)
        if failure is not None:
            assert isinstance(failure, WriteError)
            assert len(failure.errors) == len(batch)
            if atomicity != "CONTINUE_ON_ERROR":
                assert snapshot(bench) == before
                assert all(failure.errors)
        bench.advance(0.001)
        bench.session.drain()


def failure_of(call, *arguments, **options) -> P4RuntimeError | None:
    try:
        call(*arguments, **options)
    except P4RuntimeError as error:
        return error
    return None


def snapshot(bench):
    """Cells of the arrays that random batches write, besides the tables and the digest."""
    try:
        digest = bench.read(p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=386453693)))
    except P4RuntimeError:
        digest = []
    counters = bench.read(p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=0x12000001)))
    meters = bench.read(p4r.Entity(meter_entry=p4r.MeterEntry(meter_id=0x14000001)))
    return bench.state(), digest, counters, meters


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=60))
def test_any_bytes_that_are_a_request_are_answered(bench, data):
    """Requests of every kind from raw bytes: an answer or a `P4RuntimeError`, nothing else."""
    for message, call in (
        (p4r.Entity, lambda e: bench.read(e)),
        (p4r.Update, lambda u: bench.write(u, atomicity="ROLLBACK_ON_ERROR")),
        (p4r.StreamMessageRequest, lambda m: bench.service.open_session().receive(m)),
    ):
        try:
            parsed = message.FromString(data)
        except DecodeError:
            continue
        failure = failure_of(call, parsed)
        assert failure is None or failure.code is not Code.OK
