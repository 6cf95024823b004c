"""Expressions: compiled, they have the value that bmv2's arithmetic gives (bm_sim/data.h)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmv2.embedded.model import PipelineError

FIELDS = {"a": 8, "b": 16, "c": 4, "d": 4}
FRAME = st.binary(min_size=4, max_size=4)


def values(frame: bytes) -> dict[str, int]:
    return {
        "a": frame[0],
        "b": int.from_bytes(frame[1:3], "big"),
        "c": frame[3] >> 4,
        "d": frame[3] & 15,
    }


def field(name):
    return {"type": "field", "value": ["h", name]}


def hexstr(value):
    return {"type": "hexstr", "value": hex(value)}


def op(name, left, right, **more):
    return {"type": "expression", "value": {"op": name, "left": left, "right": right, **more}}


def conditions(inner):
    compared = st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner, inner).map(
        lambda t: op(*t)
    )
    simple = st.one_of(
        compared,
        inner.map(lambda right: op("d2b", None, right)),
        st.booleans().map(lambda value: {"type": "bool", "value": value}),
    )
    return st.one_of(
        simple,
        simple.map(lambda right: op("not", None, right)),
        st.tuples(st.sampled_from(["and", "or", "==", "!="]), simple, simple).map(lambda t: op(*t)),
    )


numbers = st.recursive(
    st.sampled_from(sorted(FIELDS)).map(field)
    | st.sampled_from([0, 1, 2, 15, 255, 256, 0xFFFF, 2**63, 2**64 - 1]).map(hexstr),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "&", "|", "^"]), inner, inner).map(
            lambda t: op(*t)
        ),
        st.tuples(st.sampled_from(["<<", ">>"]), inner, st.integers(0, 70).map(hexstr)).map(
            lambda t: op(*t)
        ),
        st.tuples(st.sampled_from(["<<", ">>"]), inner, st.sampled_from("cd").map(field)).map(
            lambda t: op(*t)
        ),
        inner.map(lambda right: op("~", None, right)),
        st.tuples(inner, st.sampled_from([1, 0xF, 0xFF, 0xFFFF, 2**32 - 1, 2**64 - 1])).map(
            lambda t: op("&", t[0], hexstr(t[1]))
        ),
        st.tuples(
            st.sampled_from(["two_comp_mod", "sat_cast", "usat_cast"]), inner, st.integers(2, 40)
        ).map(lambda t: op(t[0], t[1], hexstr(t[2]))),
        st.tuples(conditions(inner), inner, inner).map(lambda t: op("?", t[1], t[2], cond=t[0])),
        conditions(inner).map(lambda right: op("b2d", None, right)),
    ),
    max_leaves=12,
)


def evaluate(node, fields):
    """bmv2's meaning of an expression, step by step and with nothing left out."""
    kind, value = node["type"], node["value"]
    if kind == "field":
        return fields[value[1]]
    if kind == "hexstr":
        return int(value, 16)
    if kind == "bool":
        return value
    name = value["op"]
    right = evaluate(value["right"], fields)
    if value["left"] is None:
        return {"~": lambda: ~right, "not": lambda: not right, "d2b": lambda: right != 0,
                "b2d": lambda: int(right)}[name]()  # fmt: skip
    left = evaluate(value["left"], fields)
    if name == "?":
        return left if evaluate(value["cond"], fields) else right
    if name in ("two_comp_mod", "sat_cast", "usat_cast"):
        half, ones = 1 << (right - 1), (1 << right) - 1
        if name == "usat_cast":
            return min(max(left, 0), ones)
        if name == "sat_cast":
            return min(max(left, -half), half - 1)
        return left if -half <= left < half else ((left + half) & ones) - half
    return {
        "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
        "&": lambda: left & right, "|": lambda: left | right, "^": lambda: left ^ right,
        "<<": lambda: left << right, ">>": lambda: left >> right,
        "==": lambda: left == right, "!=": lambda: left != right,
        "<": lambda: left < right, "<=": lambda: left <= right,
        ">": lambda: left > right, ">=": lambda: left >= right,
        "and": lambda: left and right, "or": lambda: left or right,
    }[name]()  # fmt: skip


