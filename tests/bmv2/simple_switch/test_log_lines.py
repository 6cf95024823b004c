"""bmv2's output in our log."""

import logging

import pytest

from bmv2.simple_switch.log_lines import KEPT_LINES, LINES_PER_SECOND, MAX_BURST, LogLines


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(clock, caplog):
    caplog.set_level(logging.DEBUG)
    return LogLines(clock)


def test_levels(lines, caplog):
    lines.take("[09:22:02.416] [bmv2] [E] [thread 6289] Add port operation failed")
    lines.take("[09:22:02.417] [bmv2] [W] [thread 6289] [P4Runtime] careful")
    lines.take("[09:22:02.418] [bmv2] [I] said")
    lines.take("Server listening on 127.0.0.1:9559")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "bmv2: Add port operation failed"),
        ("WARNING", "bmv2: [P4Runtime] careful"),
        ("INFO", "bmv2: said"),
        ("INFO", "bmv2: Server listening on 127.0.0.1:9559"),
    ]


def test_malformed_packets_do_not_flood_the_log(lines, clock, caplog):
    line = "[09:22:02.300] [bmv2] [E] [thread 1] [1.1] [cxt 0] Exception while parsing: NoMatch"
    for _ in range(10_000):
        lines.take(line)
    assert len(caplog.records) == MAX_BURST
    clock.now += 1 / LINES_PER_SECOND
    lines.take("[09:22:03.300] [bmv2] [I] [thread 1] after")
    left_out, after = [record.getMessage() for record in caplog.records[MAX_BURST:]]
    assert left_out == f"bmv2: {10_000 - MAX_BURST} more lines were left out"
    assert after == "bmv2: after"
    assert len(lines.last) == KEPT_LINES


def test_why_the_extern_was_not_loaded_is_noted_even_in_a_flood(lines):
    for _ in range(MAX_BURST):
        lines.take("x")
    assert lines.module_error is None
    lines.take("WARNING: Skipping module: /a/e.so: /a/e.so: undefined symbol: _ZN2bm")
    assert lines.module_error == "/a/e.so: undefined symbol: _ZN2bm"


def test_the_port_that_failed_is_named(lines):
    lines.take("Adding interface veth1 as port 1")
    lines.take("Adding interface veth2 as port 2")
    lines.take("[09:24:55.975] [bmv2] [E] [thread 16746] Add port operation failed")
    lines.take("Adding interface veth3 as port 3")
    assert lines.failed_port == "2=veth2"
