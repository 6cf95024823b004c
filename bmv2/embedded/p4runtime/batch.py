"""One Write or Read: its entities one by one, and what to do when one fails (§12, §13)."""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4r

from bmv2.embedded.p4runtime import counters, meters, replication
from bmv2.embedded.p4runtime.codes import ENTITY_NOT_SET, Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, WriteError, invalid, unimplemented
from bmv2.embedded.p4runtime.pipeline import Pipeline
from bmv2.embedded.p4runtime.undo import Undo


def write(pipeline: Pipeline, request: p4r.WriteRequest) -> None:
    """Apply a batch, in its order.

    No packet is processed meanwhile, so ROLLBACK_ON_ERROR is atomic for the data plane as well, and
    DATAPLANE_ATOMIC is the same.

    Raises:
        WriteError: An update failed. With CONTINUE_ON_ERROR the others are done, else none is.
    """
    if request.atomicity == p4r.WriteRequest.CONTINUE_ON_ERROR:
        _write_each(pipeline, request)
    elif request.atomicity in (
        p4r.WriteRequest.ROLLBACK_ON_ERROR,
        p4r.WriteRequest.DATAPLANE_ATOMIC,
    ):
        _write_all_or_none(pipeline, request)
    else:
        raise invalid("the atomicity is not one that is known")


def read(pipeline: Pipeline, request: p4r.ReadRequest) -> Iterator[p4r.Entity]:
    """Read the entities of a request, in its order; ends at the first that fails, as bmv2 does.

    Raises:
        P4RuntimeError: An entity of the request is refused.
    """
    for entity in request.entities:
        yield from _read_one(pipeline, entity)


def _write_each(pipeline: Pipeline, request: p4r.WriteRequest) -> None:
    errors: list[P4RuntimeError | None] = []
    for update in request.updates:
        try:
            _write_one(pipeline, update)
            errors.append(None)
        except P4RuntimeError as error:
            errors.append(error)
    if any(errors):
        raise WriteError(errors)


def _write_all_or_none(pipeline: Pipeline, request: p4r.WriteRequest) -> None:
    undos: list[Undo] = []
    failed = True
    try:
        for update in request.updates:
            undos.append(_write_one(pipeline, update))
        failed = False
    except P4RuntimeError as error:
        done = len(undos)
        left = len(request.updates) - done - 1
        rolled_back = P4RuntimeError(Code.ABORTED, "taken back, another update failed")
        not_tried = P4RuntimeError(Code.ABORTED, "not tried, an earlier update failed")
        raise WriteError([rolled_back] * done + [error] + [not_tried] * left) from error
    finally:
        if failed:
            for undo in reversed(undos):
                undo.run()


def _write_one(pipeline: Pipeline, update: p4r.Update) -> Undo:
    entity = update.entity
    kind = entity.WhichOneof("entity")
    match kind:
        case "table_entry":
            return pipeline.tables.write(update.type, entity.table_entry)
        case "counter_entry":
            return counters.write_counter(pipeline.schema, update.type, entity.counter_entry)
        case "direct_counter_entry":
            return pipeline.tables.write_direct_counter(update.type, entity.direct_counter_entry)
        case "meter_entry":
            return meters.write_meter(pipeline.schema, update.type, entity.meter_entry)
        case "direct_meter_entry":
            return pipeline.tables.write_direct_meter(update.type, entity.direct_meter_entry)
        case "digest_entry":
            return pipeline.digests.write(update.type, entity.digest_entry)
        case "packet_replication_engine_entry":
            raise replication.refuse_write(update.type, entity.packet_replication_engine_entry)
        case "action_profile_member" | "action_profile_group":
            raise invalid("the program has no action profile")
        case "register_entry" | "value_set_entry" | "extern_entry":
            raise unimplemented(f"writing a {kind} is not implemented")
        case _:
            raise P4RuntimeError(ENTITY_NOT_SET, "the entity of the update is not set")


def _read_one(pipeline: Pipeline, entity: p4r.Entity) -> Iterator[p4r.Entity]:
    kind = entity.WhichOneof("entity")
    match kind:
        case "table_entry":
            return pipeline.reader.read(entity.table_entry)
        case "counter_entry":
            return counters.read_counter(pipeline.schema, entity.counter_entry)
        case "direct_counter_entry":
            return pipeline.reader.read_direct_counter(entity.direct_counter_entry)
        case "meter_entry":
            return meters.read_meter(pipeline.schema, entity.meter_entry)
        case "direct_meter_entry":
            return pipeline.reader.read_direct_meter(entity.direct_meter_entry)
        case "digest_entry":
            return pipeline.digests.read(entity.digest_entry)
        case "packet_replication_engine_entry":
            return replication.read(entity.packet_replication_engine_entry)
        case "action_profile_member":
            return _read_no_profile(entity.action_profile_member.action_profile_id)
        case "action_profile_group":
            return _read_no_profile(entity.action_profile_group.action_profile_id)
        case "register_entry" | "value_set_entry":
            raise unimplemented(f"reading a {kind} is not implemented")
        case _:
            raise P4RuntimeError(ENTITY_NOT_SET, "the entity of the read is not set, or unknown")


def _read_no_profile(profile_id: int) -> Iterator[p4r.Entity]:
    """Of all action profiles, there are none; any one does not exist."""
    if profile_id:
        raise invalid("the program has no action profile")
    return iter(())
