"""Writing table entries: what is accepted, and the code for each mistake (specification §9.1).

Codes are bmv2's; where the specification asks for another, `codes` says so.
"""

from __future__ import annotations

import pytest
from finsy.proto import p4i, p4r
from google.protobuf import text_format

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import WriteError

LOCAL_ADDRESS = "table_id: 0x02000003"
LOCAL = "action { action { action_id: 0x01000003 } }"
NO_ACTION = "action { action { action_id: 21257015 } }"
ROUTE = "table_id: 0x02000004"
BLACKHOLE = "action { action { action_id: 0x01000006 } }"
SPD_OUT = "table_id: 0x02000020"
DISCARD_OUT = "action { action { action_id: 0x01000022 } }"
PROTECT = "action { action { action_id: 0x01000020 params { param_id: 1 value: '\\x01' } } }"
SAD_IN = "table_id: 0x02000010"
DESTINATIONS = "table_id: 0x02000023"
KNOWN = "action { action { action_id: 0x01000027 } }"
PASSIVE_MODE = "table_id: 0x02000030"


def exact(field: int, value: str) -> str:
    return f"match {{ field_id: {field} exact {{ value: '{value}' }} }}"


def ternary(field: int, value: str, mask: str) -> str:
    return f"match {{ field_id: {field} ternary {{ value: '{value}' mask: '{mask}' }} }}"


def lpm(value: str, length: int) -> str:
    return f"match {{ field_id: 1 lpm {{ value: '{value}' prefix_len: {length} }} }}"


def range_(field: int, low: str, high: str) -> str:
    return f"match {{ field_id: {field} range {{ low: '{low}' high: '{high}' }} }}"


DESTINATION = " ".join([DESTINATIONS, exact(1, "\\x01"), exact(2, "\\x02")]) + " "
MAP = exact(1, "\\x01")


def entry(text: str) -> p4r.TableEntry:
    return text_format.Parse(text, p4r.TableEntry())


def update(kind: str, text: str) -> p4r.Update:
    return p4r.Update(type=kind, entity=p4r.Entity(table_entry=entry(text)))


def code_of(bench, *updates: p4r.Update) -> Code:
    """The code of the last update."""
    with pytest.raises(WriteError) as failure:
        bench.write(*updates)
    return failure.value.errors[-1].code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(" ".join([LOCAL_ADDRESS, exact(1, "\\x07"), LOCAL]), id="exact"),
        pytest.param(" ".join([LOCAL_ADDRESS, exact(1, "\\x00"), LOCAL]), id="zero"),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x00\\x00\\x00\\x00\\x00\\x07"), LOCAL]),
            id="leading zero bytes",
        ),
        pytest.param(" ".join([ROUTE, lpm("\\x0a\\x00\\x00\\x00", 8), BLACKHOLE]), id="lpm"),
        pytest.param(" ".join([ROUTE, lpm("\\xff\\xff\\xff\\xff", 32), BLACKHOLE]), id="host"),
        pytest.param(" ".join([ROUTE, BLACKHOLE]), id="lpm don't care"),
        pytest.param(" ".join([SPD_OUT, MAP, DISCARD_OUT, "priority: 1"]), id="all don't care"),
        pytest.param(
            " ".join(
                [SPD_OUT, MAP, ternary(4, "\\x06", "\\xff"), range_(5, "\\x01", "\\x01"), PROTECT,
                 "priority: 2147483647"]
            ),
            id="ternary and range",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, range_(5, "\\x00", "\\xff\\xfe"), PROTECT, "priority: 5"]),
            id="nearly the full range",
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "idle_timeout_ns: 5 metadata: 'm' controller_metadata: 9",
                      "counter_data { packet_count: 3 byte_count: 4 }"]),
            id="timeout, metadata, counter",
        ),
    ],
)  # fmt: skip
def test_legal_entry_is_inserted_read_back_in_canonical_form_and_deleted(bench, text):
    bench.write(update("INSERT", text))
    request = p4r.TableEntry(counter_data=p4r.CounterData())
    (found,) = bench.read(p4r.Entity(table_entry=request))
    expected = entry(text)
    for field in expected.match:
        if field.HasField("exact"):
            field.exact.value = field.exact.value.lstrip(b"\0") or b"\0"
    if expected.table_id in (0x02000010, 0x02000021, 0x02000013, 0x02000023):
        expected.counter_data.SetInParent()
    assert found.table_entry == expected
    assert code_of(bench, update("INSERT", text)) is Code.ALREADY_EXISTS
    bench.write(update("DELETE", text))
    assert bench.read(p4r.Entity(table_entry=request)) == []


