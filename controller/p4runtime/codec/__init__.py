"""Entities to P4Runtime messages and back, by finsy's schema; no connection is needed.

Used by the live channel and by whoever drives a P4Runtime service without gRPC.
"""

from controller.p4runtime.codec.entities import (
    METERS,
    decode_entry,
    decode_key,
    decode_meter_cell,
    encode_entity,
    encode_update,
    encode_updates,
    load_schema,
    read_meter_requests,
    read_table_requests,
    to_finsy,
)
from controller.p4runtime.codec.failures import decode_errors, decode_failures
from controller.p4runtime.codec.stream import (
    CLEAR_REPORT,
    decode_digest,
    decode_idle_entries,
    decode_packet_in,
    encode_digest_ack,
    encode_digest_config,
    encode_packet_out,
)

__all__ = [
    "CLEAR_REPORT",
    "METERS",
    "decode_digest",
    "decode_entry",
    "decode_errors",
    "decode_failures",
    "decode_idle_entries",
    "decode_key",
    "decode_meter_cell",
    "decode_packet_in",
    "encode_digest_ack",
    "encode_digest_config",
    "encode_entity",
    "encode_packet_out",
    "encode_update",
    "encode_updates",
    "load_schema",
    "read_meter_requests",
    "read_table_requests",
    "to_finsy",
]
