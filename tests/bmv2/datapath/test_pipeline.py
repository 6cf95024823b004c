"""Pipelines of the format: tables, actions and what they refer to (bm_sim, simple_switch)."""

import zlib

import pytest

from bmv2.embedded.datapath.switch import MAX_PASSES
from bmv2.embedded.model import Entry, MeterConfig, PipelineError


def mark_to_drop():
    return {"op": "mark_to_drop", "parameters": [{"type": "header", "value": "standard_metadata"}]}


def send_by(snippet, port=1):
    return snippet.assign(snippet.field("standard_metadata", "egress_spec"), snippet.hexstr(port))


def set_a(snippet, value):
    return snippet.assign(snippet.field("h", "a"), snippet.hexstr(value))


def start_at(snippet, name):
    snippet.document["pipelines"][0]["init_table"] = name


def one_table(snippet, keys, **more):
    """A table whose action `answer` writes its parameter to h.a; the default writes 0xdd."""
    param = {"type": "runtime_data", "value": 0}
    answer = snippet.add_action(
        "answer",
        [send_by(snippet), snippet.assign(snippet.field("h", "a"), param)],
        [("value", 8)],
    )
    default = snippet.add_action("default", [send_by(snippet), set_a(snippet, 0xDD)])
    snippet.add_table("t", keys, [answer, default], default, **more)
    start_at(snippet, "t")


def load_table(snippet):
    return snippet.load().program.tables["t"]


def insert(table, match, value, priority=0):
    entry = Entry(match, priority, "answer", (value,))
    table.insert(entry)
    return entry


def answers(snippet, *frames):
    return [snippet.send(frame)[0] for frame in frames]


def test_exact(snippet):
    one_table(snippet, [("exact", "h", "a"), ("exact", "h", "b")])
    table = load_table(snippet)
    entry = insert(table, ((1, 0), (0x0203, 0)), 7)
    assert answers(snippet, b"\1\2\3\0", b"\1\2\4\0") == [7, 0xDD]
    table.modify(entry.match, 0, "answer", (8,))
    assert answers(snippet, b"\1\2\3\0") == [8]
    table.delete(entry.match, 0)
    assert answers(snippet, b"\1\2\3\0") == [0xDD]


def test_longest_prefix(snippet):
    one_table(snippet, [("lpm", "h", "b")])
    table = load_table(snippet)
    insert(table, ((0, 0),), 1)
    insert(table, ((0x1200, 8),), 2)
    insert(table, ((0x1230, 12),), 3)
    insert(table, ((0x1234, 16),), 4)
    frames = [b"\0\xff\xff\0", b"\0\x12\xff\0", b"\0\x12\x35\0", b"\0\x12\x34\0"]
    assert answers(snippet, *frames) == [1, 2, 3, 4]
    table.delete(((0x1200, 8),), 0)
    assert answers(snippet, *frames) == [1, 1, 3, 4]


def test_priorities_of_ternary_and_range(snippet):
    """P4Runtime: the larger one wins."""
    one_table(snippet, [("ternary", "h", "a"), ("range", "h", "b")])
    table = load_table(snippet)
    everything = ((0, 0), (0, 0xFFFF))
    insert(table, everything, 1, priority=1)
    insert(table, ((0x10, 0xF0), (100, 200)), 2, priority=5)
    insert(table, ((0x10, 0xF0), (150, 150)), 3, priority=4)
    insert(table, ((0x12, 0xFF), (0, 0xFFFF)), 4, priority=6)
    frames = [b"\x11\0\x96\0", b"\x11\0\xc9\0", b"\x12\0\x96\0", b"\x21\0\x96\0"]
    assert answers(snippet, *frames) == [2, 1, 4, 1]
    table.delete(((0x12, 0xFF), (0, 0xFFFF)), 6)
    table.delete(((0x10, 0xF0), (100, 200)), 5)
    assert answers(snippet, *frames) == [3, 1, 3, 1]


def test_optional(snippet):
    one_table(snippet, [("optional", "h", "a"), ("optional", "h", "b")])
    table = load_table(snippet)
    insert(table, ((0, 0), (5, 1)), 1, priority=1)
    insert(table, ((9, 1), (5, 1)), 2, priority=2)
    assert answers(snippet, b"\0\0\5\0", b"\x09\0\5\0", b"\x09\0\6\0") == [1, 2, 0xDD]


