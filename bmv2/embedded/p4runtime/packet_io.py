"""Packet-in and packet-out: ``PacketMetadata`` to the header on the CPU port, and back (§16.1)."""

from __future__ import annotations

from finsy.proto import p4r

from bmv2.embedded.p4runtime.bytestring import decode, encode
from bmv2.embedded.p4runtime.errors import invalid
from bmv2.embedded.p4runtime.schema import PacketMetadataSchema, Schema

MAX_PACKET = 65535
"""The longest packet that may be sent out, in bytes, without its header."""


class PacketIo:
    """The controller packet headers of one pipeline; without a header, packets go as they are."""

    def __init__(self, schema: Schema) -> None:
        self._in = schema.packet_in or PacketMetadataSchema(())
        self._out = schema.packet_out or PacketMetadataSchema(())
        self._in_bits = sum(bits for _, _, bits in self._in.fields)
        self._out_bits = sum(bits for _, _, bits in self._out.fields)
        self._out_places = {field_id: n for n, (field_id, _, _) in enumerate(self._out.fields)}

    def encode_out(self, packet: p4r.PacketOut) -> bytes:
        """The frame to inject at the CPU port; as in bmv2, a field left out is 0.

        Raises:
            P4RuntimeError: INVALID_ARGUMENT if a field is unknown, given twice or too wide, or the
                packet is too long.
        """
        if len(packet.payload) > MAX_PACKET:
            raise invalid(f"a packet has at most {MAX_PACKET} bytes")
        values = [0] * len(self._out.fields)
        given: set[int] = set()
        for metadata in packet.metadata:
            place = self._out_places.get(metadata.metadata_id)
            if place is None:
                raise invalid(f"packet_out has no field {metadata.metadata_id}")
            if place in given:
                raise invalid(f"packet_out field {metadata.metadata_id} is given twice")
            given.add(place)
            _, name, bits = self._out.fields[place]
            values[place] = decode(metadata.value, bits, f"packet_out.{name}")
        header = 0
        for (_, _, bits), value in zip(self._out.fields, values, strict=True):
            header = header << bits | value
        length = (self._out_bits + 7) // 8
        header <<= length * 8 - self._out_bits
        return header.to_bytes(length, "big") + packet.payload

    def decode_in(self, frame: bytes) -> p4r.PacketIn | None:
        """The message for a frame that left by the CPU port; None if its header is cut off."""
        length = (self._in_bits + 7) // 8
        if len(frame) < length:
            return None
        header = int.from_bytes(frame[:length], "big")
        shift = length * 8
        packet = p4r.PacketIn(payload=frame[length:])
        for field_id, _, bits in self._in.fields:
            shift -= bits
            value = header >> shift & ((1 << bits) - 1)
            packet.metadata.add(metadata_id=field_id, value=encode(value))
        return packet
