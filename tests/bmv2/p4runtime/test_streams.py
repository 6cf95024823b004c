"""What goes over the stream: packets, digests, idle timeouts, errors (specification §9.9, §16)."""

from __future__ import annotations

import pytest
from finsy.proto import p4r
from google.protobuf import text_format

from bmv2.embedded.p4runtime import digests, outbox
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, WriteError
from bmv2.embedded.p4runtime.outbox import MAX_BYTES, MAX_MESSAGES

DIGEST = 386453693
PACKET_IN_HEADER = bytes.fromhex("04 0001 0002 0003 c0000201")


def packet_out(payload: bytes, **metadata: bytes) -> p4r.StreamMessageRequest:
    """Metadata as ``_1=b"..."``."""
    message = p4r.StreamMessageRequest()
    message.packet.payload = payload
    for name, value in metadata.items():
        message.packet.metadata.add(metadata_id=int(name.removeprefix("_")), value=value)
    return message


def error_code(session) -> tuple[Code, str]:
    """The code of the one error that waits, and what it is about."""
    (message,) = session.drain()
    return Code(message.error.canonical_code), message.error.WhichOneof("details")


def test_packet_out_is_injected_with_its_header(bench):
    bench.session.receive(packet_out(b"frame", _1=b"\x01\x02", _2=b"\x01", _3=b"\x00"))
    bench.session.receive(packet_out(b"f", _1=b"\x00\x00\x07", _3=b"\x7f"))
    bench.session.receive(packet_out(b""))
    assert bench.datapath.injected == [
        (510, b"\x01\x02\x80frame"),
        (510, b"\x00\x07\x7ff"),
        (510, b"\x00\x00\x00"),
    ]
    assert bench.session.drain() == []


@pytest.mark.parametrize(
    "metadata",
    [{"_9": b"\x01"}, {"_1": b"\x01\x00\x00"}, {"_2": b"\x02"}, {"_1": b""}],
)
def test_packet_out_with_bad_metadata_is_dropped_and_reported(bench, metadata):
    message = packet_out(b"frame", **metadata)
    bench.session.receive(message)
    assert bench.datapath.injected == []
    (reply,) = bench.session.drain()
    assert reply.error.canonical_code == Code.INVALID_ARGUMENT
    assert reply.error.packet_out.packet_out == message.packet


def test_packet_out_with_a_field_twice_or_too_long(bench):
    message = packet_out(b"frame", _1=b"\x01")
    message.packet.metadata.add(metadata_id=1, value=b"\x01")
    bench.session.receive(message)
    assert error_code(bench.session) == (Code.INVALID_ARGUMENT, "packet_out")
    bench.session.receive(packet_out(bytes(65536)))
    assert error_code(bench.session) == (Code.INVALID_ARGUMENT, "packet_out")
    assert bench.datapath.injected == []


def test_packet_out_of_a_backup_is_dropped_and_reported(bench):
    backup = bench.connect(1)
    backup.drain()
    backup.receive(packet_out(b"frame"))
    assert error_code(backup) == (Code.PERMISSION_DENIED, "packet_out")
    stranger = bench.service.open_session()
    stranger.receive(packet_out(b"frame"))
    assert error_code(stranger) == (Code.PERMISSION_DENIED, "packet_out")
    assert bench.datapath.injected == []


def test_packet_out_before_a_pipeline(p4info, make_bench):
    bench = make_bench(p4info)
    bench.session.drain()
    bench.session.receive(packet_out(b"frame"))
    assert error_code(bench.session) == (Code.FAILED_PRECONDITION, "packet_out")


def test_messages_that_are_not_known(bench):
    message = p4r.StreamMessageRequest()
    bench.session.receive(message)
    assert error_code(bench.session) == (Code.INVALID_ARGUMENT, None)
    message.other.type_url = "x"
    bench.session.receive(message)
    assert error_code(bench.session) == (Code.UNIMPLEMENTED, "other")


def test_packet_in_goes_to_the_primary_of_each_role(bench):
    backup, other = bench.connect(1), bench.connect(1, role="other")
    backup.drain(), other.drain()
    bench.datapath.on_cpu_packet(PACKET_IN_HEADER + b"inner")
    for session in (bench.session, other):
        (message,) = session.drain()
        assert message.packet.payload == b"inner"
        assert [(m.metadata_id, m.value) for m in message.packet.metadata] == [
            (1, b"\x04"), (2, b"\x01"), (3, b"\x02"), (4, b"\x03"), (5, b"\xc0\x00\x02\x01"),
        ]  # fmt: skip
    assert backup.drain() == []