def test_key_of_an_invalid_header_is_zero(snippet):
    """Whatever its fields hold (bm_sim/match_units.cpp)."""
    snippet.add_header("other", "h_t")
    one_table(snippet, [("exact", "other", "a"), ("exact", "other", "$valid$")])
    table = load_table(snippet)
    insert(table, ((0, 0), (0, 0)), 7)
    assert answers(snippet, b"\1\2\3\0") == [7]


def test_key_mask(snippet):
    one_table(snippet, [("exact", "h", "b")])
    snippet.document["pipelines"][0]["tables"][0]["key"][0]["mask"] = "0x00ff"
    table = load_table(snippet)
    insert(table, ((0x34, 0),), 7)
    assert answers(snippet, b"\0\x12\x34\0") == [7]


def test_constant_entries(snippet):
    """In the format smaller priorities win; nobody can change the entries."""

    def entry(key, mask, value, priority):
        return {
            "match_key": [{"match_type": "ternary", "key": key, "mask": mask}],
            "action_entry": {"action_id": 0, "action_data": [value]},
            "priority": priority,
        }

    entries = [entry("0x10", "0xf0", "0x01", 2), entry("0x12", "0xff", "0x02", 1)]
    one_table(snippet, [("ternary", "h", "a")], entries=entries)
    table = load_table(snippet)
    assert answers(snippet, b"\x11\0\0\0", b"\x12\0\0\0", b"\x21\0\0\0") == [1, 2, 0xDD]
    with pytest.raises(Exception, match="constant"):
        insert(table, ((0, 0),), 1, 1)


def test_next_by_hit_or_miss(snippet):
    hit = snippet.add_action("hit", [snippet.assign(snippet.field("h", "b"), snippet.hexstr(1))])
    one_table(snippet, [("exact", "h", "a")], next_tables={"__HIT__": "on_hit", "__MISS__": None})
    snippet.add_table("on_hit", [], [hit], hit)
    table = load_table(snippet)
    insert(table, ((1, 0),), 7)
    assert snippet.send(b"\1\0\0\0") == b"\7\0\1\0"
    assert snippet.send(b"\2\0\0\0") == b"\xdd\0\0\0"


@pytest.mark.parametrize("constant", [True, False])
def test_next_by_action(snippet, constant):
    more = snippet.add_action("more", [snippet.assign(snippet.field("h", "b"), snippet.hexstr(1))])
    one_table(
        snippet, [("exact", "h", "a")], next_tables={"answer": "after_answer", "default": None}
    )
    snippet.add_table("after_answer", [], [more], more)
    entry = snippet.document["pipelines"][0]["tables"][0]["default_entry"]
    entry["action_const"] = entry["action_entry_const"] = constant
    table = load_table(snippet)
    insert(table, ((1, 0),), 7)
    assert snippet.send(b"\1\0\0\0") == b"\7\0\1\0"
    assert snippet.send(b"\2\0\0\0") == b"\xdd\0\0\0"
    if not constant:
        table.set_default("answer", (9,))
        assert snippet.send(b"\2\0\0\0") == b"\x09\0\1\0"


def test_default_action_can_be_changed_and_reset(snippet):
    one_table(snippet, [("exact", "h", "a")])
    entry = snippet.document["pipelines"][0]["tables"][0]["default_entry"]
    entry["action_const"] = entry["action_entry_const"] = False
    table = load_table(snippet)
    assert (table.const_default, table.default) == (False, ("default", ()))
    table.set_default("answer", (0x55,))
    assert answers(snippet, b"\1\0\0\0") == [0x55]
    assert (table.default, table.initial_default) == (("answer", (0x55,)), ("default", ()))
    table.reset_default()
    assert answers(snippet, b"\1\0\0\0") == [0xDD]


