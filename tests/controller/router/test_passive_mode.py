"""PM-1 to PM-10 through the P4 program, real IKE and injected time."""

import itertools

import pytest

from controller.p4runtime.enums import DropReason
from tests.simulation.topology import Sites, site

SENT = "Unencrypted traffic is sent to "
RECEIVED = "Unencrypted traffic is received from "
BECAUSE = " because crypto optional is configured"


class TestOff:
    """PM-1: passive mode is off by default."""

    @pytest.fixture
    def off(self, sites) -> Sites:
        return sites(site(1, peers={2: [], 3: []}), site(2, peers={1: []}), site(3))

    def test_pm1_without_an_sa_packets_drop_forever_and_ike_is_attempted(self, off):
        for _ in range(60):
            assert not off.exchange(1, 3)
            off.run(9.9)
        assert off.core.count("clear") == 0
        assert off.core.count("ike") > 10
        assert off.routers[1].sent_clear() == 0

    def test_pm1_attempts_go_on_as_long_as_there_is_traffic(self, off):
        off.send(1, 3)
        off.run(600)
        quiet_since = off.now
        off.run(600)
        assert off.core.count("ike", since=quiet_since) == 0
        off.send(1, 3)
        off.run(1)
        assert off.core.count("ike", since=quiet_since) > 0

    def test_pm1_clear_inbound_that_should_be_protected_drops(self, off):
        before = off.routers[1].drops(DropReason.CLEAR_NOT_ALLOWED)
        assert not off.exchange(3, 1)
        assert off.routers[1].drops(DropReason.CLEAR_NOT_ALLOWED) == before + 1

    def test_pm1_a_peer_with_ipsec_is_reached_encrypted(self, off):
        off.send(1, 2)
        off.run(1)
        assert off.exchange(1, 2)
        assert off.core.count("esp") > 0
        assert off.core.count("clear") == 0