def test_packet_in_that_nobody_takes_is_counted(bench):
    bench.datapath.on_cpu_packet(PACKET_IN_HEADER[:-1])
    assert bench.service.packet_ins_dropped == 1
    bench.session.close()
    bench.datapath.on_cpu_packet(PACKET_IN_HEADER)
    assert bench.service.packet_ins_dropped == 2


def test_queue_of_a_stream_is_bounded_and_the_newest_are_dropped(bench):
    for number in range(MAX_MESSAGES + 10):
        bench.datapath.on_cpu_packet(PACKET_IN_HEADER + number.to_bytes(2, "big"))
    assert bench.session.outbox.dropped == 10
    assert bench.service.packet_ins_dropped == 10
    payloads = [m.packet.payload for m in bench.session.drain()]
    assert payloads == [n.to_bytes(2, "big") for n in range(MAX_MESSAGES)]
    bench.datapath.on_cpu_packet(PACKET_IN_HEADER)
    assert len(bench.session.drain()) == 1


def test_queue_of_a_stream_is_bounded_in_bytes(bench):
    for _ in range(MAX_MESSAGES):
        bench.datapath.on_cpu_packet(PACKET_IN_HEADER + bytes(60000))
    assert sum(m.ByteSize() for m in bench.session.drain()) <= MAX_BYTES
    assert bench.session.outbox.dropped > 0


def test_full_queue_does_not_hide_a_change_of_primary(bench):
    for _ in range(MAX_MESSAGES):
        bench.datapath.on_cpu_packet(PACKET_IN_HEADER)
    bench.connect(99)
    assert bench.session.drain()[-1].arbitration.status.code == Code.ALREADY_EXISTS


# Digests


def configure(bench, kind="INSERT", size=0, timeout_s=0.0, ack_s=0.0, digest_id=DIGEST):
    entry = p4r.DigestEntry(digest_id=digest_id)
    entry.config.max_list_size = size
    entry.config.max_timeout_ns = int(timeout_s * 1e9)
    entry.config.ack_timeout_ns = int(ack_s * 1e9)
    bench.write(p4r.Update(type=kind, entity=p4r.Entity(digest_entry=entry)))


def report(bench, number: int) -> None:
    bench.datapath.on_digest("clear_report_t", (1, number, 0, 0, 0))


def lists(bench) -> list[tuple[int, list[int]]]:
    """Id and destinations of each digest list that waits."""
    found = []
    for message in bench.session.drain():
        assert message.digest.digest_id == DIGEST
        numbers = [
            int.from_bytes(d.struct.members[1].bitstring, "big") for d in message.digest.data
        ]
        found.append((message.digest.list_id, numbers))
    return found


def acknowledge(bench, list_id: int, digest_id: int = DIGEST) -> None:
    message = p4r.StreamMessageRequest()
    message.digest_ack.digest_id = digest_id
    message.digest_ack.list_id = list_id
    bench.session.receive(message)


def test_digest_that_is_not_configured_is_dropped(bench):
    report(bench, 1)
    assert lists(bench) == []
    configure(bench, size=1)
    configure(bench, "DELETE")
    report(bench, 1)
    assert lists(bench) == []


def test_digest_without_delay_is_sent_at_once(bench):
    configure(bench)
    bench.now = 42
    bench.datapath.on_digest("clear_report_t", (1, 0xC0000201, 2, 3, 1))
    (message,) = bench.session.drain()
    assert message.digest.timestamp == 42
    (data,) = message.digest.data
    assert [m.bitstring for m in data.struct.members] == [
        b"\x01", b"\xc0\x00\x02\x01", b"\x02", b"\x03", b"\x01",
    ]  # fmt: skip
    report(bench, 1)
    report(bench, 1)
    assert lists(bench) == [(2, [1]), (3, [1])]


def test_list_is_sent_when_it_is_full(bench):
    configure(bench, size=3, timeout_s=60)
    for number in (1, 2, 1, 2):
        report(bench, number)
    assert lists(bench) == []
    report(bench, 3)
    assert lists(bench) == [(1, [1, 2, 3])]


def test_list_is_sent_when_its_first_message_has_waited_long_enough(bench):
    configure(bench, size=10, timeout_s=1)
    report(bench, 1)
    assert bench.service.next_deadline_ns() == bench.now + 10**9
    bench.advance(0.6)
    report(bench, 2)
    bench.advance(0.3)
    assert lists(bench) == []
    bench.advance(0.1)
    assert lists(bench) == [(1, [1, 2])]
    assert bench.service.next_deadline_ns() is None