def test_direct_counter_and_last_hit(snippet):
    one_table(snippet, [("exact", "h", "a")], with_counters=True, support_timeout=True)
    table = load_table(snippet)
    entry = insert(table, ((1, 0),), 7)
    snippet.clock.now += 5
    snippet.send(b"\1\0\0\0" + b"p" * 10)
    snippet.send(b"\2\0\0\0")
    assert (entry.counter.packets, entry.counter.bytes) == (1, 14)
    assert entry.last_hit_ns == snippet.clock.now


def test_direct_meter(snippet):
    snippet.document["meter_arrays"] = [
        {
            "name": "m",
            "is_direct": True,
            "binding": "t",
            "rate_count": 2,
            "type": "packets",
            "result_target": ["scalars", "s"],
        }
    ]
    one_table(snippet, [("exact", "h", "a")], direct_meters="m")
    color = snippet.assign(snippet.field("h", "a"), snippet.field("scalars", "s"))
    snippet.document["actions"][0]["primitives"][1] = color
    table = load_table(snippet)
    assert table.has_meter
    entry = insert(table, ((1, 0),), 7)
    assert answers(snippet, b"\1\0\0\0") == [0]
    entry.meter = MeterConfig(cir=0, cburst=1, pir=0, pburst=2)
    assert answers(snippet, *[b"\1\0\0\0"] * 3) == [0, 1, 2]
    entry.meter = MeterConfig(cir=0, cburst=1, pir=0, pburst=1)
    assert answers(snippet, *[b"\1\0\0\0"] * 2) == [0, 2]


def test_egress_can_drop(snippet):
    snippet.run_in_ingress()
    drop = snippet.add_action("drop", [mark_to_drop()])
    snippet.add_table("out", [], [drop], drop, pipeline=1)
    snippet.document["pipelines"][1]["init_table"] = "out"
    assert snippet.send(b"abcd") is None
    assert snippet.datapath.port_counters[0].dropped.packets == 1


def test_egress_port_is_known_in_egress(snippet):
    snippet.run_in_ingress()
    note = snippet.assign(
        snippet.field("h", "a"), snippet.field("standard_metadata", "egress_port")
    )
    action = snippet.add_action("note", [note])
    snippet.add_table("out", [], [action], action, pipeline=1)
    snippet.document["pipelines"][1]["init_table"] = "out"
    assert snippet.send(b"\0bcd") == b"\1bcd"


def test_packet_length_follows_added_headers_into_egress(snippet):
    snippet.add_header("more", "h_t")
    snippet.document["deparsers"][0]["order"] = ["h", "more"]
    snippet.run_in_ingress(
        {"op": "add_header", "parameters": [{"type": "header", "value": "more"}]}
    )
    length = snippet.field("standard_metadata", "packet_length")
    action = snippet.add_action("note", [snippet.assign(snippet.field("more", "b"), length)])
    snippet.add_table("out", [], [action], action, pipeline=1)
    snippet.document["pipelines"][1]["init_table"] = "out"
    assert snippet.send(b"abcdefgh") == b"abcd" + b"\0\0\x0c\0" + b"efgh"


def test_multicast_without_groups_reaches_nobody(snippet):
    group = snippet.field("standard_metadata", "mcast_grp")
    snippet.run_in_ingress(snippet.assign(group, snippet.hexstr(5)))
    assert snippet.send(b"abcd") is None


def test_added_header_begins_with_zeros(snippet):
    snippet.add_header("more", "h_t")
    snippet.document["deparsers"][0]["order"] = ["more"]
    header = {"type": "header", "value": "more"}
    add, remove = ({"op": f"{verb}_header", "parameters": [header]} for verb in ("add", "remove"))
    note = snippet.assign(snippet.field("more", "a"), snippet.hexstr(1))
    snippet.run_in_ingress(add, note, add)
    assert snippet.send(b"abcd") == b"\1\0\0\0"
    snippet.document["actions"][0]["primitives"][1:] = [add, note, remove, add]
    del snippet.datapath
    assert snippet.send(b"abcd") == b"\0\0\0\0"


