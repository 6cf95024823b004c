"""The codec of exported states: what it writes it reads, and nothing else."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ike.config import KeyExchange
from ike.crypto import key_exchange
from ike.crypto.key_exchange import PrivateValue
from ike.events import Role
from ike.state.codec import dumps, loads, schema
from ike.state.errors import StateError
from ike.state.records import StateRecord
from ike.types import Secret


@dataclass(frozen=True, slots=True)
class Leaf:
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Other:
    flag: bool


@dataclass(frozen=True, slots=True)
class Tree:
    text: str
    ratio: float
    secret: Secret
    role: Role
    method: KeyExchange | None
    address: IPv4Address | IPv6Address
    leaves: tuple[Leaf, ...]
    either: Leaf | Other | None
    pair: tuple[int, bool]
    methods: frozenset[KeyExchange]


LEAVES = st.builds(Leaf, st.integers(0, 2**64 - 1), st.binary(max_size=40))
TREES = st.builds(
    Tree,
    st.text(max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(Secret, st.binary(max_size=40)),
    st.sampled_from(Role),
    st.none() | st.sampled_from(KeyExchange),
    st.ip_addresses(v=4) | st.ip_addresses(v=6),
    st.lists(LEAVES, max_size=3).map(tuple),
    st.none() | LEAVES | st.builds(Other, st.booleans()),
    st.tuples(st.integers(0, 9), st.booleans()),
    st.frozensets(st.sampled_from(KeyExchange)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=25)
@given(TREES)
def test_what_is_written_is_read(tree: Tree) -> None:
    assert loads(dumps(tree, Tree), Tree) == tree


@settings(max_examples=25)
@given(TREES, st.data(), JSON)
def test_any_other_member_is_an_error_or_another_value(
    tree: Tree, data: st.DataObject, value: object
) -> None:
    members = json.loads(dumps(tree, Tree))
    name = data.draw(st.sampled_from(sorted(members)))
    members[name] = value
    written = json.dumps(members).encode()
    try:
        read = loads(written, Tree)
    except StateError:
        return
    assert json.loads(dumps(read, Tree)) == json.loads(written)


@settings(max_examples=25)
@given(JSON)
def test_no_json_is_taken_for_a_state(value: object) -> None:
    with pytest.raises(StateError):
        loads(json.dumps(value).encode(), StateRecord)


@settings(max_examples=25)
@given(st.binary(max_size=60))
def test_no_bytes_are_taken_for_a_state(data: bytes) -> None:
    with pytest.raises(StateError):
        loads(data, StateRecord)


@pytest.mark.parametrize(
    "data",
    [
        b'{"number":1,"data":"","more":1}',
        b'{"number":1}',
        b'{"number":true,"data":""}',
        b'{"number":-1,"data":""}',
        b'{"number":18446744073709551616,"data":""}',
        b'{"number":1.0,"data":""}',
        b'{"number":1,"data":"0"}',
        b'{"number":1,"data":"AB"}',
        b'{"number":1,"data":"a b"}',
        b"[" * 100_000,
    ],
)
def test_reading_is_strict(data: bytes) -> None:
    with pytest.raises(StateError):
        loads(data, Leaf)


def test_numbers_are_finite() -> None:
    with pytest.raises(TypeError):
        dumps((math.inf,), tuple[float, ...])
    with pytest.raises(StateError):
        loads(b'{"flag":NaN}', Other)


@pytest.mark.parametrize("method", [14, 19, 20, 21, 31, 32, 36, 37])
def test_a_private_value_agrees_after_reading(method: int) -> None:
    """A rekey in flight needs its half of the key exchange."""
    ours = key_exchange.generate(KeyExchange(method), os.urandom)
    read = loads(dumps(ours, PrivateValue), PrivateValue)
    answer = key_exchange.respond(ours.method, ours.public, os.urandom)
    assert read.public == ours.public
    assert read.finish(answer.public) == answer.shared.reveal()


def test_a_schema_tells_fields_and_types() -> None:
    @dataclass(frozen=True, slots=True)
    class Wider:
        number: int
        data: bytes
        more: int = 0

    Wider.__name__ = "Leaf"
    assert schema(Wider) != schema(Leaf)
    assert schema(Leaf) == schema(Leaf)
    assert len(schema(StateRecord)) == 8