def test_message_is_not_repeated_until_its_list_is_acknowledged(bench):
    configure(bench, size=1, ack_s=60)
    report(bench, 1)
    report(bench, 2)
    report(bench, 1)
    assert lists(bench) == [(1, [1]), (2, [2])]
    acknowledge(bench, 1)
    acknowledge(bench, 1)
    acknowledge(bench, 77)
    report(bench, 1)
    report(bench, 2)
    assert lists(bench) == [(3, [1])]


def test_message_is_repeated_when_the_acknowledgement_is_late(bench):
    configure(bench, size=1, ack_s=2)
    report(bench, 1)
    bench.advance(1.9)
    report(bench, 1)
    assert lists(bench) == [(1, [1])]
    assert bench.service.next_deadline_ns() == bench.now + 10**8
    bench.advance(0.1)
    report(bench, 1)
    assert lists(bench) == [(2, [1])]


def test_new_primary_hears_of_what_the_old_one_did_not_acknowledge(bench):
    configure(bench, size=1, ack_s=60)
    report(bench, 1)
    bench.session.drain()
    successor = bench.connect(11)
    successor.drain()
    report(bench, 1)
    assert len(successor.drain()) == 1


def test_message_that_could_not_be_sent_is_not_remembered(bench):
    configure(bench, size=1, ack_s=60)
    bench.session.close()
    report(bench, 1)
    bench.session = bench.connect(10)
    bench.session.drain()
    report(bench, 1)
    assert lists(bench) == [(2, [1])]


def test_memory_for_digests_is_bounded(bench, monkeypatch):
    monkeypatch.setattr(digests, "MAX_UNACKNOWLEDGED", 5)
    configure(bench, size=2, timeout_s=60, ack_s=60)
    for number in range(10):
        report(bench, number)
    assert len(lists(bench)) == 5
    report(bench, 9), report(bench, 0), report(bench, 1)
    assert lists(bench) == [(6, [0, 1])]


def test_list_without_a_limit_has_one_anyway(bench):
    configure(bench, timeout_s=60)
    for number in range(digests.MAX_LIST_SIZE + 1):
        report(bench, number)
    assert [len(numbers) for _, numbers in lists(bench)] == [digests.MAX_LIST_SIZE]


def test_digest_configuration(bench):
    def read():
        entity = p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=DIGEST))
        return bench.read(entity)[0].digest_entry.config

    def code(kind, **options):
        with pytest.raises(WriteError) as failure:
            configure(bench, kind, **options)
        return failure.value.errors[0].code

    with pytest.raises(P4RuntimeError) as failure:
        read()
    assert failure.value.code is Code.NOT_FOUND
    assert code("MODIFY") is code("DELETE") is Code.NOT_FOUND
    configure(bench, size=5, timeout_s=1, ack_s=2)
    assert (read().max_list_size, read().max_timeout_ns, read().ack_timeout_ns) == (
        5, 10**9, 2 * 10**9,
    )  # fmt: skip
    assert code("INSERT") is Code.ALREADY_EXISTS
    configure(bench, "MODIFY", size=7)
    assert (read().max_list_size, read().max_timeout_ns) == (7, 0)
    assert code("MODIFY", size=-1) is Code.INVALID_ARGUMENT
    assert code("UNSPECIFIED") is Code.INVALID_ARGUMENT
    assert code("INSERT", digest_id=5) is Code.NOT_FOUND
    for digest_id, expected in ((0, Code.UNIMPLEMENTED), (5, Code.NOT_FOUND)):
        with pytest.raises(P4RuntimeError) as failure:
            bench.read(p4r.Entity(digest_entry=p4r.DigestEntry(digest_id=digest_id)))
        assert failure.value.code is expected


def test_bad_acknowledgements_are_reported(bench):
    acknowledge(bench, 1, digest_id=5)
    assert error_code(bench.session) == (Code.INVALID_ARGUMENT, "digest_list_ack")
    bench.session = bench.connect(1)
    bench.session.drain()
    acknowledge(bench, 1)
    assert error_code(bench.session) == (Code.PERMISSION_DENIED, "digest_list_ack")


# Idle timeouts


def destination(number: int, timeout_s: float, kind: str = "INSERT", more: str = "") -> p4r.Update:
    entry = text_format.Parse(
        "table_id: 0x02000023 action { action { action_id: 0x01000027 } }" + more, p4r.TableEntry()
    )
    entry.match.add(field_id=1).exact.value = b"\x01"
    entry.match.add(field_id=2).exact.value = bytes([number])
    entry.idle_timeout_ns = int(timeout_s * 1e9)
    return p4r.Update(type=kind, entity=p4r.Entity(table_entry=entry))