def test_jumps_within_an_action(snippet):
    """What p4c makes of `if` within an action."""

    def jump(name, *arguments):
        return {"op": name, "parameters": list(arguments)}

    # egress_spec is primitive 0: if (h.a) h.b = 1; else h.b = 2; h.c = 3
    snippet.run_in_ingress(
        jump("_jump_if_zero", snippet.field("h", "a"), snippet.hexstr(4)),
        snippet.assign(snippet.field("h", "b"), snippet.hexstr(1)),
        jump("_jump", snippet.hexstr(5)),
        snippet.assign(snippet.field("h", "b"), snippet.hexstr(2)),
        snippet.assign(snippet.field("h", "c"), snippet.hexstr(3)),
    )
    assert snippet.send(b"\1\0\0\0") == b"\1\0\1\x30"
    assert snippet.send(b"\0\0\0\0") == b"\0\0\2\x30"


def test_exit_ends_the_pipeline_after_its_action(snippet):
    first = snippet.add_action(
        "first", [send_by(snippet), {"op": "exit", "parameters": []}, set_a(snippet, 1)]
    )
    second = snippet.add_action("second", [set_a(snippet, 2)])
    snippet.add_table("one", [], [first], first, next_tables={"first": "two"})
    snippet.add_table("two", [], [second], second)
    start_at(snippet, "one")
    assert snippet.send(b"\0\0\0\0") == b"\1\0\0\0"


def test_direct_action_call(snippet):
    action = snippet.add_action("main", [send_by(snippet), set_a(snippet, 3)])
    snippet.document["pipelines"][0]["action_calls"] = [
        {"name": "call", "action_id": action, "next_node": None}
    ]
    start_at(snippet, "call")
    assert snippet.send(b"\0\0\0\0") == b"\3\0\0\0"


def test_branches_that_share_a_node_across_their_join(snippet):
    """No structured program has this graph, but it is a graph."""
    conditions = {
        "n1": (snippet.field("h", "a"), "n2", "n3"),
        "n2": (snippet.field("h", "b"), "shared", "done"),
        "n3": (snippet.field("h", "c"), "shared", "done"),
    }
    pipeline = snippet.document["pipelines"][0]
    for name, (field, yes, no) in conditions.items():
        expression = snippet.op("d2b", None, field)
        pipeline["conditionals"].append(
            {"name": name, "expression": expression, "true_next": yes, "false_next": no}
        )
    shared = snippet.add_action(
        "shared", [snippet.assign(snippet.field("h", "d"), snippet.hexstr(7))]
    )
    done = snippet.add_action("done", [send_by(snippet)])
    snippet.add_table("shared", [], [shared], shared, next_tables={"shared": "done"})
    snippet.add_table("done", [], [done], done)
    start_at(snippet, "n1")
    for a, b, c in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)]:
        expected = 7 if (b if a else c) else 0
        assert snippet.send(bytes([a, 0, b, c << 4]))[3] & 15 == expected


def registers(snippet, bits=8, size=4):
    snippet.document["register_arrays"] = [{"name": "r", "size": size, "bitwidth": bits}]
    return {"type": "register_array", "value": "r"}


def test_registers_wrap_and_ignore_bad_indices(snippet):
    array, index = registers(snippet), snippet.field("h", "c")
    total = snippet.op("+", snippet.field("scalars", "t"), snippet.field("h", "a"))
    snippet.run_in_ingress(
        {"op": "register_read", "parameters": [snippet.field("scalars", "t"), array, index]},
        {"op": "register_write", "parameters": [
            array, index, {"type": "expression", "value": total}]},
        {"op": "register_read", "parameters": [snippet.field("h", "b"), array, index]},
    )  # fmt: skip
    assert [snippet.send(b"\xc8\xff\xff\x30")[2] for _ in range(3)] == [200, 144, 88]
    assert snippet.send(b"\xc8\xff\xff\x40") == b"\xc8\xff\xff\x40"
    assert snippet.program.registers == {"r": 4}


def test_indirect_counter(snippet):
    snippet.document["counter_arrays"] = [{"name": "n", "size": 4, "is_direct": False}]
    array = {"type": "counter_array", "value": "n"}
    snippet.run_in_ingress({"op": "count", "parameters": [array, snippet.field("h", "c")]})
    for index in (0, 3, 3, 4, 15):
        snippet.send(bytes([0, 0, 0, index << 4]) + b"p" * 6)
    cells = snippet.program.counters["n"].cells
    assert [(cell.packets, cell.bytes) for cell in cells] == [(1, 10), (0, 0), (0, 0), (2, 20)]


