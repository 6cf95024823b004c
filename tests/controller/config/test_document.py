"""YAML with positions, and what YAML must not do to a configuration."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.document import MAX_VALUES, Document, parse_document
from controller.config.problems import ConfigError, Position


def parse(text: str) -> Document:
    return parse_document(text, "r1.yaml")


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


def test_every_value_has_its_place() -> None:
    document = parse("a:\n  b: x\n  c:\n    - y\n    - 'z'\n")
    assert document.data == {"a": {"b": "x", "c": ["y", "z"]}}
    assert document.keys[("a", "c")] == Position(3, 3)
    assert document.values[("a", "b")] == Position(2, 6)
    assert document.values[("a", "c", 0)] == Position(4, 7)
    assert document.values[("a", "c", 1)] == Position(5, 8)


@pytest.mark.parametrize(
    "scalar", ["0192", "10:20:30:40:50:10", "1e5", ".nan", "yes", "0x10", "1_000", "2024-01-01"]
)
def test_scalars_stay_what_is_written(scalar: str) -> None:
    assert parse(f"a: {scalar}").data == {"a": scalar}


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "~"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert parse(text).data == {}


def test_no_value_is_none_and_quoted_is_text() -> None:
    assert parse("{a: , b: ~, c: null, d: 'null', e: ''}").data == {
        "a": None,
        "b": None,
        "c": None,
        "d": "null",
        "e": "",
    }


def test_aliases_stand_for_their_anchor() -> None:
    document = parse("a: &x {k: v}\nb: *x\n")
    assert document.data == {"a": {"k": "v"}, "b": {"k": "v"}}
    assert document.values[("b", "k")] == document.values[("a", "k")]


def test_an_alias_bomb_is_refused() -> None:
    text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):
        text += f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n"
    assert f"more than {MAX_VALUES:,} values" in error_of(text)


def test_an_alias_of_what_it_is_in_is_refused() -> None:
    assert "alias inside of what it stands for" in error_of("a: &x [*x]")


def test_depth_is_bounded() -> None:
    assert "nested deeper" in error_of("[" * 100_000)


def test_depth_is_bounded_through_aliases() -> None:
    levels = [f"l{level}: &l{level} [*l{level - 1}]" for level in range(1, 600)]
    assert "nested deeper" in error_of("\n".join(["l0: &l0 [x]", *levels]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "r1.yaml:3:1: a: stands here twice; first in line 1"),
        ("a: !!python/object:os.system x", "r1.yaml:1:4: a: YAML tags are not supported"),
    ],
)
def test_problems_that_leave_the_rest_readable(text: str, expected: str) -> None:
    assert [str(problem) for problem in parse(text).problems] == [
        expected if "twice" in expected else f"{expected}; quote a text that has a '!'"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2\nb: 3", "r1.yaml:2:2: not valid YAML: while parsing a flow sequence"),
        ("a: b: c", "r1.yaml:1:5: not valid YAML: mapping values are not allowed here"),
        ("{[a]: b}", "r1.yaml:1:2: a key has to be plain text"),
        ("a: 1\n---\nb: 2\n", "r1.yaml:2:1: a second YAML document"),
        ("a: \x07b", "r1.yaml:1:4: character U+0007 is not allowed"),
    ],
)
def test_syntax_errors_have_a_place(text: str, expected: str) -> None:
    assert error_of(text).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "key: *s3cretkey",
        "key: !s3cretkey x",
        "key: !s3cretkey!x y",
        "key: &s3cretkey! x",
        "key: @s3cretkey",
        "key: %s3cretkey",
        'key: "s3cretkey\\q"',
        "key: s3cretkey: x",
        "key: 's3cretkey",
        "key: [s3cretkey",
        "key: 's3cretkey' s3cretkey",
        "key: |s3cretkey",
        "%s3cretkey s3cretkey\n--- x: [",
    ],
)
def test_no_syntax_error_repeats_a_value(text: str) -> None:
    try:
        messages = "".join(str(problem) for problem in parse(text).problems)
    except ConfigError as error:
        messages = str(error)
    assert "s3cret" not in messages


@settings(deadline=None)
@given(st.text(max_size=200) | st.text("{}[]:-,&*!|>'\"%@` \n\tab#?", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        document = parse(text)
    except ConfigError as error:
        problems = error.problems
    else:
        problems = document.problems or (document.problem((), "read"),)
    assert all(problem.line >= 0 for problem in problems)
    assert problems


plain_data = st.recursive(
    st.text("ab 1.:-#'\"", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", min_size=1), inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), plain_data, min_size=1), st.booleans())
def test_reads_what_pyyaml_writes(data: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(data, default_style='"', default_flow_style=flow)
    document = parse(text)
    assert document.data == data
    lines = text.splitlines()
    for path in document.inline:
        value: object = data
        for part in path:
            value = value[part]  # type: ignore[index]  # a path of this data
        position = document.values[path]
        assert lines[position.line - 1][position.column - 1 :].startswith(str(value))