def stored(bench, number: int):
    table = bench.datapath.program.tables["RouterIngress.no_sa.clear_destinations"]
    return table.get(((1, 0), (number, 0)), 0)


def idle(bench) -> list[list[int]]:
    """The destinations of each notification that waits."""
    return [
        [e.match[1].exact.value[0] for e in m.idle_timeout_notification.table_entry]
        for m in bench.session.drain()
    ]


def test_idle_entry_is_reported_with_what_identifies_it(bench):
    bench.write(destination(1, 2, more="metadata: 'm' controller_metadata: 3"))
    bench.advance(1.999)
    assert idle(bench) == []
    bench.advance(0.001)
    (message,) = bench.session.drain()
    notice = message.idle_timeout_notification
    assert notice.timestamp == bench.now
    expected = destination(1, 2, more="metadata: 'm' controller_metadata: 3").entity.table_entry
    expected.ClearField("action")
    assert list(notice.table_entry) == [expected]


def test_hit_postpones_the_report(bench):
    bench.write(destination(1, 2))
    bench.advance(1.5)
    stored(bench, 1).last_hit_ns = bench.now
    bench.advance(1.9)
    assert idle(bench) == []
    assert bench.service.next_deadline_ns() == bench.now + 10**8
    bench.advance(0.1)
    assert idle(bench) == [[1]]


def test_entry_that_stays_idle_is_reported_again_after_another_timeout(bench):
    """§16.4: notifications may be lost, so they are repeated."""
    bench.write(destination(1, 2))
    bench.advance(2.5)
    bench.advance(1.9)
    assert idle(bench) == [[1]]
    bench.advance(0.1)
    assert idle(bench) == [[1]]


def test_entries_that_are_idle_together_share_a_message(bench):
    bench.write(*(destination(n, 1 + n / 1000) for n in range(1, 6)), destination(9, 100))
    bench.advance(2)
    assert [sorted(numbers) for numbers in idle(bench)] == [[1, 2, 3, 4, 5]]


def test_deleted_and_changed_entries_are_not_reported(bench):
    bench.write(*(destination(n, 1) for n in range(1, 5)))
    bench.write(
        destination(1, 1, "DELETE"), destination(2, 0, "MODIFY"), destination(3, 5, "MODIFY")
    )
    bench.advance(1)
    assert idle(bench) == [[4]]
    bench.write(destination(4, 1, "DELETE"), destination(1, 3))
    bench.advance(3)
    assert idle(bench) == [[1]]
    bench.write(destination(1, 3, "DELETE"))
    bench.advance(1)
    assert idle(bench) == [[3]]


def test_shorter_timeout_counts_from_the_last_hit(bench):
    bench.write(destination(1, 100))
    bench.advance(5)
    bench.write(destination(1, 3, "MODIFY"))
    assert bench.service.next_deadline_ns() <= bench.now
    bench.advance(0)
    assert idle(bench) == [[1]]


def test_no_timers_are_left_behind_by_entries_that_come_and_go(bench):
    for _ in range(300):
        bench.write(destination(1, 3600))
        bench.write(destination(1, 3600, "DELETE"))
    timers = bench.service._pipelines.active.idle
    assert len(timers._heap) <= 128
    assert bench.service.next_deadline_ns() is None


def test_time_since_last_hit_is_read_only_if_asked_for(bench):
    bench.write(destination(1, 0))
    bench.advance(3)
    request = p4r.TableEntry(table_id=0x02000023)
    assert not bench.read(p4r.Entity(table_entry=request))[0].table_entry.HasField(
        "time_since_last_hit"
    )
    request.time_since_last_hit.SetInParent()
    (found,) = bench.read(p4r.Entity(table_entry=request))
    assert found.table_entry.time_since_last_hit.elapsed_ns == 3 * 10**9


def test_pipeline_that_is_replaced_reports_nothing_more(bench):
    bench.write(destination(1, 1))
    bench.set_pipeline()
    bench.advance(2)
    assert idle(bench) == []
    assert bench.service.next_deadline_ns() is None


def test_outbox_calls_its_owner_for_each_message():
    calls = []
    box = outbox.Outbox(lambda: calls.append(len(box)))
    box.put(p4r.StreamMessageResponse())
    box.put(p4r.StreamMessageResponse())
    assert calls == [1, 2]