@pytest.mark.parametrize(
    ("unit", "colors"), [("packets", [0, 0, 1, 1, 2]), ("bytes", [0, 2, 2, 2, 2])]
)
def test_indirect_meter(snippet, unit, colors):
    snippet.document["meter_arrays"] = [
        {"name": "m", "size": 2, "is_direct": False, "rate_count": 2, "type": unit}
    ]
    array = {"type": "meter_array", "value": "m"}
    execute = {"op": "execute_meter", "parameters": [
        array, snippet.field("h", "c"), snippet.field("h", "a")]}  # fmt: skip
    snippet.run_in_ingress(execute)
    assert answers(snippet, *[b"\x77\0\0\x10"] * 9) == [0] * 9  # never configured: green
    scale = 1 if unit == "packets" else 1.5
    config = MeterConfig(cir=0, cburst=int(2 * scale) * 2, pir=0, pburst=int(4 * scale))
    if unit == "packets":
        config = MeterConfig(cir=0, cburst=2, pir=0, pburst=4)
    snippet.program.meters["m"].configure(1, config)
    assert answers(snippet, *[b"\x77\0\0\x10"] * 5) == colors
    assert answers(snippet, b"\x77\0\0\x20") == [0x77]  # out of bounds: nothing happens


def test_digest_carries_the_values_at_the_end_of_ingress(snippet):
    elements = [snippet.field("h", "a"), snippet.field("h", "b")]
    snippet.document["learn_lists"] = [{"id": 1, "name": "seen", "elements": elements}]
    digest = {"op": "generate_digest", "parameters": [snippet.hexstr(0), snippet.hexstr(1)]}
    snippet.run_in_ingress(digest, set_a(snippet, 9), mark_to_drop())
    assert snippet.send(b"\1\2\3\4") is None
    assert snippet.digests == [("seen", (9, 0x0203))]
    assert snippet.program.digests == {"seen": [("a", 8), ("b", 16)]}


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("crc16", 0xBB3D),
        ("crcCCITT", 0x29B1),
        ("crc32", zlib.crc32(b"123456789")),
        ("csum16", 0xF62A),
        ("xor16", 0x3908),
        ("identity", int.from_bytes(b"12345678", "big")),
    ],
)
def test_hash_algorithms(snippet, algorithm, expected):
    """Check values of the algorithms, over "123456789"."""
    constant = {"type": "hexstr", "value": "0x" + b"123456789".hex(), "bitwidth": 72}
    snippet.document["calculations"] = [{"name": "c", "algo": algorithm, "input": [constant]}]
    snippet.document["header_types"].append(snippet.header_type("r_t", [("r", 64)]))
    snippet.add_header("r", "r_t")
    snippet.document["deparsers"][0]["order"] = ["r"]
    snippet.run_in_ingress(
        {"op": "add_header", "parameters": [{"type": "header", "value": "r"}]},
        {"op": "modify_field_with_hash_based_offset", "parameters": [
            snippet.field("r", "r"), snippet.hexstr(0), {"type": "calculation", "value": "c"},
            snippet.hexstr(1 << 64)]},
    )  # fmt: skip
    assert snippet.send(b"abcd") == expected.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("base", "size", "expected"), [(0, 100, 0xBB3D % 100), (7, 0, 7), (7, 10, 7 + 0xBB3D % 10)]
)
def test_hash_range(snippet, base, size, expected):
    inputs = [
        snippet.field("h", "a"),
        {"type": "header", "value": "absent"},
        {"type": "hexstr", "value": "0x" + b"23456789".hex(), "bitwidth": 64},
    ]
    snippet.add_header("absent", "h_t")
    snippet.document["calculations"] = [{"name": "c", "algo": "crc16", "input": inputs}]
    snippet.run_in_ingress(
        {"op": "modify_field_with_hash_based_offset", "parameters": [
            snippet.field("h", "b"), snippet.hexstr(base), {"type": "calculation", "value": "c"},
            snippet.hexstr(size)]},
    )  # fmt: skip
    assert int.from_bytes(snippet.send(b"1\0\0\0")[1:3], "big") == expected


