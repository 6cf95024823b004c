"""Setting and getting the pipeline config (specification §14, §15)."""

from __future__ import annotations

from pathlib import Path

import pytest
from finsy.proto import p4i, p4r
from google.protobuf import text_format

from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.pipeline import build


def refusal(call, *arguments, **options) -> Code:
    with pytest.raises(P4RuntimeError) as failure:
        call(*arguments, **options)
    return failure.value.code


def get(bench, kind="ALL"):
    request = p4r.GetForwardingPipelineConfigRequest(device_id=1, response_type=kind)
    return bench.service.get_pipeline(request).config


ROUTE = """
table_entry {
  table_id: 0x02000004
  match { field_id: 1 lpm { value: "\\x0a\\x00\\x00\\x00" prefix_len: 8 } }
  action { action { action_id: 0x01000005 params { param_id: 1 value: "\\x07" } } }
  metadata: "m"
}
"""
DESTINATION = """
table_entry {
  table_id: 0x02000023
  match { field_id: 1 exact { value: "\\x01" } }
  match { field_id: 2 exact { value: "\\x02" } }
  action { action { action_id: 0x01000027 } }
  idle_timeout_ns: 10000000000
  counter_data { packet_count: 4 byte_count: 5 }
}
"""
METER = "meter_entry { meter_id: 0x14000001 index { index: 2 } config { cir: 1 pir: 1 pburst: 2 } }"
COUNTER = (
    "counter_entry { counter_id: 0x12000001 index { index: 3 }"
    " data { packet_count: 8 byte_count: 9 } }"
)
DEFAULT = """
table_entry {
  table_id: 0x02000030 is_default_action: true
  action { action { action_id: 0x01000030 params { param_id: 1 value: "\\x01" } } }
}
"""


def fill(bench):
    """Write one of each kind of state; what reading everything gives."""
    for kind, text in (
        ("INSERT", ROUTE),
        ("INSERT", DESTINATION),
        ("MODIFY", METER),
        ("MODIFY", COUNTER),
        ("MODIFY", DEFAULT),
        ("INSERT", "digest_entry { digest_id: 386453693 config { max_list_size: 1 } }"),
    ):
        bench.write(p4r.Update(type=kind, entity=text_format.Parse(text, p4r.Entity())))
    return bench.state(arrays=True)


def digest_is_on(bench) -> bool:
    entity = p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=386453693))
    try:
        return bool(bench.read(entity))
    except P4RuntimeError:
        return False


@pytest.fixture
def empty(p4info, make_bench):
    """A server without a pipeline."""
    made = make_bench(p4info)
    made.session.drain()
    return made


def test_before_the_first_config_there_is_nothing_to_ask(empty):
    assert refusal(get, empty) is Code.FAILED_PRECONDITION
    assert refusal(empty.read) is Code.FAILED_PRECONDITION
    assert refusal(empty.write) is Code.FAILED_PRECONDITION


def test_config_comes_back_as_it_was_set(bench):
    config = bench.config(cookie=77)
    bench.set_pipeline(config=config)
    assert get(bench) == config
    for kind, parts in (
        ("COOKIE_ONLY", {"cookie"}),
        ("P4INFO_AND_COOKIE", {"cookie", "p4info"}),
        ("DEVICE_CONFIG_AND_COOKIE", {"cookie", "p4_device_config"}),
    ):
        answer = get(bench, kind)
        assert {field.name for field, _ in answer.ListFields()} == parts
        assert answer.cookie.cookie == 77
    assert refusal(get, bench, 9) is Code.INVALID_ARGUMENT


def test_cookie_that_was_not_given_is_not_there(bench):
    config = bench.config()
    config.ClearField("cookie")
    bench.set_pipeline(config=config)
    assert not get(bench).HasField("cookie")


def test_verify_changes_nothing(bench):
    before = fill(bench)
    bench.set_pipeline("VERIFY", bench.config(cookie=99))
    assert bench.state(arrays=True) == before
    assert get(bench).cookie.cookie == 7


def test_commit_clears_the_state(bench):
    fresh = bench.state(arrays=True)
    assert fill(bench) != fresh
    bench.set_pipeline("VERIFY_AND_COMMIT")
    assert bench.state(arrays=True) == fresh
    assert not digest_is_on(bench)


def test_reconcile_with_the_same_config_touches_nothing(bench):
    before = fill(bench)
    program = bench.datapath.program
    bench.set_pipeline("RECONCILE_AND_COMMIT", bench.config(cookie=8))
    assert bench.datapath.program is program
    assert bench.state(arrays=True) == before
    assert get(bench).cookie.cookie == 8


def test_reconcile_with_a_compatible_config_keeps_the_state(bench, p4info):
    before = fill(bench)
    old = bench.datapath.program
    wider = p4i.P4Info()
    wider.CopyFrom(p4info)
    for table in wider.tables:
        table.size += 1
    wider.actions.add().preamble.id = 0x01FFFFFF
    bench.set_pipeline("RECONCILE_AND_COMMIT", bench.config(wider))
    assert bench.datapath.program is not old
    assert bench.datapath.program.adopted is old
    assert bench.state(arrays=True) == before
    assert digest_is_on(bench)


def test_reconcile_keeps_the_time_since_the_last_hit(bench, p4info):
    fill(bench)
    bench.advance(4)
    bench.session.drain()
    wider = p4i.P4Info()
    wider.CopyFrom(p4info)
    wider.tables[0].size += 1
    bench.set_pipeline("RECONCILE_AND_COMMIT", bench.config(wider))
    bench.advance(5)
    assert bench.session.drain() == []
    bench.advance(1)
    (notice,) = bench.session.drain()
    assert len(notice.idle_timeout_notification.table_entry) == 1