@pytest.mark.parametrize("width", [8, 64])
def test_value_of_any_expression(make_snippet, width):
    @settings(deadline=None)
    @given(expression=numbers, frame=FRAME)
    def check(expression, frame):
        snippet = make_snippet()
        snippet.document["header_types"].append(snippet.header_type("r_t", [("r", width)]))
        snippet.add_header("r", "r_t")
        snippet.document["deparsers"][0]["order"] = ["r"]
        snippet.run_in_ingress(
            {"op": "add_header", "parameters": [{"type": "header", "value": "r"}]},
            snippet.assign(snippet.field("r", "r"), expression),
        )
        expected = evaluate(expression, values(frame)) & ((1 << width) - 1)
        assert snippet.send(frame) == expected.to_bytes(width // 8, "big")

    check()


def test_conditions_choose_the_branch(make_snippet):
    @settings(deadline=None)
    @given(condition=conditions(numbers), frame=FRAME)
    def check(condition, frame):
        snippet = make_snippet()
        spec, metadata = ("standard_metadata", "egress_spec"), "standard_metadata"
        send = snippet.assign(snippet.field(*spec), snippet.hexstr(1))
        drop = {"op": "mark_to_drop", "parameters": [{"type": "header", "value": metadata}]}
        for name, primitive in (("yes", send), ("no", drop)):
            action = snippet.add_action(name, [primitive])
            snippet.add_table(name, [], [action], action)
        pipeline = snippet.document["pipelines"][0]
        node = {"name": "node", "expression": condition, "true_next": "yes", "false_next": "no"}
        pipeline["conditionals"].append(node)
        pipeline["init_table"] = "node"
        assert (snippet.send(frame) is not None) == bool(evaluate(condition, values(frame)))

    check()


def test_signed_field_wraps(snippet):
    """int<8>: 100 + 100 is -56."""
    signed = snippet.field("scalars", "signed")
    snippet.run_in_ingress(
        snippet.assign(signed, op("+", field("a"), field("a"))),
        snippet.assign(field("a"), op("b2d", None, op("<", signed, hexstr(0)))),
        snippet.assign(field("b"), signed),
    )
    assert snippet.send(bytes([100, 0, 0, 0]))[:3] == bytes([1, 0xFF, 0xC8])
    assert snippet.send(bytes([20, 0, 0, 0]))[:3] == bytes([0, 0, 40])


def test_dynamic_shift_by_far_too_much(snippet):
    """Nothing is left of the value, and nobody computes it."""
    snippet.run_in_ingress(
        snippet.assign(snippet.field("scalars", "t"), hexstr(2**64 - 1)),
        snippet.assign(field("a"), op("<<", field("b"), snippet.field("scalars", "t"))),
        snippet.assign(field("b"), op(">>", field("b"), snippet.field("scalars", "t"))),
    )
    assert snippet.send(b"\x01\xff\xff\x00") == bytes(4)


def test_headers_are_compared_with_their_validity(snippet):
    snippet.add_header("other", "h_t")
    same = op("==", {"type": "header", "value": "h"}, {"type": "header", "value": "other"})
    copy = {"op": "assign_header", "parameters": [{"type": "header", "value": "other"},
                                                  {"type": "header", "value": "h"}]}  # fmt: skip
    snippet.run_in_ingress(
        snippet.assign(snippet.field("scalars", "s"), op("b2d", None, same)),
        copy,
        snippet.assign(field("c"), op("b2d", None, same)),
        snippet.assign(field("d"), snippet.field("scalars", "s")),
    )
    assert snippet.send(b"\x07\x00\x00\xff") == b"\x07\x00\x00\x10"


@pytest.mark.parametrize(
    "expression",
    [
        op("**", field("a"), field("b")),
        op("and", field("a"), field("b")),
        op("/", field("a"), field("b")),
        op("/", field("a"), hexstr(0)),
        op("<<", field("a"), hexstr(1 << 40)),
        op("two_comp_mod", field("a"), field("b")),
        {"type": "stack_field", "value": ["s", "f"]},
        {"type": "field", "value": ["h", "nosuch"]},
        {"type": "field", "value": ["nosuch", "a"]},
        {"type": "hexstr", "value": "0xzz"},
        {"type": "local", "value": 0},
    ],
)
def test_what_is_not_known_is_refused(snippet, expression):
    snippet.run_in_ingress(snippet.assign(field("a"), expression))
    with pytest.raises(PipelineError, match=r'actions\["main"\]\.primitives\[1\]'):
        snippet.load()