def again(snippet, op, *, pipeline):
    """Count passes in h.a, which only a field list can carry; go round until there were five."""
    keep = [snippet.field("scalars", "s")]
    snippet.document["field_lists"] = [{"id": 1, "name": "keep", "elements": keep}]
    passes = snippet.field("scalars", "s")

    def metadata(name):
        return snippet.field("standard_metadata", name)

    snippet.run_in_ingress(
        snippet.assign(passes, snippet.op("+", passes, snippet.hexstr(1))),
        snippet.assign(snippet.field("h", "a"), passes),
        snippet.assign(snippet.field("h", "b"), metadata("ingress_port")),
        snippet.assign(snippet.field("h", "d"), metadata("instance_type")),
    )
    action = snippet.add_action("again", [{"op": op, "parameters": [snippet.hexstr(1)]}])
    node = {
        "name": "node",
        "expression": snippet.op("<", passes, snippet.field("h", "c")),
        "true_next": "round",
        "false_next": None,
    }
    snippet.document["pipelines"][pipeline]["conditionals"].append(node)
    snippet.add_table("round", [], [action], action, pipeline=pipeline)
    if pipeline:
        snippet.document["pipelines"][1]["init_table"] = "node"
    else:
        snippet.document["pipelines"][0]["tables"][0]["next_tables"] = {"main": "node"}


@pytest.mark.parametrize(
    ("op", "pipeline", "instance_type"), [("recirculate", 1, 4), ("resubmit", 0, 6)]
)
def test_another_pass_keeps_its_field_list_only(snippet, op, pipeline, instance_type):
    again(snippet, op, pipeline=pipeline)
    assert snippet.send(b"\0\0\0\x50", port=3) == bytes([5, 0, 0, 0x50 | instance_type])
    assert snippet.send(b"\0\0\0\x10", port=3) == bytes([1, 0, 3, 0x10])


def test_passes_are_bounded(snippet):
    again(snippet, "recirculate", pipeline=1)
    assert snippet.send(bytes([0, 0, 0, MAX_PASSES << 4])) is not None
    assert snippet.send(bytes([0, 0, 0, (MAX_PASSES + 1) << 4])) is None
    assert snippet.datapath.passes_exceeded == 1


def test_frame_from_a_callback_waits_its_turn(snippet):
    """Two switches wired to each other do not call each other without end."""
    snippet.run_in_ingress().load()
    order = []

    def transmit(port, frame):
        order.append(frame)
        if len(order) < 5000:
            snippet.datapath.inject(2, frame)

    snippet.datapath.on_transmit = transmit
    snippet.datapath.inject(1, b"abcd")
    assert len(order) == 5000


def test_failing_callback_leaves_the_switch_usable(snippet):
    snippet.run_in_ingress().load()

    def fail(*_):
        raise RuntimeError

    snippet.datapath.on_transmit = fail
    with pytest.raises(RuntimeError):
        snippet.datapath.inject(1, b"abcd")
    assert snippet.send(b"abcd") == b"abcd"


def test_before_the_first_commit_all_is_dropped(snippet):
    datapath = snippet.run_in_ingress().load().datapath
    empty = type(datapath)(snippet.clock)
    empty.inject(1, b"abcd")
    assert empty.program is None
    assert empty.port_counters[1].dropped.packets == 1


def unknown_primitive(snippet):
    snippet.run_in_ingress({"op": "clone_ingress_pkt_to_egress", "parameters": []})


def unknown_match_kind(snippet):
    snippet.run_in_ingress()
    action = snippet.add_action("x", [])
    snippet.add_table("odd", [("fuzzy", "h", "a")], [action], action)


def unknown_extern(snippet):
    snippet.run_in_ingress()
    snippet.document["extern_instances"] = [{"name": "odd", "type": "Oracle"}]


def unknown_extern_method(snippet):
    snippet.run_in_ingress(
        {"op": "_EspCipher_odd", "parameters": [{"type": "extern", "value": "cipher"}]}
    )
    snippet.document["extern_instances"] = [{"name": "cipher", "type": "EspCipher"}]