INVALID = Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("table_id: 0x02ffffff", INVALID, id="unknown table"),
        pytest.param("table_id: 0x01000003", INVALID, id="id of an action"),
        pytest.param("", INVALID, id="no table"),
        pytest.param(" ".join([LOCAL_ADDRESS, LOCAL]), INVALID, id="missing exact field"),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), exact(1, "\\x01"), LOCAL]), INVALID,
            id="field twice",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, MAP, LOCAL, "priority: 1"]), INVALID,
            id="field twice, with room for another",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(2, "\\x01"), LOCAL]), INVALID, id="unknown field"
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, ternary(1, "\\x01", "\\x01"), LOCAL]), INVALID,
            id="wrong match kind",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, "match { field_id: 1 }", LOCAL]), INVALID, id="no match kind"
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01\\x00\\x00\\x00\\x00"), LOCAL]), INVALID,
            id="too wide",
        ),
        pytest.param(" ".join([LOCAL_ADDRESS, exact(1, ""), LOCAL]), INVALID, id="empty value"),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), LOCAL, "priority: 1"]), INVALID,
            id="priority where there is none",
        ),
        pytest.param(" ".join([SPD_OUT, MAP, PROTECT]), INVALID, id="no priority"),
        pytest.param(
            " ".join([SPD_OUT, MAP, PROTECT, "priority: -1"]), INVALID, id="negative priority"
        ),
        pytest.param(
            " ".join([ROUTE, lpm("\\x0a\\x00\\x00\\x01", 8), BLACKHOLE]), INVALID,
            id="bits beyond the prefix",
        ),
        pytest.param(" ".join([ROUTE, lpm("\\x00", 0), BLACKHOLE]), INVALID, id="prefix of 0"),
        pytest.param(" ".join([ROUTE, lpm("\\x00", 33), BLACKHOLE]), INVALID, id="prefix of 33"),
        pytest.param(" ".join([ROUTE, lpm("\\x00", -1), BLACKHOLE]), INVALID, id="prefix of -1"),
        pytest.param(
            " ".join([SPD_OUT, MAP, ternary(4, "\\x07", "\\x06"), PROTECT, "priority: 1"]), INVALID,
            id="value outside of its mask",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, ternary(4, "\\x00", "\\x00"), PROTECT, "priority: 1"]), INVALID,
            id="mask of 0",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, range_(5, "\\x02", "\\x01"), PROTECT, "priority: 1"]), INVALID,
            id="low above high",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, range_(5, "\\x00", "\\xff\\xff"), PROTECT, "priority: 1"]),
            INVALID, id="full range",
        ),
        pytest.param(" ".join([LOCAL_ADDRESS, exact(1, "\\x01")]), INVALID, id="no action"),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), "action { action_profile_member_id: 1 }"]),
            INVALID, id="indirect action",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), "action { action { action_id: 1 } }"]),
            INVALID, id="unknown action",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), BLACKHOLE]), INVALID,
            id="action of another table",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), NO_ACTION]), Code.PERMISSION_DENIED,
            id="action for the default only",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, "priority: 1 action { action { action_id: 0x01000020 } }"]),
            INVALID, id="missing parameter",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, "priority: 1 action { action { action_id: 0x01000020",
                      "params { param_id: 2 value: '\\x01' } } }"]),
            INVALID, id="unknown parameter",
        ),
        pytest.param(
            " ".join([SPD_OUT, MAP, "priority: 1 action { action { action_id: 0x01000020",
                      "params { param_id: 1 value: '\\x01\\x00\\x00' } } }"]),
            INVALID, id="parameter too wide",
        ),
        pytest.param(
            " ".join([ROUTE, "action { action { action_id: 0x01000004",
                      "params { param_id: 1 value: '\\x01' }",
                      "params { param_id: 1 value: '\\x01' } } }"]),
            INVALID, id="parameter twice",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), LOCAL, "idle_timeout_ns: 1"]), INVALID,
            id="timeout where there is none",
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "idle_timeout_ns: -1"]), INVALID, id="negative timeout"
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "time_since_last_hit { }"]), INVALID,
            id="time since last hit",
        ),
        pytest.param(" ".join([DESTINATION, KNOWN, "is_const: true"]), INVALID, id="const"),
        pytest.param(
            " ".join([DESTINATION, KNOWN, f"metadata: '{'m' * 1025}'"]), INVALID, id="much metadata"
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "counter_data { packet_count: -1 }"]), INVALID,
            id="negative count",
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "meter_config { cir: 1 }"]), INVALID, id="no direct meter"
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), LOCAL, "counter_data { }"]), INVALID,
            id="no direct counter",
        ),
        pytest.param(
            " ".join([DESTINATION, KNOWN, "meter_counter_data { }"]), Code.UNIMPLEMENTED,
            id="colour counters",
        ),
        pytest.param(
            " ".join([LOCAL_ADDRESS, "is_default_action: true", LOCAL]), INVALID,
            id="insert the default entry",
        ),
        pytest.param(
            PASSIVE_MODE + " action { action { action_id: 0x01000030"
            " params { param_id: 1 value: '\\x01' } } }", INVALID, id="no key",
        ),
        pytest.param(
            " ".join([SPD_OUT, exact(1, "\\x00"), PROTECT, "priority: 1"]), INVALID,
            id="@entry_restriction crypto_map != 0",
        ),
        pytest.param(
            " ".join([SAD_IN, exact(1, "\\x01"), exact(2, "\\xff"), "action { action {",
                      "action_id: 0x01000010 params { param_id: 1 value: '\\x01' }",
                      "params { param_id: 2 value: '\\x01' } params { param_id: 3 value: '\\x01' }",
                      "params { param_id: 4 value: '\\x01' } params { param_id: 5 value: '\\x01' }",
                      "params { param_id: 6 value: '\\x01' } } }"]),
            INVALID, id="@entry_restriction spi > 255",
        ),
    ],
)  # fmt: skip
def test_illegal_insert_is_refused_and_changes_nothing(bench, text, code):
    before = bench.state()
    assert code_of(bench, update("INSERT", text)) is code
    assert bench.state() == before


