"""Counters, meters and packet replication (specification §9.3 to §9.5)."""

from finsy.proto import p4r

from tests.conformance.p4runtime.client import primary
from tests.conformance.p4runtime.requests import array_id, destination, neighbor, table_id


def counter(client, index=None, packets=None, name="drop_counter"):
    entry = p4r.CounterEntry(counter_id=array_id(client, "counters", name))
    if index is not None:
        entry.index.index = index
    if packets is not None:
        entry.data.packet_count, entry.data.byte_count = packets, 10 * packets
    return p4r.Entity(counter_entry=entry)


def meter(client, index=None, rates=None):
    entry = p4r.MeterEntry(meter_id=array_id(client, "meters", "report_meter"))
    if index is not None:
        entry.index.index = index
    if rates is not None:
        config = entry.config
        config.cir, config.cburst, config.pir, config.pburst = rates
    return p4r.Entity(meter_entry=entry)


def counters(world, case):
    client = primary(world)
    case("read a cell", client.read(counter(client, 3)))
    case("read all cells", len(client.read(counter(client))))
    everything = p4r.Entity()
    everything.counter_entry.SetInParent()
    found = client.read(everything)
    case("read all counters", found if isinstance(found, str) else len(found))
    case("modify", client.modify(counter(client, 3, 9)))
    case("read modified", client.read(counter(client, 3)))
    case("delete", client.delete(counter(client, 3)))
    case("read deleted", client.read(counter(client, 3)))
    case("insert", client.insert(counter(client, 3, 9)))
    case("modify all cells", client.modify(counter(client, None, 0)))
    case("read beyond the end", client.read(counter(client, 64)))
    case("read before the beginning", client.read(counter(client, -1)))
    case("modify beyond the end", client.modify(counter(client, 99, 1)))
    unknown = p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=1))
    case("read an unknown one", client.read(unknown))
    case("modify an unknown one", client.modify(unknown))


def direct_counters(world, case):
    client = primary(world)
    client.insert(destination(client))

    def of(entity, packets=None):
        asked = entity.table_entry
        entry = p4r.TableEntry(table_id=asked.table_id, match=asked.match)
        direct = p4r.DirectCounterEntry(table_entry=entry)
        if packets is not None:
            direct.data.packet_count, direct.data.byte_count = packets, 10 * packets
        return p4r.Entity(direct_counter_entry=direct)

    whole = p4r.Entity()
    whole.table_entry.table_id = table_id(client, "clear_destinations")
    nothing = p4r.Entity()
    case("read those of a table", client.read(of(whole)))
    case("read those of all tables", client.read(of(nothing)))
    case("modify", client.modify(of(destination(client), 3)))
    case("read one", client.read(of(destination(client))))
    with_data = p4r.Entity(table_entry=whole.table_entry)
    with_data.table_entry.counter_data.SetInParent()
    case("read with the entries", client.read(with_data))
    case("insert", client.insert(of(destination(client), 3)))
    case("delete", client.delete(of(destination(client))))
    case("read deleted", client.read(of(destination(client))))
    case("of an entry that is not there", client.read(of(destination(client, packet_type="6"))))
    client.insert(neighbor(client))
    case("of a table that has none", client.read(of(neighbor(client))))
    counted = destination(client, packet_type="7")
    counted.table_entry.counter_data.packet_count = 4
    case("insert an entry with counts", client.insert(counted))
    case("read its counts", client.read(of(counted)))
    uncounted = neighbor(client, "2")
    uncounted.table_entry.counter_data.packet_count = 4
    case("modify an entry that has no counter", client.modify(uncounted))


def meters(world, case):
    client = primary(world)
    case("modify", client.modify(meter(client, 1, (10, 20, 30, 40))))
    case("read", client.read(meter(client, 1)))
    case("read all cells", client.read(meter(client)))
    case("without config", client.modify(meter(client, 1)))
    case("read without config", client.read(meter(client, 1)))
    case("insert", client.insert(meter(client, 1, (10, 20, 30, 40))))
    case("delete", client.delete(meter(client, 1, (10, 20, 30, 40))))
    case("beyond the end", client.modify(meter(client, 99, (10, 20, 30, 40))))
    case("read beyond the end", client.read(meter(client, 99)))
    case("all cells", client.modify(meter(client, None, (10, 20, 30, 40))))
    unknown = p4r.Entity(meter_entry=p4r.MeterEntry(meter_id=1))
    case("an unknown one", client.modify(unknown))


def illegal_rates(world, case):
    client = primary(world)
    case("peak below committed", client.modify(meter(client, 1, (10, 20, 5, 40))))
    case("peak burst below committed", client.modify(meter(client, 1, (10, 50, 30, 40))))
    case("negative", client.modify(meter(client, 1, (-1, 20, 30, 40))))
    case("all -1", client.modify(meter(client, 1, (-1, -1, -1, -1))))
    case("burst of 33 bits", client.modify(meter(client, 1, (10, 2**32, 30, 2**32))))


def group(number, *ports):
    entity = p4r.Entity()
    entry = entity.packet_replication_engine_entry.multicast_group_entry
    entry.multicast_group_id = number
    for port in ports:
        entry.replicas.add(egress_port=port, instance=1)
    return entity


def session(number, *ports):
    entity = p4r.Entity()
    entry = entity.packet_replication_engine_entry.clone_session_entry
    entry.session_id = number
    for port in ports:
        entry.replicas.add(egress_port=port, instance=1)
    return entity


def replication(world, case):
    client = primary(world)
    for name, make in (("group", group), ("session", session)):
        case(f"modify a {name} that is not there", client.modify(make(2, 1)))
        case(f"delete a {name} that is not there", client.delete(make(2)))
        case(f"insert {name} 0", client.insert(make(0, 1)))
        case(f"read all {name}s", client.read(make(0)))
        case(f"insert a {name}", client.insert(make(1, 1)))
        case(f"read a {name}", client.read(make(1)))
    case("insert a group beyond the limit", client.insert(group(1 << 15, 1)))
    unset = p4r.Entity()
    unset.packet_replication_engine_entry.SetInParent()
    case("insert an unset entry", client.insert(unset))