def unknown_hash(snippet):
    snippet.document["calculations"] = [{"name": "odd", "algo": "md5", "input": []}]
    snippet.run_in_ingress(
        {"op": "modify_field_with_hash_based_offset", "parameters": [
            snippet.field("h", "a"), snippet.hexstr(0), {"type": "calculation", "value": "odd"},
            snippet.hexstr(0)]},
    )  # fmt: skip


def action_profile(snippet):
    snippet.run_in_ingress()
    snippet.document["pipelines"][0]["action_profiles"] = [{"name": "odd"}]


def header_stack(snippet):
    snippet.run_in_ingress()
    snippet.document["header_stacks"] = [{"name": "odd"}]


def variable_length(snippet):
    snippet.run_in_ingress()
    snippet.document["header_types"].append({"name": "odd", "fields": [["x", "*"]]})
    snippet.add_header("o", "odd")


def odd_parser_operation(snippet):
    snippet.run_in_ingress()
    operation = {"op": "odd", "parameters": []}
    snippet.document["parsers"][0]["parse_states"][0]["parser_ops"].append(operation)


def odd_checksum(snippet):
    snippet.run_in_ingress()
    snippet.document["checksums"] = [{"name": "odd", "type": "ipv4", "target": ["h", "b"]}]


def pipeline_loop(snippet):
    snippet.run_in_ingress()
    snippet.document["pipelines"][0]["tables"][0]["next_tables"] = {"main": "tbl_main"}


def huge_register(snippet):
    snippet.run_in_ingress()
    snippet.document["register_arrays"] = [{"name": "odd", "size": 1 << 30, "bitwidth": 8}]


def other_major_version(snippet):
    snippet.run_in_ingress()
    snippet.document["__meta__"]["version"] = [3, 0]


def backward_jump(snippet):
    snippet.run_in_ingress({"op": "_jump", "parameters": [snippet.hexstr(0)]})


def missing_pipeline(snippet):
    del snippet.document["pipelines"][1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unknown_primitive, r"actions\[\"main\"\].*'clone_ingress_pkt_to_egress'"),
        (unknown_match_kind, r"tables\[\"odd\"\].*'fuzzy'"),
        (unknown_extern, r"extern_instances\[\"odd\"\].*'Oracle'"),
        (unknown_extern_method, r"actions\[\"main\"\].*'_EspCipher_odd'"),
        (unknown_hash, r"calculations\[\"odd\"\].*'md5'"),
        (action_profile, r"action_profiles\[\"odd\"\]"),
        (header_stack, r"header_stacks\[\"odd\"\]"),
        (variable_length, r"header_types\[\"odd\"\].*variable length"),
        (odd_parser_operation, r"parse_states\[\"start\"\].*'odd'"),
        (odd_checksum, r"checksums\[\"odd\"\].*'ipv4'"),
        (pipeline_loop, r"pipelines\[\"ingress\"\].*loop"),
        (huge_register, r"register_arrays\[\"odd\"\].*size"),
        (other_major_version, r"version.*3"),
        (backward_jump, r"actions\[\"main\"\].*forward"),
        (missing_pipeline, r"pipelines.*'egress'"),
    ],
)
def test_what_is_not_supported_is_named_with_its_place(snippet, spoil, message):
    spoil(snippet)
    with pytest.raises(PipelineError, match=message):
        snippet.load()


def test_older_forms_of_the_format(snippet):
    """Transitions without a type, and tables that name their actions without ids."""
    snippet.run_in_ingress()
    del snippet.document["pipelines"][0]["tables"][0]["action_ids"]
    snippet.document["parsers"][0]["parse_states"] = [
        snippet.state(
            "start",
            [snippet.extract("h")],
            [
                {"value": "0x05", "mask": None, "next_state": "more"},
                {"value": "default", "mask": None, "next_state": None},
            ],
            [snippet.field("h", "a")],
        ),
        snippet.state("more", [snippet.extract("h")]),
    ]
    assert snippet.send(b"\6\0\0\0abcd") == b"\6\0\0\0abcd"
    assert snippet.send(b"\5\0\0\0abcd") == b"abcd"