def test_update_without_a_type_is_refused(bench):
    text = " ".join([LOCAL_ADDRESS, exact(1, "\\x01"), LOCAL])
    assert code_of(bench, update("UNSPECIFIED", text)) is INVALID
    assert code_of(bench, update(9, text)) is INVALID


def test_modify_needs_an_entry_and_an_action(bench):
    text = " ".join([SPD_OUT, MAP, "priority: 1 "])
    assert code_of(bench, update("MODIFY", text + PROTECT)) is Code.NOT_FOUND
    bench.write(update("INSERT", text + PROTECT))
    assert code_of(bench, update("MODIFY", text)) is INVALID
    assert code_of(bench, update("MODIFY", text + LOCAL)) is INVALID
    bench.write(update("MODIFY", text + DISCARD_OUT))
    (found,) = bench.read(p4r.Entity(table_entry=entry(text)))
    assert found.table_entry == entry(text + DISCARD_OUT)


def test_modify_replaces_metadata_and_timeout_but_keeps_the_counter(bench):
    text = DESTINATION + KNOWN
    bench.write(
        update("INSERT", text + "metadata: 'a' idle_timeout_ns: 7 counter_data { packet_count: 5 }")
    )
    bench.write(update("MODIFY", text + "metadata: 'b'"))
    request = entry(DESTINATION + "counter_data { }")
    (found,) = bench.read(p4r.Entity(table_entry=request))
    assert found.table_entry == entry(text + "metadata: 'b' counter_data { packet_count: 5 }")
    bench.write(update("MODIFY", text + "counter_data { packet_count: 1 byte_count: 2 }"))
    (found,) = bench.read(p4r.Entity(table_entry=request))
    assert found.table_entry == entry(text + "counter_data { packet_count: 1 byte_count: 2 }")


