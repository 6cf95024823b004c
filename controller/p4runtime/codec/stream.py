"""Packets, digests and idle notifications of the stream."""

from __future__ import annotations

import finsy as fy
from finsy.proto import p4r

from controller.p4runtime.codec.entities import NS_PER_SECOND, decode_entry
from controller.p4runtime.entities import ClearReport, Entry, PacketIn, PacketOut
from controller.p4runtime.errors import EntryError

CLEAR_REPORT = "clear_report_t"

_PACKET_IN_FIELDS = frozenset({"reason", "interface_id", "packet_type", "sa_id", "next_hop"})


def decode_packet_in(schema: fy.P4Schema, message: p4r.StreamMessageResponse) -> PacketIn:
    """Return a punted packet.

    Raises:
        EntryError: its header is not the one of our program.
    """
    try:
        packet = fy.P4PacketIn.decode(message, schema)
    except (ValueError, KeyError, TypeError):
        raise EntryError("a packet-in with metadata that our program does not have") from None
    if packet.metadata.keys() != _PACKET_IN_FIELDS:
        raise EntryError("a packet-in without all of its metadata")
    return PacketIn(**packet.metadata, frame=packet.payload)


def encode_packet_out(schema: fy.P4Schema, packet: PacketOut) -> p4r.StreamMessageRequest:
    """Return the message that sends a packet.

    Raises:
        EntryError: the interface id is wider than 16 bits.
    """
    try:
        return fy.P4PacketOut(
            packet.frame,
            interface_id=packet.interface_id,
            bypass_spd=int(packet.bypass_spd),
            padding=0,
        ).encode_update(schema)
    except ValueError:
        raise EntryError(f"no such interface id: {packet.interface_id}") from None


def decode_digest(
    schema: fy.P4Schema, message: p4r.StreamMessageResponse
) -> tuple[ClearReport, ...]:
    """Return the reports of one digest list.

    Raises:
        EntryError: it is not the digest of our program.
    """
    try:
        digest = fy.P4DigestList.decode(message, schema)
        reports = tuple(
            ClearReport(**{**item, "retry_due": bool(item["retry_due"])}) for item in digest.data
        )
    except (ValueError, KeyError, TypeError):
        raise EntryError("a digest that our program does not have") from None
    return reports


def encode_digest_ack(message: p4r.StreamMessageResponse) -> p4r.StreamMessageRequest:
    """Return the acknowledgement of a digest list."""
    ack = p4r.DigestListAck(digest_id=message.digest.digest_id, list_id=message.digest.list_id)
    return p4r.StreamMessageRequest(digest_ack=ack)


def encode_digest_config(
    schema: fy.P4Schema,
    *,
    max_list_size: int,
    max_timeout: float,
    ack_timeout: float,
    modify: bool = False,
) -> p4r.Update:
    """Return the update that turns the digest on. Times in seconds."""
    entry = fy.P4DigestEntry(
        CLEAR_REPORT,
        max_list_size=max_list_size,
        max_timeout_ns=round(max_timeout * NS_PER_SECOND),
        ack_timeout_ns=round(ack_timeout * NS_PER_SECOND),
    )
    return (~entry if modify else +entry).encode_update(schema)


def decode_idle_entries(
    schema: fy.P4Schema, message: p4r.StreamMessageResponse
) -> tuple[Entry, ...]:
    """Return the entries that were idle for their timeout.

    Raises:
        EntryError: one is none of our program's.
    """
    entries = message.idle_timeout_notification.table_entry
    return tuple(decode_entry(schema, entry) for entry in entries)
