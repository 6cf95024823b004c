"""A program that makes no sense is refused with `PipelineError`, and never anything else."""

import copy
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmv2.embedded.datapath.__main__ import main
from bmv2.embedded.model import PipelineError
from p4src.artefacts import JSON_PATH

JUNK = st.one_of(
    st.sampled_from([None, 0, -1, 5, 1 << 40, 1.5, True, [], {}, [1], ["h", "b"]]),
    st.sampled_from(["", "x", "0x", "0x1ff", "h", "start", "tbl_main", "a", "expression"]),
    st.sampled_from([("field", ["h", "a"]), ("hexstr", "0x1"), ("header", "scalars")]).map(
        lambda pair: {"type": pair[0], "value": pair[1]}
    ),
)


def places(value, path=()):
    """Every place in a document."""
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, member in items:
        yield (*path, key)
        yield from places(member, (*path, key))


def rich(snippet):
    """A bit of everything."""
    snippet.document |= {
        "register_arrays": [{"name": "r", "size": 4, "bitwidth": 8}],
        "counter_arrays": [{"name": "n", "size": 4, "is_direct": False}],
        "meter_arrays": [
            {"name": "m", "size": 4, "is_direct": False, "rate_count": 2, "type": "bytes"}
        ],
        "learn_lists": [{"id": 1, "name": "seen", "elements": [snippet.field("h", "a")]}],
        "field_lists": [{"id": 1, "name": "keep", "elements": [snippet.field("scalars", "s")]}],
        "calculations": [{"name": "c", "algo": "csum16", "input": [snippet.field("h", "a")]}],
        "checksums": [{"name": "sum", "target": ["h", "b"], "type": "generic", "calculation": "c"}],
        "extern_instances": [{"name": "cipher", "type": "EspCipher", "attribute_values": []}],
    }
    a, index = snippet.field("h", "a"), snippet.field("h", "c")
    named = {
        kind: {"type": f"{kind}_array", "value": name}
        for kind, name in (("register", "r"), ("counter", "n"), ("meter", "m"))
    }
    primitives = [
        {"op": "register_read", "parameters": [a, named["register"], index]},
        {"op": "register_write", "parameters": [named["register"], index, a]},
        {"op": "count", "parameters": [named["counter"], index]},
        {"op": "execute_meter", "parameters": [named["meter"], index, a]},
        {"op": "generate_digest", "parameters": [snippet.hexstr(0), snippet.hexstr(1)]},
        {"op": "_jump_if_zero", "parameters": [a, snippet.hexstr(8)]},
        snippet.assign(a, snippet.op("+", a, snippet.op("~", None, index))),
    ]
    snippet.run_in_ingress(*primitives)
    answer = snippet.add_action(
        "answer", [snippet.assign(a, {"type": "runtime_data", "value": 0})], [("value", 8)]
    )
    nothing = snippet.add_action("nothing", [])
    keys = [("ternary", "h", "a"), ("lpm", "h", "b")]
    snippet.add_table("t", keys, [answer, nothing], nothing)
    snippet.document["pipelines"][0]["tables"][0]["next_tables"] = {"main": "node"}
    snippet.document["pipelines"][0]["conditionals"].append(
        {
            "name": "node",
            "expression": snippet.op("==", a, snippet.hexstr(1)),
            "true_next": "t",
            "false_next": None,
        }
    )
    return snippet


@settings(
    max_examples=4 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_only_pipeline_errors(make_snippet, data):
    snippet = rich(make_snippet())
    document = snippet.document = copy.deepcopy(snippet.document)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(document))))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[path[-1]] = copy.deepcopy(data.draw(JUNK))
        else:
            del parent[path[-1]]
    try:
        snippet.load()
    except PipelineError:
        return
    snippet.send(b"\1\2\3\4\5")


def test_deep_nesting(snippet):
    expression = snippet.field("h", "a")
    for _ in range(150):
        expression = snippet.op("~", None, snippet.op("+", expression, snippet.hexstr(1)))
    snippet.run_in_ingress(snippet.assign(snippet.field("h", "a"), expression))
    with pytest.raises(PipelineError, match="nested"):
        snippet.load()


def test_source_can_be_shown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["datapath", str(JSON_PATH)])
    assert main() == 0
    source = capsys.readouterr().out
    assert source.startswith("def process(frame, port, now, kept):")
    compile(source, "shown", "exec")


def test_showing_what_is_no_program_says_why(monkeypatch, capsys, tmp_path):
    path = tmp_path / "x.json"
    path.write_text("{}")
    monkeypatch.setattr(sys, "argv", ["datapath", str(path)])
    assert main() == 1
    assert "x.json: pipelines: 'ingress' is missing" in capsys.readouterr().err
