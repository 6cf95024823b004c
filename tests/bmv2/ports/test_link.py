"""In-memory links."""

from __future__ import annotations

from bmv2.embedded.ports.link import MAX_WAITING, Wire, link


def test_frame_arrives_at_the_other_end_at_once():
    left, right = link((1, "left"), (2, "right"))
    seen = []
    right.on_receive = seen.append
    left.send(b"hello")
    assert seen == [b"hello"]
    left.on_receive = seen.append
    right.send(b"back")
    assert seen == [b"hello", b"back"]
    assert (left.number, left.name, right.number) == (1, "left", 2)


def test_loop_takes_turns_and_does_not_recurse():
    """Two switches that send each frame back would otherwise exhaust the stack."""
    left, right = link((1, "left"), (2, "right"))
    bounces = 0

    def bounce(port, frame):
        nonlocal bounces
        bounces += 1
        if bounces < 100_000:
            port.send(frame)

    left.on_receive = lambda frame: bounce(left, frame)
    right.on_receive = lambda frame: bounce(right, frame)
    left.send(b"x")
    assert bounces == 100_000


def test_order_is_kept_across_the_links_of_a_network():
    wire = Wire()
    left, middle = link((1, "a"), (1, "b"), wire)
    onward, right = link((2, "b"), (1, "c"), wire)
    seen = []
    middle.on_receive = lambda frame: (onward.send(frame), onward.send(frame + b"'"))
    right.on_receive = seen.append
    left.send(b"1")
    left.send(b"2")
    assert seen == [b"1", b"1'", b"2", b"2'"]


def test_storm_is_bounded_and_counted():
    left, right = link((1, "left"), (2, "right"))
    started = False

    def storm(frame):
        nonlocal started
        if not started:
            started = True
            for _ in range(MAX_WAITING + 5):
                right.send(frame)

    right.on_receive = storm
    left.send(b"x")
    assert right.send_failures == 5


def test_closed_link_drops_at_both_ends():
    left, right = link((1, "left"), (2, "right"))
    seen = []
    right.on_receive = left.on_receive = seen.append
    left.close()
    left.close()
    left.send(b"x")
    right.send(b"x")
    assert not seen
    assert (left.send_failures, right.send_failures) == (1, 1)


def test_frame_under_way_is_lost_when_its_port_closes():
    wire = Wire()
    left, right = link((1, "left"), (2, "right"), wire)
    seen = []

    def first(frame):
        seen.append(frame)
        right.close()

    right.on_receive = first
    wire_user, trigger = link((3, "c"), (4, "d"), wire)
    trigger.on_receive = lambda _: (left.send(b"1"), left.send(b"2"))
    wire_user.send(b"go")
    assert seen == [b"1"]


def test_exception_of_a_receiver_does_not_block_the_wire():
    left, right = link((1, "left"), (2, "right"))
    seen = []

    def fail(frame):
        if frame == b"bad":
            raise ValueError
        seen.append(frame)

    right.on_receive = fail
    try:
        left.send(b"bad")
    except ValueError:
        left.send(b"good")
    assert seen == [b"good"]
