"""Parser features of the format (bm_sim/parser.cpp), and checksums."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmv2.embedded.model import PipelineError

shared = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PACKET_TOO_SHORT, NO_MATCH, INVALID_ARGUMENT = 1, 2, 6


def transition(value, mask, next_state):
    return {"type": "hexstr", "value": value, "mask": mask, "next_state": next_state}


def default(next_state):
    return {"type": "default", "value": None, "mask": None, "next_state": next_state}


def states(snippet, *new):
    snippet.document["parsers"][0]["parse_states"] = list(new)


def set_(target, source):
    return {"op": "set", "parameters": [target, source]}


def report_error(snippet):
    """Ingress that writes `parser_error` into a new header, which is all that is emitted."""
    snippet.document["header_types"].append(snippet.header_type("e_t", [("error", 32)]))
    snippet.add_header("e", "e_t")
    snippet.document["deparsers"][0]["order"] = ["e"]
    return snippet.run_in_ingress(
        {"op": "add_header", "parameters": [{"type": "header", "value": "e"}]},
        snippet.assign(
            snippet.field("e", "error"), snippet.field("standard_metadata", "parser_error")
        ),
    )


@pytest.mark.parametrize("length", range(4))
def test_short_packet_goes_on_with_an_error(snippet, length):
    """What could not be extracted stays payload."""
    report_error(snippet)
    frame = bytes(range(length))
    assert snippet.send(frame) == PACKET_TOO_SHORT.to_bytes(4, "big") + frame


def test_headers_before_the_error_stay(snippet):
    snippet.add_header("second", "h_t")
    snippet.document["deparsers"][0]["order"] = ["h", "second"]
    states(snippet, snippet.state("start", [snippet.extract("h"), snippet.extract("second")]))
    snippet.run_in_ingress(snippet.assign(snippet.field("h", "a"), snippet.hexstr(9)))
    assert snippet.send(b"\x01\x02\x03\x04\x05") == b"\x09\x02\x03\x04\x05"


def test_select_in_order_with_masks(snippet):
    """Values and masks are those of all parts, each padded to whole bytes."""
    key = [snippet.field("h", "c"), snippet.field("h", "b")]
    transitions = [
        transition("0x011234", None, "one"),
        transition("0x010034", "0x0f00ff", "two"),
        transition("0x010000", "0x0f0000", "three"),
        default("four"),
    ]
    states(
        snippet,
        snippet.state("start", [snippet.extract("h")], transitions, key),
        *(
            snippet.state(name, [set_(snippet.field("h", "a"), snippet.hexstr(number))])
            for number, name in enumerate(("one", "two", "three", "four"), 1)
        ),
    )
    snippet.run_in_ingress()
    frames = [b"\0\x12\x34\x10", b"\0\x55\x34\x10", b"\0\x55\x55\x10", b"\0\x12\x34\x20"]
    assert [snippet.send(frame)[0] for frame in frames] == [1, 2, 3, 4]


def test_without_a_match_the_packet_is_accepted(snippet):
    key = [snippet.field("h", "a")]
    states(
        snippet,
        snippet.state("start", [snippet.extract("h")], [transition("0x01", None, "start2")], key),
        snippet.state("start2", [set_(snippet.field("h", "b"), snippet.hexstr(7))]),
    )
    snippet.run_in_ingress()
    assert snippet.send(b"\x02\0\0\0") == b"\x02\0\0\0"
    assert snippet.send(b"\x01\0\0\0") == b"\x01\0\x07\0"


@shared
@given(data=st.binary(min_size=12, max_size=12), offset=st.integers(0, 20), bits=st.integers(1, 64))
def test_lookahead(make_snippet, data, offset, bits):
    snippet = make_snippet()
    lookahead = {"type": "lookahead", "value": [offset, bits]}
    copies = [set_(snippet.field("scalars", "t"), lookahead)]
    states(snippet, snippet.state("start", [*copies, snippet.extract("h")]))
    snippet.document["header_types"].append(snippet.header_type("r_t", [("r", 64)]))
    snippet.add_header("r", "r_t")
    snippet.document["deparsers"][0]["order"] = ["r"]
    snippet.run_in_ingress(
        {"op": "add_header", "parameters": [{"type": "header", "value": "r"}]},
        snippet.assign(snippet.field("r", "r"), snippet.field("scalars", "t")),
    )
    expected = int.from_bytes(data, "big") >> (96 - offset - bits) & ((1 << bits) - 1)
    assert snippet.send(data) == expected.to_bytes(8, "big") + data[4:]


def test_lookahead_beyond_the_end(snippet):
    lookahead = {"type": "lookahead", "value": [0, 16]}
    look = set_(snippet.field("scalars", "t"), lookahead)
    states(snippet, snippet.state("start", [snippet.extract("h"), look]))
    report_error(snippet)
    assert snippet.send(b"\0\0\0\0\x09") == b"\0\0\0\x01\x09"


def test_lookahead_as_a_key(snippet):
    key = [{"type": "lookahead", "value": [4, 4]}]
    states(
        snippet,
        snippet.state("start", [], [transition("0x05", None, "found")], key),
        snippet.state("found", [snippet.extract("h")]),
    )
    snippet.run_in_ingress(snippet.assign(snippet.field("h", "a"), snippet.field("h", "$valid$")))
    assert snippet.send(b"\xf5\0\0\0") == b"\1\0\0\0"
    snippet.document["deparsers"][0]["order"] = []
    assert snippet.load().send(b"\xf5\0\0\0") == b""
    assert snippet.send(b"\x5f\0\0\0") == b"\x5f\0\0\0"


def test_verify(snippet):
    condition = snippet.op("==", snippet.field("h", "a"), snippet.hexstr(1))
    verify = {"op": "verify", "parameters": [condition, snippet.hexstr(NO_MATCH)]}
    states(snippet, snippet.state("start", [snippet.extract("h"), verify]))
    report_error(snippet)
    assert snippet.send(b"\x01\0\0\0") == b"\0\0\0\0"
    assert snippet.send(b"\x02\0\0\0") == b"\0\0\0\x02"


def test_advance(snippet):
    advance = {"op": "advance", "parameters": [snippet.field("h", "a")]}
    states(snippet, snippet.state("start", [snippet.extract("h"), advance]))
    report_error(snippet)
    assert snippet.send(b"\x10\0\0\0abc") == b"\0\0\0\0c"
    assert snippet.send(b"\x03\0\0\0abc") == b"\0\0\0\x06abc"
    assert snippet.send(b"\x20\0\0\0abc") == b"\0\0\0\x01abc"


def test_loops_are_refused(snippet):
    states(snippet, snippet.state("start", [snippet.extract("h")], [default("start")]))
    snippet.run_in_ingress()
    with pytest.raises(PipelineError, match="loop"):
        snippet.load()


def checksum_over(snippet, *, verify: bool, update: bool, condition=None, payload: bool = False):
    inputs = [snippet.field("h", "a"), snippet.field("h", "c"), snippet.field("h", "d")]
    if payload:
        inputs.append({"type": "payload", "value": None})
    snippet.document["calculations"] = [{"name": "calc", "algo": "csum16", "input": inputs}]
    snippet.document["checksums"] = [
        {
            "name": "sum",
            "target": ["h", "b"],
            "type": "generic",
            "calculation": "calc",
            "verify": verify,
            "update": update,
            "if_cond": condition,
        }
    ]


def test_checksum_is_verified(snippet):
    """`checksum_error` is for the program to look at; nothing is dropped by itself."""
    checksum_over(snippet, verify=True, update=False)
    error = snippet.field("standard_metadata", "checksum_error")
    snippet.run_in_ingress(snippet.assign(snippet.field("h", "b"), error))
    good = (0xFFFF ^ 0x1234).to_bytes(2, "big")
    assert snippet.send(b"\x12" + good + b"\x34") == b"\x12\x00\x00\x34"
    assert snippet.send(b"\x12\x00\x00\x34") == b"\x12\x00\x01\x34"


@pytest.mark.parametrize("wanted", [0, 1])
def test_checksum_is_updated_on_its_condition(snippet, wanted):
    condition = snippet.op("d2b", None, snippet.field("scalars", "flag"))
    checksum_over(snippet, verify=False, update=True, condition=condition)
    snippet.run_in_ingress(
        snippet.assign(snippet.field("scalars", "flag"), snippet.hexstr(wanted)),
        snippet.assign(snippet.field("h", "a"), snippet.hexstr(0xFF)),
    )
    expected = (0xFFFF ^ 0xFF34 if wanted else 0x5555).to_bytes(2, "big")
    assert snippet.send(b"\x12\x55\x55\x34") == b"\xff" + expected + b"\x34"


@shared
@given(payload=st.binary(max_size=9))
def test_checksum_with_payload(make_snippet, payload):
    snippet = make_snippet()
    checksum_over(snippet, verify=False, update=True, payload=True)
    snippet.run_in_ingress()
    words = bytes([0x12, 0x34]) + payload + b"\0" * (len(payload) % 2)
    total = sum(int.from_bytes(words[i : i + 2], "big") for i in range(0, len(words), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    out = snippet.send(b"\x12\x00\x00\x34" + payload)
    assert out == b"\x12" + (0xFFFF ^ total).to_bytes(2, "big") + b"\x34" + payload


def test_wide_and_odd_fields_survive_the_wire(snippet):
    widths = [3, 13, 48, 1, 7, 24, 128, 40, 56, 100, 4]
    fields = [(f"f{index}", bits) for index, bits in enumerate(widths)]
    snippet.document["header_types"].append(snippet.header_type("wide_t", fields))
    snippet.add_header("wide", "wide_t")
    snippet.document["deparsers"][0]["order"] = ["wide"]
    states(snippet, snippet.state("start", [snippet.extract("wide")]))
    snippet.run_in_ingress()
    frame = bytes(range(7, 7 + sum(widths) // 8))
    assert snippet.send(frame + b"rest") == frame + b"rest"


@shared
@given(garbage=st.binary(max_size=60))
def test_what_is_no_json_is_refused(make_snippet, garbage):
    with pytest.raises(PipelineError):
        make_snippet().load().datapath.compile(garbage)


def test_names_cannot_become_code(snippet):
    """The document is a client's: its names are data."""
    evil = "x = 1\n    raise SystemExit  # '\"\\"
    text = json.dumps(snippet.run_in_ingress().document).replace('"start"', json.dumps(evil))
    snippet.document = json.loads(text.replace('"tbl_main"', json.dumps(evil + "2")))
    assert snippet.send(b"abcd") == b"abcd"
