"""What a new primary does first: make sure of the program, turn reports on, read everything."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import finsy as fy
from finsy.proto import p4r

from controller.p4runtime import codec
from controller.p4runtime.client import CallError, P4RuntimeClient
from controller.p4runtime.entities import Entry, MeterCell
from controller.p4runtime.inputs import Connected

DIGEST_LIST_SIZE = 64  # reports in one message
DIGEST_TIMEOUT = 0.01  # seconds that a report waits for others
DIGEST_ACK_TIMEOUT = 1.0  # seconds after which an unacknowledged report may come again


_ENTRIES_AT_ONCE = 256
"""Entries that are decoded before others get their turn: a full switch takes a second."""

_TABLES_WITH_TIMEOUT = ("clear_destinations", "clear_sources")


async def set_up(
    client: P4RuntimeClient, schema: fy.P4Schema
) -> tuple[Connected, tuple[Entry, ...]]:
    """Prepare a switch whose primary we are.

    A program that is ours already is left running, with all that it holds. Returned are also the
    entries that have been idle for their timeout: not every switch says so a second time, and
    nobody may have listened the first time.

    Raises:
        CallError: the switch refused something; the message says what.
        SwitchUnavailableError: the connection failed.
        EntryError: the switch holds what it can't hold.
    """
    pushed, notice = await _ensure_pipeline(client, schema)
    await _configure_digest(client, schema)
    found, idle = await _read_entries(client, schema)
    meters = await _read_meters(client, schema)
    return Connected(found=found, meters=meters, pipeline_pushed=pushed, notice=notice), idle


async def _ensure_pipeline(client: P4RuntimeClient, schema: fy.P4Schema) -> tuple[bool, str]:
    """Push the program unless the switch runs it; tell whether it was, and what is odd."""
    running = await client.get_p4info()
    if running is not None and schema.has_p4info(running.p4info):
        cookie = running.cookie.cookie
        if cookie and cookie != schema.p4cookie:
            # The same tables, so what they hold is still right: an outage is not worth it.
            return False, (
                "the switch runs another build of our P4 program with the same tables; it is"
                " replaced when the switch starts afresh"
            )
        return False, ""
    try:
        await client.set_pipeline(schema.get_pipeline_config())
    except CallError as error:
        raise CallError(error.code, f"the switch refuses the P4 program: {error.message}") from None
    return True, "" if running is None else "the switch ran another P4 program"


async def _configure_digest(client: P4RuntimeClient, schema: fy.P4Schema) -> None:
    for modify in (False, True):
        update = codec.encode_digest_config(
            schema,
            max_list_size=DIGEST_LIST_SIZE,
            max_timeout=DIGEST_TIMEOUT,
            ack_timeout=DIGEST_ACK_TIMEOUT,
            modify=modify,
        )
        try:
            await client.write([update])
        except CallError as error:
            if not modify and _code_of(error) == "ALREADY_EXISTS":
                continue
            raise CallError(
                _code_of(error), f"the switch refuses to report clear traffic: {error.message}"
            ) from None
        return


def _code_of(error: CallError) -> str:
    """Return the code of the one update that was written."""
    if error.status is None:
        return error.code
    return next((code for code, _ in codec.decode_errors(error.status)), error.code)


async def _read_entries(
    client: P4RuntimeClient, schema: fy.P4Schema
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return all entries, and those of them that are idle."""
    found: list[Entry] = []
    idle: list[Entry] = []
    # Table by table, so that no answer gets too large.
    for request in codec.read_table_requests(schema):
        for answer in await _read_table(client, schema, request):
            entry = codec.decode_entry(schema, answer)
            found.append(entry)
            message = answer.table_entry
            elapsed_ns = message.time_since_last_hit.elapsed_ns  # 0 where it is not given
            if 0 < message.idle_timeout_ns <= elapsed_ns:
                idle.append(entry)
            if len(found) % _ENTRIES_AT_ONCE == 0:
                await asyncio.sleep(0)
    return tuple(found), tuple(idle)


async def _read_table(
    client: P4RuntimeClient, schema: fy.P4Schema, request: p4r.Entity
) -> list[p4r.Entity]:
    table = schema.tables[request.table_entry.table_id]
    if table.alias in _TABLES_WITH_TIMEOUT:
        timed = p4r.Entity()
        timed.CopyFrom(request)
        timed.table_entry.time_since_last_hit.SetInParent()
        with suppress(CallError):  # not every target keeps the time
            return await client.read([timed])
    return await client.read([request])


async def _read_meters(client: P4RuntimeClient, schema: fy.P4Schema) -> tuple[MeterCell, ...]:
    try:
        answers = await client.read(codec.read_meter_requests(schema))
    except CallError:
        # Not every target can; what was not read is written again.
        return ()
    cells = (codec.decode_meter_cell(schema, answer) for answer in answers)
    return tuple(cell for cell in cells if cell is not None)