class TestHold:
    """PM-2 and PM-3: ten seconds from the first packet of a packet type."""

    def test_pm2_drops_for_ten_seconds_and_attempts_ike(self, migration):
        start = migration.now
        while migration.now < start + 9.8:
            assert not migration.exchange(1, 3)
        assert migration.core.count("clear") == 0
        assert migration.core.count("ike") > 0

    def test_pm2_every_dropped_packet_counts_for_its_packet_type(self, migration):
        for _ in range(20):
            migration.send(1, 3)
            migration.run(0.1)
        assert migration.routers[1].counter("RouterIngress.no_sa.hold_counter", 2) == 20

    def test_pm3_forwards_in_the_clear_after_ten_seconds(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        assert migration.exchange(1, 3)
        assert migration.core.count("clear") == 1

    def test_pm3_the_ten_seconds_count_from_the_first_packet_not_the_last(self, migration):
        for _ in range(10):
            migration.send(1, 3)
            migration.run(1.01)
        assert migration.exchange(1, 3)

    def test_pm3_warns_with_the_destination(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        migration.send(1, 3)
        migration.run(1)
        assert migration.routers[1].log(SENT) == [f"{SENT}10.3.0.2{BECAUSE}"]

    def test_pm2_an_upgraded_peer_is_encrypted_within_the_hold(self, migration):
        migration.send(1, 2)
        migration.run(0.5)
        assert migration.exchange(1, 2)
        assert migration.core.count("clear") == 0
        assert migration.core.count("esp") >= 1


class TestRetry:
    """PM-4: every `retry` seconds a packet triggers an attempt, and stays in the clear."""

    @pytest.fixture
    def clear(self, migration) -> Sites:
        """R1 sends to site 3 in the clear; the attempt began at the start."""
        migration.start = migration.now
        migration.send(1, 3)
        migration.run(11)
        assert migration.exchange(1, 3)
        return migration

    def test_pm4_no_attempt_before_the_retry(self, clear):
        clear.run(120)
        since = clear.now
        while clear.now < clear.start + 299:
            assert clear.exchange(1, 3)
            clear.run(0.9)
        assert clear.core.count("ike", since=since) == 0

    def test_pm4_the_packet_goes_in_the_clear_and_triggers_an_attempt(self, clear):
        clear.run(clear.start + 301 - clear.now)
        since = clear.now
        assert clear.exchange(1, 3)
        assert clear.core.count("ike", since=since, source=1) == 1

    def test_pm4_no_traffic_no_attempt(self, clear):
        clear.run(60)
        since = clear.now
        clear.run(3600)
        assert clear.core.count("ike", since=since) == 0

    def test_pm4_a_retry_never_blackholes_again(self, clear):
        while clear.now < clear.start + 700:
            assert clear.exchange(1, 3)
            clear.run(0.9)

    def test_pm4_the_next_attempt_is_a_whole_retry_after_the_last(self, clear):
        clear.run(clear.start + 400 - clear.now)
        assert clear.exchange(1, 3)
        clear.run(120)
        since = clear.now
        while clear.now < clear.start + 699:
            assert clear.exchange(1, 3)
            clear.run(0.9)
        assert clear.core.count("ike", since=since) == 0
        clear.run(2)
        assert clear.exchange(1, 3)
        assert clear.core.count("ike", since=since, source=1) == 1

    def test_pm4_retry_can_be_set(self, clear):
        clear.routers[1].control.set_retry(60, clear.now)
        clear.routers[1].work()
        clear.run(clear.start + 61 - clear.now)
        since = clear.now
        assert clear.exchange(1, 3)
        assert clear.core.count("ike", since=since, source=1) == 1


class TestSaResetsTheTimer:
    """PM-5."""

    def test_pm5_when_the_sa_goes_the_hold_starts_afresh(self, migration):
        migration.send(1, 2)
        migration.run(0.5)
        assert migration.exchange(1, 2)
        migration.run(60)
        migration.reload(2, site(2))
        migration.run(1)
        gone = migration.now
        migration.send(1, 2)
        migration.run(9.9)
        assert migration.core.count("clear", since=gone) == 0
        migration.run(0.2)
        migration.send(1, 2)
        migration.run(0.1)
        assert migration.core.count("clear", since=gone) == 1

    def test_pm5_a_quiet_type_in_the_clear_keeps_its_timer(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        assert migration.exchange(1, 3)
        migration.run(24 * 3600)
        assert migration.exchange(1, 3)


class TestInboundClear:
    """PM-6."""

    def test_pm6_accepted_with_a_message(self, migration):
        assert migration.exchange(3, 1)
        assert migration.routers[1].log(RECEIVED) == [f"{RECEIVED}10.3.0.2{BECAUSE}"]

    def test_pm6_accepted_even_while_an_sa_exists(self, migration):
        migration.send(1, 2)
        migration.run(0.5)
        assert migration.exchange(1, 2)
        # A redundant path: R3 forwards what comes from site 2.
        migration.hosts[3].address = migration.hosts[2].address
        assert migration.exchange(3, 1)
        assert migration.routers[1].log(RECEIVED) == [f"{RECEIVED}10.2.0.2{BECAUSE}"]


class TestMessages:
    """PM-7 and PM-8."""

    def test_pm7_every_ten_minutes_while_on(self, migration):
        start = migration.now
        migration.run(3600)
        text = "Security warning: crypto ipsec optional is configured"
        times = [
            time
            for time, message in migration.routers[1].messages
            if message.text == text and time >= start
        ]
        assert len(times) == 6
        assert {round(b - a) for a, b in itertools.pairwise(times)} == {600}

    def test_pm7_silent_while_off(self, sites):
        off = sites(site(1, peers={2: []}), site(2))
        off.run(3600)
        assert off.routers[1].log("Security warning") == []

    def test_pm8_at_most_once_a_minute_each_way(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        start = migration.now
        while migration.now < start + 600:
            migration.send(1, 3)
            migration.send(3, 1)
            migration.run(1)
        for text in (SENT, RECEIVED):
            times = [t for t, m in migration.routers[1].messages if m.text.startswith(text)]
            assert 9 <= len(times) <= 11
            # Seconds are floats: 60 of them may come out as a hair less.
            assert all(b - a > 60 - 1e-6 for a, b in itertools.pairwise(times))

    def test_lines_about_a_packet_type_say_which(self, migration):
        """`p4ipsec monitor --json` and the API have its name in a field of its own."""
        migration.send(1, 2)
        migration.send(1, 3)
        migration.run(40)
        r1 = migration.routers[1]
        about = {
            m.text: next(t.name for t in r1.policy.packet_types if t.id == m.packet_type)
            for _, m in r1.messages
            if m.packet_type is not None
        }
        assert any("established as initiator" in text for text in about)
        assert all(name in text for text, name in about.items() if "SA for" in text)
        failed = next(text for text in about if "attempt failed" in text)
        assert about[failed] == "sites 30 103 line 1"


class TestShow:
    """PM-9 through the status that the API gives out; the text itself is the CLI's."""

    def test_pm9_lists_the_destinations_in_the_clear(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        migration.send(1, 3)
        migration.run(1)
        listed = migration.routers[1].control.passive.destinations()
        assert [str(destination.address) for destination in listed] == ["10.3.0.2"]

    def test_pm9_a_destination_that_falls_quiet_is_forgotten_and_listed_again(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        assert migration.exchange(1, 3)
        migration.run(3600)
        assert migration.routers[1].control.passive.destinations() == ()
        assert migration.exchange(1, 3)
        migration.run(1)
        assert len(migration.routers[1].control.passive.destinations()) == 1


class TestTurningOff:
    """PM-10."""

    def test_pm10_no_clear_packet_after_the_call_returns(self, migration):
        migration.send(1, 3)
        migration.run(10.1)
        assert migration.exchange(1, 3)
        told = migration.routers[1].set_passive_mode(False)
        off = migration.now
        for _ in range(30):
            assert not migration.exchange(1, 3)
            migration.run(1)
        assert migration.core.count("clear", since=off) == 0
        assert any("write memory" in message.text for message in told)
        assert migration.routers[1].control.passive.destinations() == ()
        assert migration.routers[1].entries("clear_destinations") == []

    def test_pm10_sas_live_on(self, migration):
        migration.send(1, 2)
        migration.run(0.5)
        migration.routers[1].set_passive_mode(False)
        assert migration.exchange(1, 2)
        assert migration.exchange(2, 1)
