"""Digests, idle timeouts, packets (specification §9.9, §9.1.8, §16)."""

import json

from finsy.proto import p4r

from tests.conformance.p4runtime.client import Client, primary
from tests.conformance.p4runtime.requests import destination, table
from tests.conformance.trace.files import traces

ACK_TIMEOUT = 10**9  # nanoseconds
CLEAR = "passive_mode/test_clear"  # its frame makes a report


def digest(client, **config):
    entity = p4r.Entity()
    entity.digest_entry.digest_id = client.p4info.digests[0].preamble.id
    for name, value in config.items():
        setattr(entity.digest_entry.config, name, value)
    return entity


def set_up(client):
    """Do what the trace `CLEAR` does; return port and frame that come after it."""
    for text in traces()[CLEAR].read_text().splitlines():
        event = json.loads(text)
        if "port" in event:
            return event["port"], bytes.fromhex(event["frame"])
        kind, entity = client.notation.update(event)
        assert client.write(p4r.Update(type=kind, entity=entity)) == "OK"
    raise ValueError(f"{CLEAR} has no frame")


def digest_entries(world, case):
    client = primary(world)
    case("modify before insert", client.modify(digest(client, max_list_size=1)))
    case("read before insert", client.read(digest(client)))
    config = {"max_list_size": 10, "max_timeout_ns": 10**8, "ack_timeout_ns": ACK_TIMEOUT}
    case("insert", client.insert(digest(client, **config)))
    case("insert again", client.insert(digest(client, max_list_size=1)))
    case("read", client.read(digest(client)))
    case("modify", client.modify(digest(client, max_list_size=2)))
    case("read modified", client.read(digest(client)))
    case("delete", client.delete(digest(client)))
    case("delete again", client.delete(digest(client)))
    case("insert without config", client.insert(digest(client)))
    case("negative timeout", client.modify(digest(client, max_timeout_ns=-1)))
    all_of_them = p4r.Entity()
    all_of_them.digest_entry.SetInParent()
    case("read all", client.read(all_of_them))
    unknown = p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=1))
    case("insert an unknown one", client.insert(unknown))
    case("read an unknown one", client.read(unknown))


def reports(world, case):
    """A report is not sent twice while it is not acknowledged."""
    client = primary(world)
    port, frame = set_up(client)
    world.inject(port, frame)
    case("not configured", client.messages())
    client.insert(digest(client, max_list_size=1, ack_timeout_ns=ACK_TIMEOUT))
    world.inject(port, frame)
    received = client.raw_messages()
    case("configured", len(received))
    world.inject(port, frame)
    case("the same, not acknowledged", client.messages())
    (message,) = received
    ack = p4r.DigestListAck(digest_id=message.digest.digest_id, list_id=message.digest.list_id)
    case("acknowledged", client.stream(p4r.StreamMessageRequest(digest_ack=ack)))
    world.inject(port, frame)
    case("the same, acknowledged", client.messages())
    client.messages(4.0)
    world.inject(port, frame)
    case("the same, acknowledged too late", client.messages())
    case("acknowledged twice", client.stream(p4r.StreamMessageRequest(digest_ack=ack)))
    unknown = p4r.DigestListAck(digest_id=1, list_id=1)
    case("unknown digest", client.stream(p4r.StreamMessageRequest(digest_ack=unknown)))


def reports_in_lists(world, case):
    """Two different reports in one list, when it is full; one, when its time is over."""
    client = primary(world)
    port, frame = set_up(client)
    config = {"max_list_size": 2, "max_timeout_ns": 2 * 10**9, "ack_timeout_ns": 60 * 10**9}
    client.insert(digest(client, **config))
    world.inject(port, frame)
    case("one of two", client.messages())
    world.inject(port, _to(frame, 5))
    case("two of two", client.messages())
    world.inject(port, _to(frame, 6))
    case("one of two, when its time is over", client.messages(7.0))


def _to(frame, host):
    """Send it to another host of its destination's network."""
    header = frame[14:24] + b"\0\0" + frame[26:33] + bytes([host])
    return frame[:14] + header[:10] + _checksum(header) + header[12:] + frame[34:]


