"""Writing and reading table entries (specification §9.1), and batches (§12)."""

from finsy.proto import p4r

from tests.conformance.p4runtime.client import primary
from tests.conformance.p4runtime.requests import (
    everything,
    insertion,
    line,
    neighbor,
    passive_mode,
    route,
    table,
    table_id,
)

INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE


def exact(world, case):
    client = primary(world)
    case("insert", client.insert(neighbor(client)))
    case("insert again", client.insert(neighbor(client)))
    case("read", client.read(table(client, "neighbor")))
    case("modify", client.modify(neighbor(client, "2")))
    case("read modified", client.read(table(client, "neighbor")))
    case("read one", client.read(neighbor(client)))
    case("delete", client.delete(neighbor(client)))
    case("delete again", client.delete(neighbor(client)))
    case("modify what is not there", client.modify(neighbor(client)))
    case("read what is not there", client.read(neighbor(client)))
    case("unset type", client.write(p4r.Update(entity=neighbor(client))))


def byte_strings(world, case):
    """§8.4: canonical, and what is to be accepted all the same."""
    client = primary(world)

    def port(value):
        entity = neighbor(client)
        entity.table_entry.action.action.params[1].value = value
        return entity

    def interface(value):
        entity = neighbor(client)
        entity.table_entry.match[0].exact.value = value
        return entity

    case("parameter with leading zeros", client.insert(port(b"\0\0\0\1")))
    case("is read in canonical form", client.read(table(client, "neighbor")))
    case("deleted by it", client.delete(interface(b"\0\0\1")))
    case("match with leading zeros", client.insert(interface(b"\0\0\1")))
    case("is read in canonical form too", client.read(table(client, "neighbor")))
    case("is the same entry", client.insert(neighbor(client)))
    client.delete(neighbor(client))
    case("parameter of 10 bits for 9", client.insert(port(b"\3\xff")))
    case("parameter of 17 bits for 9", client.insert(port(b"\1\1\1")))
    case("match of 17 bits for 16", client.insert(interface(b"\1\0\0")))
    case("empty match", client.insert(interface(b"")))
    case("empty parameter", client.insert(port(b"")))


def malformed(world, case):
    client = primary(world)

    def changed(change):
        entity = neighbor(client)
        change(entity.table_entry)
        return client.insert(entity)

    def unknown_table(entry):
        entry.table_id = 0x02FFFFFF

    def no_table(entry):
        entry.table_id = 0

    def not_a_table(entry):
        entry.table_id = 0x01000001

    def no_match(entry):
        del entry.match[:]

    def half_a_match(entry):
        del entry.match[1]

    def match_twice(entry):
        entry.match[1].field_id = 1

    def unknown_field(entry):
        entry.match[1].field_id = 9

    def wrong_kind(entry):
        ternary = entry.match[0].ternary
        ternary.value = ternary.mask = b"\1"

    def no_action(entry):
        entry.ClearField("action")

    def unknown_action(entry):
        entry.action.action.action_id = 0x01FFFFFF

    def action_of_another_table(entry):
        entry.action.CopyFrom(route(client, "a000000/8").table_entry.action)

    def group(entry):
        entry.action.action_profile_group_id = 1

    def missing_parameter(entry):
        del entry.action.action.params[2]

    def unknown_parameter(entry):
        entry.action.action.params[2].param_id = 9

    def parameter_twice(entry):
        entry.action.action.params[2].param_id = 2

    def extra_parameter(entry):
        entry.action.action.params.add(param_id=2, value=b"\1")

    def with_priority(entry):
        entry.priority = 3

    def with_idle_timeout(entry):
        entry.idle_timeout_ns = 10**9

    def time_since_last_hit(entry):
        entry.time_since_last_hit.elapsed_ns = 1

    for change in (
        unknown_table, no_table, not_a_table, no_match, half_a_match, match_twice, unknown_field,
        wrong_kind, no_action, unknown_action, action_of_another_table, group, missing_parameter,
        unknown_parameter, parameter_twice, extra_parameter, with_priority, with_idle_timeout,
        time_since_last_hit,
    ):  # fmt: skip
        case(change.__name__.replace("_", " "), changed(change))
        client.delete(neighbor(client))


def ternary(world, case):
    client = primary(world)
    case("without priority", client.insert(line(client, 0)))
    case("negative priority", client.insert(line(client, -1)))
    case("with priority", client.insert(line(client, 5)))
    case("the same again", client.insert(line(client, 5)))
    case("another priority", client.insert(line(client, 6)))
    case("mask of zeros", client.insert(line(client, 7, source="0&0")))
    case("bits outside of the mask", client.insert(line(client, 7, source="a000001&ff000000")))
    case("a mask", client.insert(line(client, 7, source="a000000&ff000000")))
    case("modify", client.modify(line(client, 6, "discard")))
    case("modify another priority", client.modify(line(client, 60, "discard")))
    case("read", client.read(table(client, "spd_out")))
    case("delete another priority", client.delete(line(client, 60)))
    case("delete", client.delete(line(client, 6)))


def ranges(world, case):
    client = primary(world)
    case("low above high", client.insert(line(client, 8, source_port="5..4")))
    case("a range", client.insert(line(client, 8, source_port="5..6")))
    case("one value", client.insert(line(client, 9, source_port="5..5")))
    case("read", client.read(table(client, "spd_out")))


