"""Entities that several cases write."""

from __future__ import annotations

from typing import Any

from finsy.proto import p4r

from tests.conformance.p4runtime.client import Client
from tests.conformance.trace.notation import last


def insertion(entity: p4r.Entity) -> p4r.Update:
    return p4r.Update(type=p4r.Update.INSERT, entity=entity)


def everything() -> p4r.Entity:
    """All entries of all tables."""
    entity = p4r.Entity()
    entity.table_entry.SetInParent()
    return entity


def table(client: Client, name: str, **fields: Any) -> p4r.Entity:
    """All entries of one table."""
    number = table_id(client, name)
    return p4r.Entity(table_entry=p4r.TableEntry(table_id=number, **fields))


def table_id(client: Client, name: str) -> int:
    (found,) = [t for t in client.p4info.tables if last(t.preamble.name) == name]
    return found.preamble.id


def array_id(client: Client, kind: str, name: str) -> int:
    """The id of a counter or a meter; `kind` is the field of P4Info."""
    (found,) = [x for x in getattr(client.p4info, kind) if last(x.preamble.name) == name]
    number: int = found.preamble.id
    return number


def neighbor(client: Client, port: str = "1") -> p4r.Entity:
    """An entry of exact fields."""
    return client.entity(
        insert="neighbor",
        match={"interface_id": "1", "next_hop": "c0000202"},
        action="set_neighbor",
        params={"mac_address": "20000000001", "port": port, "source_mac_address": "2"},
    )


def line(client: Client, priority: int, action: str = "bypass", **match: str) -> p4r.Entity:
    """An entry of ternary and range fields."""
    return client.entity(
        insert="spd_out", match={"crypto_map": "7", **match}, priority=priority, action=action
    )


def route(client: Client, prefix: str, **more: Any) -> p4r.Entity:
    """An entry of an LPM field."""
    return client.entity(insert="route", match={"prefix": prefix}, action="blackhole", **more)


def destination(client: Client, idle_ns: int = 0, packet_type: str = "5") -> p4r.Entity:
    """An entry with a direct counter and, if wanted, an idle timeout."""
    entity = client.entity(
        insert="clear_destinations",
        match={"packet_type": packet_type, "destination": "a000001"},
        action="known",
    )
    entity.table_entry.idle_timeout_ns = idle_ns
    return entity


def passive_mode(client: Client, value: str) -> p4r.Entity:
    """The default entry of a table without a key."""
    return client.entity(
        default="passive_mode", action="set_passive_mode", params={"enabled": value}
    )