def test_delete_looks_at_the_key_only(bench):
    bench.write(update("INSERT", " ".join([SPD_OUT, MAP, "priority: 1", PROTECT])))
    nonsense = (
        "action { action { action_id: 5 } } idle_timeout_ns: -4 counter_data { packet_count: -1 }"
    )
    assert (
        code_of(bench, update("DELETE", " ".join([SPD_OUT, MAP, "priority: 2"]))) is Code.NOT_FOUND
    )
    bench.write(update("DELETE", " ".join([SPD_OUT, MAP, "priority: 1", nonsense])))
    assert (
        code_of(bench, update("DELETE", " ".join([SPD_OUT, MAP, "priority: 1"]))) is Code.NOT_FOUND
    )


def test_same_match_with_another_priority_is_another_entry(bench):
    bench.write(
        *(update("INSERT", " ".join([SPD_OUT, MAP, f"priority: {n}", PROTECT])) for n in (1, 2))
    )
    assert len(bench.read(p4r.Entity(table_entry=entry(SPD_OUT)))) == 2


def test_full_table_is_resource_exhausted(bench):
    size = 512
    updates = [
        update(
            "INSERT", " ".join([LOCAL_ADDRESS, exact(1, f"\\x{n >> 8:02x}\\x{n & 255:02x}"), LOCAL])
        )
        for n in range(size + 1)
    ]
    assert code_of(bench, *updates) is Code.RESOURCE_EXHAUSTED
    assert len(bench.read(p4r.Entity(table_entry=entry(LOCAL_ADDRESS)))) == size


DEFAULT = PASSIVE_MODE + " is_default_action: true "
ENABLE = "action { action { action_id: 0x01000030 params { param_id: 1 value: '\\x01' } } }"


def test_default_entry_is_set_and_reset(bench):
    request = p4r.Entity(table_entry=entry(DEFAULT))
    (initial,) = bench.read(request)
    bench.write(update("MODIFY", DEFAULT + ENABLE + "metadata: 'x'"))
    (found,) = bench.read(request)
    assert found.table_entry == entry(DEFAULT + ENABLE + "metadata: 'x'")
    bench.write(update("MODIFY", DEFAULT))
    assert bench.read(request) == [initial]


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("INSERT", DEFAULT + ENABLE, INVALID),
        ("DELETE", DEFAULT, INVALID),
        ("MODIFY", DEFAULT + ENABLE + "priority: 1", INVALID),
        ("MODIFY", DEFAULT + ENABLE + exact(1, "\\x01"), INVALID),
        ("MODIFY", DEFAULT + ENABLE + "idle_timeout_ns: 1", INVALID),
        ("MODIFY", DEFAULT + ENABLE + "counter_data { }", INVALID),
        ("MODIFY", DEFAULT + LOCAL, INVALID),
        ("MODIFY", f"{LOCAL_ADDRESS} is_default_action: true {NO_ACTION}", Code.PERMISSION_DENIED),
        ("MODIFY", f"{LOCAL_ADDRESS} is_default_action: true", Code.PERMISSION_DENIED),
        ("MODIFY", f"{DESTINATIONS} is_default_action: true", Code.PERMISSION_DENIED),
    ],
)
def test_illegal_default_entry_is_refused(bench, kind, text, code):
    before = bench.state()
    assert code_of(bench, update(kind, text)) is code
    assert bench.state() == before