def full_range(world, case):
    client = primary(world)
    case("all values", client.insert(line(client, 8, source_port="0..ffff")))
    case("read", client.read(table(client, "spd_out")))


def prefixes(world, case):
    client = primary(world)
    case("a prefix", client.insert(route(client, "a000000/8")))
    case("host bits", client.insert(route(client, "a000001/16")))
    case("length 0", client.insert(route(client, "0/0")))
    case("length 33", client.insert(_too_long(client)))
    case("priority", client.insert(route(client, "b000000/8", priority=4)))
    default = route(client, "a000000/8")
    del default.table_entry.match[:]
    case("left out", client.insert(default))
    case("read", client.read(table(client, "route")))


def _too_long(client):
    entity = route(client, "a000000/8")
    entity.table_entry.match[0].lpm.prefix_len = 33
    return entity


def wildcard_reads(world, case):
    client = primary(world)
    client.insert(neighbor(client))
    for priority in (5, 6):
        client.insert(line(client, priority))
    client.insert(route(client, "a000000/8"))
    case("all tables", client.read(everything()))
    case("unknown table", client.read(p4r.Entity(table_entry=p4r.TableEntry(table_id=5))))
    case("by priority", client.read(table(client, "spd_out", priority=5)))
    one = line(client, 5)
    case("one by match and priority", client.read(one))
    one.table_entry.priority = 0
    case("by match without priority", client.read(one))
    by_action = table(client, "spd_out")
    by_action.table_entry.action.CopyFrom(line(client, 5, "discard").table_entry.action)
    case("by action", client.read(by_action))
    case("two at once", client.read(table(client, "neighbor"), table(client, "route")))
    case("of an unknown kind", client.read(table(client, "neighbor"), p4r.Entity()))


def defaults(world, case):
    client = primary(world)
    constant = table(client, "route", is_default_action=True)
    constant.table_entry.action.CopyFrom(route(client, "a000000/8").table_entry.action)
    case("modify a constant one", client.modify(constant))
    case("modify", client.modify(passive_mode(client, "1")))
    case("read", client.read(table(client, "passive_mode", is_default_action=True)))
    case("read without saying default", client.read(table(client, "passive_mode")))
    case("read a constant one", client.read(table(client, "route", is_default_action=True)))
    case("insert", client.insert(passive_mode(client, "1")))
    case("delete", client.delete(passive_mode(client, "1")))
    reset = p4r.TableEntry(table_id=table_id(client, "passive_mode"), is_default_action=True)
    case("reset", client.modify(p4r.Entity(table_entry=reset)))
    case("read after reset", client.read(table(client, "passive_mode", is_default_action=True)))
    with_priority = passive_mode(client, "1")
    with_priority.table_entry.priority = 1
    case("with priority", client.modify(with_priority))
    not_default = passive_mode(client, "1")
    not_default.table_entry.is_default_action = False
    case("an entry for a table without key", client.insert(not_default))


def restriction(world, case):
    """@entry_restriction("crypto_map != 0")."""
    client = primary(world)
    entity = line(client, 9)
    entity.table_entry.match[0].exact.value = b"\0"
    case("broken", client.insert(entity))


def a_table_that_is_full(world, case):
    client = primary(world)

    def interface(number):
        return client.entity(
            insert="egress_interface",
            match={"interface_id": f"{number:x}"},
            action="set_egress_interface",
            params={"port": "1", "mtu": "5dc", "crypto_map": "0"},
        )

    case("512 of 512", client.write(*(insertion(interface(n)) for n in range(1, 513))))
    case("one more", client.insert(interface(513)))


def batches(world, case):
    client = primary(world)
    insert, again = insertion(neighbor(client)), insertion(neighbor(client))
    delete = p4r.Update(type=DELETE, entity=neighbor(client))
    case("empty", client.write())
    case("one of three fails", client.write(insert, again, delete))
    case("is the entry there", client.read(table(client, "neighbor")))
    case("in order", client.write(insert, delete, again))


def rollback(world, case):
    client = primary(world)
    insert = insertion(neighbor(client))
    case("rollback on error", client.write(insert, insert, atomicity=1))
    case("entries after it", client.read(table(client, "neighbor")))
    case("atomic", client.write(insert, atomicity=2))


def metadata(world, case):
    client = primary(world)
    entity = neighbor(client)
    entity.table_entry.metadata = b"note"
    case("insert", client.insert(entity))
    case("read", client.read(table(client, "neighbor")))
    case("modify without", client.modify(neighbor(client)))
    case("read without", client.read(table(client, "neighbor")))


def other_entities(world, case):
    client = primary(world)

    def written(name):
        entity = p4r.Entity()
        getattr(entity, name).SetInParent()
        return entity

    for name in ("action_profile_member", "action_profile_group", "register_entry",
                 "value_set_entry", "extern_entry"):  # fmt: skip
        case(f"insert {name}", client.insert(written(name)))
        case(f"modify {name}", client.modify(written(name)))
        case(f"read {name}", client.read(written(name)))
    case("insert nothing", client.insert(p4r.Entity()))
