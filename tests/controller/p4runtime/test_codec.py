"""Entities survive the way to P4Runtime messages and back."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import finsy as fy
import pytest
from finsy.proto import p4d, p4r
from hypothesis import given
from hypothesis import strategies as st

from controller.p4runtime import codec, tables
from controller.p4runtime.entities import (
    ClearReport,
    Entry,
    EntryKey,
    MeterCell,
    PacketIn,
    PacketOut,
    Update,
    UpdateKind,
)
from controller.p4runtime.errors import EntryError
from controller.p4runtime.ordering import TABLES
from controller.passive.events import Decision
from ike.types import TrafficSelector
from tests.controller.p4runtime.samples import INTERFACE, RULE, SAD_IN, SAD_OUT

HOST = IPv4Address("10.3.0.1")

ENTRIES = [
    tables.ingress_interface(INTERFACE),
    tables.egress_interface(INTERFACE),
    tables.local_address(HOST),
    tables.route_blackhole(IPv4Network("0.0.0.0/0")),
    tables.route_connected(IPv4Network("10.0.0.0/24"), 3),
    tables.route_via(IPv4Network("10.8.0.0/13"), 3, HOST),
    tables.neighbor(INTERFACE, HOST, 0x020000000009),
    tables.spd_out(RULE),
    tables.spd_out(replace(RULE, later_fragments=True)),
    tables.spd_in(RULE),
    tables.sad_in(SAD_IN),
    tables.sad_out(SAD_OUT),
    *tables.sa_selectors(
        9,
        (TrafficSelector(IPv4Address(0), IPv4Address("255.255.255.255")),),
        (TrafficSelector(HOST, HOST, 17, 0, 0),),
    ),
    *(tables.no_sa(5, decision) for decision in Decision),
    tables.clear_destination(5, HOST, 300.0),
    tables.clear_source(5, HOST, 0.25),
    tables.passive_mode(True),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.key.table}-{e.action}")
def test_entries_come_back_as_they_were(schema: fy.P4Schema, entry: Entry) -> None:
    message = codec.encode_entity(schema, entry)
    wire = p4r.Entity.FromString(message.SerializeToString())
    assert codec.decode_entry(schema, wire) == entry
    assert codec.decode_key(schema, wire.table_entry) == entry.key


def test_every_table_is_among_the_samples() -> None:
    assert {entry.key.table for entry in ENTRIES} == set(TABLES)


def test_fields_that_match_everything_are_left_out(schema: fy.P4Schema) -> None:
    """P4Runtime §9.1.1: a "don't care" that is sent is an error."""
    entry = Entry(
        EntryKey(
            "spd_out",
            (("crypto_map", 2), ("source", (0, 0)), ("source_port", (0, 65535))),
            priority=1,
        ),
        "spd_out.bypass",
    )
    message = codec.encode_entity(schema, entry)
    assert [field.field_id for field in message.table_entry.match] == [1]
    assert codec.decode_entry(schema, message).key.match == (("crypto_map", 2),)


def test_values_are_canonical_byte_strings(schema: fy.P4Schema) -> None:
    """P4Runtime §8.4: the shortest that holds the value."""
    message = codec.encode_entity(schema, tables.no_sa(5, Decision.HOLD))
    assert message.table_entry.match[0].exact.value == b"\x05"


def test_delete_carries_the_key_and_no_key_material(schema: fy.P4Schema) -> None:
    update = codec.encode_update(schema, Update(UpdateKind.DELETE, tables.sad_out(SAD_OUT)))
    assert update.type == p4r.Update.DELETE
    assert not update.entity.table_entry.HasField("action")
    assert SAD_OUT.keying.key.reveal()[1:] not in update.SerializeToString()


def test_default_action_is_reset_not_deleted(schema: fy.P4Schema) -> None:
    """P4Runtime §9.1.3."""
    update = codec.encode_update(schema, Update(UpdateKind.DELETE, tables.passive_mode(True)))
    assert update.type == p4r.Update.MODIFY
    assert update.entity.table_entry.is_default_action
    assert not update.entity.table_entry.HasField("action")


def test_value_that_is_too_wide_is_refused_without_showing_it(schema: fy.P4Schema) -> None:
    entry = tables.sad_out(SAD_OUT, "the SA of site B")
    secret = 1 << 300 | 0xDEADBEEF
    params = tuple(
        (name, secret if name == "key_material" else value) for name, value in entry.params
    )
    with pytest.raises(EntryError, match="the SA of site B") as caught:
        codec.encode_entity(schema, replace(entry, params=params))
    error: BaseException | None = caught.value
    assert str(secret) not in str(error)
    assert error is not None
    assert error.__suppress_context__


@pytest.mark.parametrize(
    "entry",
    [
        Entry(EntryKey("no_such_table", ()), "hold"),
        Entry(EntryKey("no_sa", (("no_such_field", 1),)), "hold"),
        Entry(EntryKey("no_sa", (("packet_type", 1),)), "no_such_action"),
        Entry(EntryKey("no_sa", (("packet_type", 1),)), "hold", (("no_such_param", 1),)),
        Entry(EntryKey("no_sa", (("packet_type", 65536),)), "hold"),
        Entry(EntryKey("route", (("prefix", 5),)), "connected", (("gateway", 1),)),
    ],
)
def test_what_the_program_does_not_have_is_refused(schema: fy.P4Schema, entry: Entry) -> None:
    with pytest.raises(EntryError):
        codec.encode_entity(schema, entry)


def test_meter_cells_come_back(schema: fy.P4Schema) -> None:
    cell = MeterCell("punt_meter", 2, 100, 50)
    update = codec.encode_update(schema, Update(UpdateKind.MODIFY, cell))
    assert codec.decode_meter_cell(schema, update.entity) == cell
    assert (
        codec.decode_meter_cell(
            schema,
            p4r.Entity(
                meter_entry=p4r.MeterEntry(
                    meter_id=update.entity.meter_entry.meter_id, index=p4r.Index(index=2)
                )
            ),
        )
        is None
    )
    with pytest.raises(EntryError):
        codec.encode_update(schema, Update(UpdateKind.DELETE, cell))


def test_entries_of_another_program_are_not_taken_for_ours(schema: fy.P4Schema) -> None:
    with pytest.raises(EntryError):
        codec.decode_entry(schema, p4r.TableEntry(table_id=0x02000FFF))
    with pytest.raises(EntryError):
        codec.decode_entry(schema, p4r.TableEntry())


def test_everything_is_read(schema: fy.P4Schema) -> None:
    requested = {entity.table_entry.table_id for entity in codec.read_table_requests(schema)}
    assert requested == {table.id for table in schema.tables}
    meters = {entity.meter_entry.meter_id for entity in codec.read_meter_requests(schema)}
    assert meters == {meter.id for meter in schema.meters}


# --- packets and digests ------------------------------------------------------------------


def packet_in_message(values: list[bytes], frame: bytes) -> p4r.StreamMessageResponse:
    metadata = [
        p4r.PacketMetadata(metadata_id=number, value=value)
        for number, value in enumerate(values, start=1)
    ]
    return p4r.StreamMessageResponse(packet=p4r.PacketIn(payload=frame, metadata=metadata))


def test_packet_in_is_decoded(schema: fy.P4Schema) -> None:
    message = packet_in_message([b"\x05", b"\x03", b"\x00", b"\x00", b"\x0a\x00\x00\x09"], b"frame")
    assert codec.decode_packet_in(schema, message) == PacketIn(
        reason=5, interface_id=3, packet_type=0, sa_id=0, next_hop=0x0A000009, frame=b"frame"
    )


@pytest.mark.parametrize("values", [[], [b"\x01"] * 4, [b"\x01"] * 6, [b""] * 5, [b"\x01\x01"] * 5])
def test_packet_in_with_other_metadata_is_refused(schema: fy.P4Schema, values: list[bytes]) -> None:
    with pytest.raises(EntryError):
        codec.decode_packet_in(schema, packet_in_message(values, b""))


def test_packet_out_is_encoded(schema: fy.P4Schema) -> None:
    message = codec.encode_packet_out(schema, PacketOut(b"frame", bypass_spd=True))
    assert message.packet.payload == b"frame"
    assert [(m.metadata_id, m.value) for m in message.packet.metadata] == [
        (1, b"\x00"),
        (2, b"\x01"),
        (3, b"\x00"),
    ]
    with pytest.raises(EntryError):
        codec.encode_packet_out(schema, PacketOut(b"", interface_id=65536))


def digest_message(schema: fy.P4Schema, *rows: tuple[int, int, int, int, int]) -> object:
    data = [
        p4d.P4Data(
            struct=p4d.P4StructLike(
                members=[
                    p4d.P4Data(bitstring=value.to_bytes(4, "big").lstrip(b"\0") or b"\0")
                    for value in row
                ]
            )
        )
        for row in rows
    ]
    digest_id = schema.digests[codec.CLEAR_REPORT].id
    return p4r.StreamMessageResponse(
        digest=p4r.DigestList(digest_id=digest_id, list_id=42, data=data)
    )


def test_digest_is_decoded_and_acknowledged(schema: fy.P4Schema) -> None:
    message = digest_message(schema, (5, 0x0A000001, 0, 0x0A000002, 1), (0, 1, 6, 2, 0))
    assert isinstance(message, p4r.StreamMessageResponse)
    assert codec.decode_digest(schema, message) == (
        ClearReport(5, 0x0A000001, 0, 0x0A000002, True),
        ClearReport(0, 1, 6, 2, False),
    )
    ack = codec.encode_digest_ack(message).digest_ack
    assert (ack.digest_id, ack.list_id) == (message.digest.digest_id, 42)


def test_digest_of_another_shape_is_refused(schema: fy.P4Schema) -> None:
    digest_id = schema.digests[codec.CLEAR_REPORT].id
    for digest in (
        p4r.DigestList(digest_id=1),
        p4r.DigestList(digest_id=digest_id, data=[p4d.P4Data(bitstring=b"\1")]),
    ):
        with pytest.raises(EntryError):
            codec.decode_digest(schema, p4r.StreamMessageResponse(digest=digest))


def test_idle_entries_are_decoded(schema: fy.P4Schema) -> None:
    entry = tables.clear_destination(5, HOST, 300.0)
    notification = p4r.IdleTimeoutNotification(
        table_entry=[codec.encode_entity(schema, entry).table_entry]
    )
    message = p4r.StreamMessageResponse(idle_timeout_notification=notification)
    assert codec.decode_idle_entries(schema, message) == (entry,)


@given(st.binary(max_size=200))
def test_arbitrary_stream_messages_raise_nothing_but_our_error(data: bytes) -> None:
    schema = codec.load_schema()
    try:
        message = p4r.StreamMessageResponse.FromString(data)
    except Exception:  # not a protobuf at all: gRPC would not have given it to us
        return
    for decode in (codec.decode_packet_in, codec.decode_digest, codec.decode_idle_entries):
        with suppress(EntryError):
            decode(schema, message)