@pytest.mark.parametrize("change", ["table", "action", "size", "register"])
def test_reconcile_that_would_lose_state_is_refused(bench, p4info, change):
    before = fill(bench)
    program = bench.datapath.program
    other = p4i.P4Info()
    other.CopyFrom(p4info)
    route = next(t for t in other.tables if t.preamble.id == 0x02000004)
    if change == "table":
        other.tables.remove(route)
    elif change == "action":
        route.action_refs.remove(next(r for r in route.action_refs if r.id == 0x01000005))
    elif change == "size":
        route.size = 0
    else:
        other.registers[0].size += 1
    code = refusal(bench.set_pipeline, "RECONCILE_AND_COMMIT", bench.config(other))
    assert code is Code.UNKNOWN
    assert bench.datapath.program is program
    assert bench.state(arrays=True) == before
    assert get(bench) == bench.config()


def test_reconcile_as_the_first_config(empty):
    empty.set_pipeline("RECONCILE_AND_COMMIT")
    assert get(empty) == empty.config()


def test_saved_config_is_what_requests_mean_until_it_is_committed(bench):
    """As bmv2: writes after VERIFY_AND_SAVE go to the pipeline that does not forward yet."""
    fill(bench)
    forwarding = bench.datapath.program
    fresh = bench.config(cookie=5)
    bench.set_pipeline("VERIFY_AND_SAVE", fresh)
    assert bench.datapath.program is forwarding
    assert get(bench) == fresh
    assert bench.read(p4r.Entity(table_entry=p4r.TableEntry())) == []
    bench.write(p4r.Update(type="INSERT", entity=text_format.Parse(ROUTE, p4r.Entity())))
    bench.set_pipeline("COMMIT")
    assert bench.datapath.program is not forwarding
    assert len(bench.read(p4r.Entity(table_entry=p4r.TableEntry()))) == 1
    assert refusal(bench.set_pipeline, "COMMIT") is Code.UNKNOWN


def test_saved_config_is_the_one_whose_idle_timeouts_are_told_of(bench):
    """As bmv2: of the entries that clients can read, and of no others."""
    entry = p4r.Update(type="INSERT", entity=text_format.Parse(DESTINATION, p4r.Entity()))
    bench.write(entry)
    bench.set_pipeline("VERIFY_AND_SAVE")
    bench.advance(11)
    assert bench.session.drain() == []
    bench.write(entry)
    bench.advance(11)
    (message,) = bench.session.drain()
    assert len(message.idle_timeout_notification.table_entry) == 1


def test_commit_takes_no_config(bench):
    bench.set_pipeline("VERIFY_AND_SAVE")
    code = refusal(bench.set_pipeline, "COMMIT", bench.config())
    assert code is Code.INVALID_ARGUMENT


def test_bad_requests(bench):
    for action in ("UNSPECIFIED", 9):
        assert refusal(bench.set_pipeline, action) is Code.INVALID_ARGUMENT
    for action in ("VERIFY", "VERIFY_AND_SAVE", "VERIFY_AND_COMMIT", "RECONCILE_AND_COMMIT"):
        config = p4r.ForwardingPipelineConfig()
        assert refusal(bench.set_pipeline, action, config) is Code.INVALID_ARGUMENT
        config = bench.config()
        config.p4_device_config = b"\xff{"
        assert refusal(bench.set_pipeline, action, config) is Code.UNKNOWN
    assert refusal(bench.set_pipeline, election_id=9) is Code.PERMISSION_DENIED
    assert get(bench) == bench.config()


def drop_key(info):
    del info.tables[0].match_fields[0]


def widen_key(info):
    info.tables[0].match_fields[0].bitwidth += 1


def rename_table(info):
    info.tables[0].preamble.name = "nowhere"


def unknown_match_kind(info):
    info.tables[0].match_fields[0].other_match_type = "fuzzy"


def add_profile(info):
    info.action_profiles.add().preamble.id = 0x11000001


def dangling_action(info):
    info.tables[0].action_refs.add().id = 0x01ABCDEF


def widen_param(info):
    next(a for a in info.actions if a.params).params[0].bitwidth += 1


def grow_counter(info):
    info.counters[0].size += 1


def grow_meter(info):
    info.meters[0].size += 1


def rename_digest(info):
    info.digests[0].preamble.name = "nothing"


def same_id_twice(info):
    info.tables[1].preamble.id = info.tables[0].preamble.id


def no_struct(info):
    info.digests[0].type_spec.struct.name = "nothing"


@pytest.mark.parametrize(
    "change",
    [drop_key, widen_key, rename_table, unknown_match_kind, add_profile, dangling_action,
     widen_param, grow_counter, grow_meter, rename_digest, same_id_twice, no_struct],
)  # fmt: skip
def test_p4info_of_another_program_is_refused(bench, change):
    config = bench.config()
    change(config.p4info)
    before = get(bench)
    assert refusal(bench.set_pipeline, "VERIFY_AND_COMMIT", config) is Code.UNKNOWN
    assert get(bench) == before


def test_project_pipeline_runs_on_the_real_data_plane(p4info):
    """What p4c made is what the server and the data plane agree on."""
    config = p4r.ForwardingPipelineConfig(p4info=p4info)
    build_folder = Path(__file__).parents[3] / "p4src" / "build"
    config.p4_device_config = (build_folder / "p4ipsec.json").read_bytes()
    datapath = EmbeddedDatapath(lambda: 0)
    pipeline = build(datapath, config, lambda: 0, lambda _: True)
    assert set(pipeline.schema.tables) == {t.preamble.id for t in p4info.tables}