CUSTOM = """
tables {
  preamble {
    id: 0x02000001 name: "c.t" annotations: "@entry_restriction(\\"a > 1 && a <= 0x10\\")"
  }
  match_fields { id: 1 name: "a" bitwidth: 8 match_type: EXACT }
  match_fields { id: 2 name: "b" bitwidth: 12 match_type: OPTIONAL }
  action_refs { id: 0x01000001 scope: TABLE_ONLY }
  action_refs { id: 0x01000002 }
  direct_resource_ids: 0x15000001
  size: 4
}
tables {
  preamble { id: 0x02000002 name: "c.constant" }
  match_fields { id: 1 name: "a" bitwidth: 8 match_type: EXACT }
  action_refs { id: 0x01000002 }
  is_const_table: true
  size: 4
}
actions { preamble { id: 0x01000001 name: "c.only" } }
actions { preamble { id: 0x01000002 name: "c.both" } params { id: 3 name: "p" bitwidth: 4 } }
direct_meters {
  preamble { id: 0x15000001 name: "c.m" } spec { unit: BYTES } direct_table_id: 0x02000001
}
"""
ONLY = "action { action { action_id: 0x01000001 } }"
T = "table_id: 0x02000001 "


@pytest.fixture
def custom(bench):
    """A pipeline with what the project's own does not have."""
    info = text_format.Parse(CUSTOM, p4i.P4Info())
    bench.set_pipeline(config=bench.config(info))
    return bench


def test_optional_match(custom):
    with_value = T + exact(1, "\\x02") + "match { field_id: 2 optional { value: '\\x0f\\xff' } }"
    for text in (with_value, T + exact(1, "\\x02")):
        assert code_of(custom, update("INSERT", text + ONLY)) is INVALID  # no priority
        custom.write(update("INSERT", text + ONLY + "priority: 1"))
    found = [e.table_entry for e in custom.read(p4r.Entity(table_entry=entry(T)))]
    assert found == [
        entry(text + ONLY + "priority: 1") for text in (with_value, T + exact(1, "\\x02"))
    ]
    wide = T + exact(1, "\\x02") + "match { field_id: 2 optional { value: '\\x10\\x00' } }"
    assert code_of(custom, update("INSERT", wide + ONLY + "priority: 1")) is INVALID


@pytest.mark.parametrize(
    ("value", "legal"), [(0, False), (1, False), (2, True), (16, True), (17, False)]
)
def test_conjunction_of_restrictions(custom, value, legal):
    text = T + exact(1, f"\\x{value:02x}") + ONLY + "priority: 1"
    if legal:
        custom.write(update("INSERT", text))
    else:
        assert code_of(custom, update("INSERT", text)) is INVALID


def test_table_only_action_is_no_default(custom):
    text = T + "is_default_action: true " + ONLY
    assert code_of(custom, update("MODIFY", text)) is Code.PERMISSION_DENIED


def test_constant_table_takes_no_entries(custom):
    text = "table_id: 0x02000002 " + exact(1, "\\x01")
    both = "action { action { action_id: 0x01000002 params { param_id: 3 value: '\\x01' } } }"
    assert code_of(custom, update("INSERT", text + both)) is Code.UNKNOWN
    assert code_of(custom, update("DELETE", text)) is Code.NOT_FOUND


def test_direct_meter_is_set_with_its_entry_and_on_its_own(custom):
    key = T + exact(1, "\\x02") + "priority: 1 "
    rates = "{ cir: 1 cburst: 2 pir: 3 pburst: 4 }"
    custom.write(update("INSERT", key + ONLY + "meter_config " + rates))
    read_back = p4r.Entity(table_entry=entry(key + "meter_config { }"))
    assert custom.read(read_back)[0].table_entry.meter_config.pburst == 4
    direct = text_format.Parse(f"direct_meter_entry {{ table_entry {{ {key} }} }}", p4r.Entity())
    assert custom.read(direct)[0].direct_meter_entry.config.cir == 1
    custom.write(p4r.Update(type="MODIFY", entity=direct))
    assert not custom.read(direct)[0].direct_meter_entry.HasField("config")
    assert not custom.read(read_back)[0].table_entry.HasField("meter_config")
    for kind in ("INSERT", "DELETE", "UNSPECIFIED"):
        assert code_of(custom, p4r.Update(type=kind, entity=direct)) is INVALID
    bad = "meter_config { cir: -2 }"
    assert code_of(custom, update("MODIFY", key + ONLY + bad)) is INVALID