def _checksum(header):
    total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def reports_after_the_controller_died(world, case):
    client = primary(world)
    port, frame = set_up(client)
    client.insert(digest(client, max_list_size=1, ack_timeout_ns=ACK_TIMEOUT))
    world.inject(port, frame)
    client.messages()
    client.close()
    late = Client(world, election_id=2)
    late.arbitrate()
    world.inject(port, frame)
    case("the same to the next controller", late.messages())
    late.messages(4.0)
    world.inject(port, frame)
    case("the same, later", late.messages())


def reports_between_save_and_commit(world, case):
    client = primary(world)
    port, frame = set_up(client)
    client.insert(digest(client, max_list_size=1))
    client.push("VERIFY_AND_SAVE")
    world.inject(port, frame)
    case("configured before", client.messages())
    case("read its configuration", client.read(digest(client)))


def idle(world, case):
    client = primary(world)
    case("insert", client.insert(destination(client, 600_000_000)))
    case("read", client.read(table(client, "clear_destinations")))
    case("no hit", client.messages(2.5)[:1])
    hit = table(client, "clear_destinations")
    hit.table_entry.time_since_last_hit.SetInParent()
    case("time since last hit is given", "elapsed_ns" in client.read(hit)[0])
    without = table(client, "neighbor")
    without.table_entry.time_since_last_hit.SetInParent()
    case("of a table that has none", client.read(without))
    case("modify to none", client.modify(destination(client)))
    client.messages(2.5)
    case("no more", client.messages(2.5))
    case("negative", client.modify(destination(client, -1)))


def idle_again(world, case):
    client = primary(world)
    client.insert(destination(client, 600_000_000))
    case("more than once in 7 s", len(client.messages(7.0)) > 1)


def idle_of_deleted(world, case):
    client = primary(world)
    client.insert(destination(client, 600_000_000))
    client.delete(destination(client))
    case("deleted", client.messages(3.0))


def idle_between_save_and_commit(world, case):
    client = primary(world)
    client.insert(destination(client, 600_000_000))
    client.push("VERIFY_AND_SAVE")
    case("of an entry from before", client.messages(3.0)[:1])
    client.insert(destination(client, 600_000_000))
    case("of an entry from between", client.messages(3.0)[:1])


def packet(client, payload=b"x" * 20, **metadata):
    message = p4r.StreamMessageRequest()
    message.packet.payload = payload
    for name, value in metadata.items():
        message.packet.metadata.add(metadata_id=int(name[1:]), value=value)
    return client.stream(message)


def packets_out(world, case):
    client = primary(world)
    case("well-formed", packet(client, _1=b"\1", _2=b"\1", _3=b"\0"))
    case("leading zeros", packet(client, _1=b"\0\0\1", _2=b"\1", _3=b"\0"))
    case("unknown metadata", packet(client, _9=b"\1"))
    case("no metadata", packet(client))
    case("metadata too wide", packet(client, _1=b"\1\0\0", _2=b"\1", _3=b"\0"))
    case("empty metadata", packet(client, _1=b"", _2=b"\1", _3=b"\0"))
    case("message is not set", client.stream(p4r.StreamMessageRequest()))
    backup = Client(world, election_id=0)
    backup.arbitrate()
    case("from a backup", packet(backup, _1=b"\1", _2=b"\1", _3=b"\0"))
    stranger = Client(world)
    case("before arbitration", packet(stranger, _1=b"\1", _2=b"\1", _3=b"\0"))


def packets_in(world, case):
    """To the primary only."""
    client = primary(world)
    backup = Client(world, election_id=0)
    backup.arbitrate()
    interface = client.entity(
        insert="ingress_interface",
        match={"port": "1"},
        action="set_ingress_interface",
        params={"interface_id": "1", "mac_address": "20000000001", "crypto_map": "0"},
    )
    client.insert(interface)
    world.inject(1, b"\xff" * 6 + b"\2\0\0\0\1\1" + b"\x08\x06" + bytes(28))
    case("to the primary", client.messages())
    case("to a backup", backup.messages())
