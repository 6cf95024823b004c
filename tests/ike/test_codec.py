"""The wire format (RFC 7296 §3): round trips, and nothing but ParseError on bad input."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.contrib.ikev2 import IKEv2, IKEv2_KE, IKEv2_Nonce, IKEv2_Notify, IKEv2_SA

from ike.codec.authentication import Authentication
from ike.codec.certificate import Certificate, CertificateRequest
from ike.codec.chain import MAX_PAYLOADS, find, parse_chain, serialize_chain
from ike.codec.configuration import Configuration, ConfigurationAttribute
from ike.codec.delete import Delete
from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import UnknownPayload
from ike.codec.registry import PayloadType
from ike.codec.security_association import (
    MAX_PROPOSALS,
    Attribute,
    Proposal,
    SecurityAssociation,
    Transform,
)
from ike.codec.traffic_selector import (
    RawSelector,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from ike.codec.vendor_id import VendorId
from ike.types import IdType, TrafficSelector

u8 = st.integers(0, 255)
u16 = st.integers(0, 65535)
named_id = u8.filter(lambda id_type: id_type != IdType.NULL)
short = st.binary(max_size=40)
attributes = st.builds(Attribute, st.integers(0, 0x7FFF), st.one_of(u16, st.binary(max_size=8)))
transforms = st.builds(Transform, u8, u16, st.lists(attributes, max_size=3).map(tuple))
proposals = st.builds(
    Proposal, u8, u8, st.binary(max_size=8), st.lists(transforms, max_size=5).map(tuple)
)


@st.composite
def selectors(draw: Any) -> TrafficSelector | RawSelector:
    if draw(st.booleans()):
        return RawSelector(draw(st.integers(9, 255)), draw(u8), b"port" + draw(short))
    address, bits = draw(st.sampled_from([(IPv4Address, 32), (IPv6Address, 128)]))
    addresses = sorted(draw(st.tuples(*[st.integers(0, 2**bits - 1)] * 2)))
    ports = sorted(draw(st.tuples(u16, u16)))
    return TrafficSelector(*map(address, addresses), draw(u8), *ports)


selector_lists = st.lists(selectors(), min_size=1, max_size=5).map(tuple)
KNOWN = set(PayloadType) - {PayloadType.EAP, PayloadType.GSPM, PayloadType.PS}
payloads = st.one_of(
    st.builds(SecurityAssociation, st.lists(proposals, min_size=1, max_size=4).map(tuple)),
    st.builds(KeyExchangePayload, u16, st.binary(min_size=1, max_size=64)),
    st.builds(IdentificationInitiator, named_id, st.binary(min_size=1, max_size=40)),
    st.builds(IdentificationResponder, named_id, st.binary(min_size=1, max_size=40)),
    st.builds(IdentificationInitiator, st.just(IdType.NULL), st.just(b"")),
    st.builds(Certificate, u8, short),
    st.builds(CertificateRequest, u8, short),
    st.builds(Authentication, u8, short),
    st.builds(Nonce, st.binary(min_size=16, max_size=256)),
    st.builds(Notify, u16, short, u8, st.binary(max_size=8)),
    st.builds(Delete, st.just(1)),
    st.builds(Delete, st.just(3), st.lists(st.binary(min_size=4, max_size=4)).map(tuple)),
    st.builds(VendorId, short),
    st.builds(TrafficSelectorsInitiator, selector_lists),
    st.builds(TrafficSelectorsResponder, selector_lists),
    st.builds(
        Configuration,
        u8,
        st.lists(st.builds(ConfigurationAttribute, st.integers(0, 0x7FFF), short)).map(tuple),
    ),
    st.builds(
        UnknownPayload, st.integers(1, 255).filter(lambda t: t not in KNOWN), st.booleans(), short
    ),
)
chains = st.lists(payloads, max_size=8).map(tuple)
headers = st.builds(
    Header,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.just(0),
    u8,
    u8,
    st.integers(0, 2**32 - 1),
    st.just(0),
)


@given(headers, chains)
def test_what_is_written_is_read_back(header: Header, chain: tuple[Any, ...]) -> None:
    data = Message(header, chain).serialize()
    again = Message.parse(data)
    assert again.payloads == chain
    assert again.header.length == len(data)
    assert again.serialize() == data


@given(chains, st.sampled_from([Encrypted(33, b"body"), EncryptedFragment(33, 2, 3, b"body")]))
def test_an_encrypted_payload_ends_the_chain(chain: tuple[Any, ...], last: Any) -> None:
    whole = (*chain, last)
    data = serialize_chain(whole)
    first = whole[0].payload_type
    assert parse_chain(data, first, 0, len(data)) == whole


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(ParseError):
        Message.parse(data)


@settings(max_examples=4 * settings.default.max_examples)
@given(u8, st.binary(max_size=300))
def test_any_chain(first: int, data: bytes) -> None:
    try:
        parsed = parse_chain(data, first, 0, len(data))
    except ParseError:
        return
    if parsed and first:
        again = serialize_chain(parsed)
        assert parse_chain(again, first, 0, len(again)) == parsed


@given(headers, chains.filter(bool), st.data())
def test_one_byte_changed(header: Header, chain: tuple[Any, ...], data: st.DataObject) -> None:
    message = bytearray(Message(header, chain).serialize())
    message[data.draw(st.integers(0, len(message) - 1))] = data.draw(u8)
    try:
        Message.parse(bytes(message))
    except ParseError:
        return


@given(headers, chains.filter(bool), st.data())
def test_cut_short_or_too_long(header: Header, chain: tuple[Any, ...], data: st.DataObject) -> None:
    message = Message(header, chain).serialize()
    with pytest.raises(ParseError):
        Message.parse(message[: data.draw(st.integers(0, len(message) - 1))])
    with pytest.raises(ParseError):
        Message.parse(message + b"\0")


def parse_one(payload_type: int, body: bytes, length: int | None = None) -> Any:
    size = 4 + len(body) if length is None else length
    data = bytes([0, 0]) + size.to_bytes(2, "big") + body
    (payload,) = parse_chain(data, payload_type, 0, len(data))
    return payload


@pytest.mark.parametrize(
    ("payload_type", "body", "why"),
    [
        (PayloadType.NONCE, bytes(15), "16 to 256"),
        (PayloadType.NONCE, bytes(257), "16 to 256"),
        (PayloadType.KE, bytes(3), "expected"),
        (PayloadType.KE, bytes(4), "no key exchange data"),
        (PayloadType.IDI, bytes(4), "identity of 0 bytes"),
        (PayloadType.IDI, bytes(4 + 2049), "identity of 2049 bytes"),
        (PayloadType.IDR, bytes(2), "expected"),
        (PayloadType.SA, b"", "expected"),
        (PayloadType.SA, bytes.fromhex("0100000801010000"), "1 where"),
        (PayloadType.SA, bytes.fromhex("0000000701010000"), "7 bytes"),
        (PayloadType.SA, bytes.fromhex("0000000801010100"), "bytes expected"),
        (PayloadType.SA, bytes.fromhex("0000000801010001"), "bytes expected"),
        (PayloadType.SA, bytes.fromhex("000000100101000003000008010000140000000c"), "too many"),
        (PayloadType.SA, bytes.fromhex("00000010010100010300000801000014"), "more than the 1"),
        (PayloadType.SA, bytes.fromhex("00000010010100020000000801000014"), "2 transforms"),
        (PayloadType.SA, bytes.fromhex("00000010010100010000000701000014"), "7 bytes"),
        (PayloadType.DELETE, bytes.fromhex("0304000200000001"), "bytes expected"),
        (PayloadType.DELETE, bytes.fromhex("030400010000000100"), "too many"),
        (PayloadType.DELETE, bytes.fromhex("030800010000000000000001"), "4 expected"),
        (PayloadType.DELETE, bytes.fromhex("0000ffff"), "no length"),
        (PayloadType.TSI, bytes.fromhex("00000000"), "no selectors"),
        (PayloadType.TSI, bytes.fromhex("0100000007000007000000"), "7 bytes"),
        (PayloadType.TSI, bytes.fromhex("01000000070000080000ffff"), "expected"),
        (PayloadType.TSI, bytes.fromhex("02000000070000100000ffff0000000000000000"), "expected"),
        (PayloadType.TSR, bytes.fromhex("01000000070000100000ffff0200000001000000"), "behind"),
        (PayloadType.TSR, bytes.fromhex("0100000007000010000200010100000001000000"), "port"),
        (PayloadType.TSI, bytes.fromhex("01000000070000140000ffff00" * 12), None),
        (PayloadType.CP, bytes.fromhex("010000000001ffff"), "expected"),
        (PayloadType.NOTIFY, bytes.fromhex("03ff4000"), "255 bytes expected"),
        (PayloadType.SKF, bytes.fromhex("00020001"), "fragment 2 of 1"),
        (PayloadType.SKF, bytes.fromhex("00000001"), "fragment 0 of 1"),
    ],
)
def test_what_is_wrong_is_said(payload_type: int, body: bytes, why: str | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse_one(payload_type, body)
    assert caught.value.offset >= 4
    if why is not None:
        assert why in str(caught.value)


@pytest.mark.parametrize("length", [0, 3, 5, 65535])
def test_payload_lengths_that_lie(length: int) -> None:
    with pytest.raises(ParseError):
        parse_one(PayloadType.VENDOR_ID, b"", length)


def test_endless_chains_end() -> None:
    data = bytes([PayloadType.VENDOR_ID, 0, 0, 4]) * (MAX_PAYLOADS + 5)
    with pytest.raises(ParseError, match="more than 128 payloads"):
        parse_chain(data, PayloadType.VENDOR_ID, 0, len(data))


def test_too_many_proposals() -> None:
    many = SecurityAssociation((Proposal(1, 1, b"", ()),) * (MAX_PROPOSALS + 1))
    with pytest.raises(ParseError, match="more than 64 proposals"):
        parse_one(PayloadType.SA, many.serialize())


def test_opaque_ports_and_unknown_types_are_kept_not_dropped() -> None:
    """RFC 7296 §3.13.1."""
    opaque = bytes.fromhex("07060010ffff00000a0000000a0000ff")
    opaque6 = bytes.fromhex("08060028ffff0000") + bytes(32)
    fibre = bytes.fromhex("0900000cffff0000") + bytes(4)
    ipv6 = bytes.fromhex("080000280000ffff") + bytes(31) + b"\1"
    body = b"\x04\0\0\0" + opaque + opaque6 + fibre + ipv6
    payload = parse_one(PayloadType.TSI, body)
    assert [type(s) for s in payload.selectors] == [RawSelector] * 3 + [TrafficSelector]
    assert payload.ranges == (TrafficSelector(IPv6Address("::"), IPv6Address("::1")),)
    assert payload.serialize() == body


def test_the_critical_bit_matters_for_unknown_types_only() -> None:
    """RFC 7296 §2.5."""
    data = bytes([0, 0x80, 0, 5, 1])
    (unknown,) = parse_chain(data, 200, 0, 5)
    assert isinstance(unknown, UnknownPayload)
    assert unknown.critical
    assert parse_chain(data, PayloadType.VENDOR_ID, 0, 5) == (VendorId(b"\1"),)


@pytest.mark.filterwarnings("ignore")
def test_scapy_reads_our_first_message() -> None:
    """A foreign judge of the framing."""
    from ike_network import Network

    network = Network()
    network.left.endpoint.initiate("net", network.now)
    (datagram,) = network.left.endpoint.transmits()
    foreign = IKEv2(datagram.payload)
    ours = Message.parse(datagram.payload)
    assert foreign.exch_type == 34
    assert foreign.length == len(datagram.payload)
    exchange, nonce = find(ours.payloads, KeyExchangePayload), find(ours.payloads, Nonce)
    assert exchange is not None
    assert nonce is not None
    assert foreign[IKEv2_KE].ke == exchange.data
    assert foreign[IKEv2_KE].group == exchange.method
    assert foreign[IKEv2_Nonce].nonce == nonce.data
    assert foreign[IKEv2_Notify].type == 16388
    assert foreign[IKEv2_SA].prop.trans_nb == 7
