"""The controller and the switch go away and come back; traffic should not notice."""

from dataclasses import replace as changed

import pytest

from controller.p4runtime.entities import Entry, Update, UpdateKind, WriteFailure
from controller.passive.states import State
from controller.router.peers import peer_configs
from controller.router.sa_pair import SaSource
from ike.state.errors import StateError
from ike.types import Secret
from tests.simulation.host import ipv4
from tests.simulation.topology import Sites, site


def sending_without_loss(sites: Sites, count: int = 300, gap: float = 0.003) -> None:
    """Send both ways between sites 1 and 2, and check that all of it arrives."""
    for number in (1, 2):
        sites.hosts[number].received.clear()
    for sequence in range(count):
        sites.send(1, 2, b"%d" % sequence)
        sites.send(2, 1, b"%d" % sequence)
        sites.run(gap)
    sites.run(0.5)
    for number in (1, 2):
        assert [int(payload) for payload in sites.hosts[number].payloads()] == list(range(count))


@pytest.fixture
def protected(migration) -> Sites:
    """An SA between R1 and R2; R1 sends to site 3 in the clear."""
    migration.send(1, 2)
    migration.send(1, 3)
    migration.run(10.5)
    assert migration.exchange(1, 2)
    assert migration.exchange(2, 1)
    assert migration.exchange(1, 3)
    return migration


class TestControllerRestarts:
    def test_what_it_finds_is_adopted_and_replaced_without_a_packet_lost(self, protected):
        r1 = protected.routers[1]
        before = r1.entries("sad_out")[0]
        r1.kill_controller()
        protected.run(3)
        assert protected.exchange(1, 2), "the data plane works on by itself"
        r1.writes.clear()
        r1.start_controller()
        sending_without_loss(protected)
        pair = r1.control.sad.pairs()[-1]
        assert pair.source is SaSource.IKE
        assert r1.entries("sad_out") != [before], "IKE has replaced it"
        # The difference was written, no more: the policy and the routes stayed as they were.
        touched = {u.entity.key.table for u in r1.writes if hasattr(u.entity, "key")}
        assert touched <= {"sad_in", "sad_out", "sa_selectors", "no_sa", "clear_destinations"}

    def test_the_clear_stays_clear_and_the_next_packet_triggers_an_attempt(self, protected):
        r1 = protected.routers[1]
        r1.kill_controller()
        protected.run(3)
        assert protected.exchange(1, 3)
        r1.start_controller()
        since = protected.now
        assert protected.exchange(1, 3)
        protected.run(0.2)
        assert protected.core.count("ike", since, source=1) > 0
        assert protected.exchange(1, 3)
        listed = r1.control.passive.destinations()
        assert [str(known.address) for known in listed] == ["10.3.0.2"]

    def test_the_clear_stays_clear_when_the_retry_was_due_already(self, protected):
        """Nothing was sent since the controller before: its `no_sa` entry is right as it is."""
        r1 = protected.routers[1]
        for _ in range(2):
            r1.kill_controller()
            r1.start_controller()
        assert protected.exchange(1, 3)

    def test_an_adopted_sa_whose_peer_does_not_answer_goes_to_the_hold(self, protected):
        r1 = protected.routers[1]
        r1.kill_controller()
        protected.unplug(2)
        r1.start_controller()
        protected.run(90)
        assert r1.control.sad.pairs() == []
        assert r1.entries("sad_out") == []
        since = protected.now
        protected.send(1, 2)
        protected.run(5)
        assert protected.core.count("clear", since) == 0

    def test_changed_policy_is_not_adopted(self, protected):
        r1 = protected.routers[1]
        r1.kill_controller()
        tcp = "permit tcp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
        r1.policy = protected.policy(site(1, peers={2: [tcp], 3: []}, optional=True))
        r1.start_controller()
        assert r1.entries("sad_out") == []
        assert r1.entries("sad_in") == []

    def test_turned_off_while_it_was_away(self, protected):
        """PM-10 holds for a configuration that says "off" at the next start."""
        r1 = protected.routers[1]
        r1.kill_controller()
        r1.policy = protected.policy(site(1, peers={2: [], 3: []}, optional=False))
        r1.start_controller()
        since = protected.now
        assert not protected.exchange(1, 3)
        assert protected.core.count("clear", since) == 0
        assert r1.entries("clear_destinations") == []

    def test_turned_on_while_it_was_away(self, sites):
        """No new rule refuses a clear packet that the configuration allows: "on" goes first."""
        two = sites(site(1, peers={2: []}), site(2, peers={1: []}))
        r1 = two.routers[1]
        r1.kill_controller()
        r1.policy = two.policy(site(1, peers={2: [], 3: []}, optional=True))
        r1.writes.clear()
        r1.start_controller()
        tables = [u.entity.key.table for u in r1.writes if isinstance(u.entity, Entry)]
        assert tables[0] == "passive_mode"
        assert {"spd_in", "spd_out"} <= set(tables)


class TestConnectionLost:
    def test_reconnecting_writes_the_difference_only(self, protected):
        r1 = protected.routers[1]
        r1.disconnect()
        sending_without_loss(protected)
        r1.writes.clear()
        r1.connect()
        assert [u for u in r1.writes if hasattr(u.entity, "key")] == []
        sending_without_loss(protected)

    def test_what_changed_meanwhile_is_written(self, protected):
        r1 = protected.routers[1]
        r1.disconnect()
        r1.set_passive_mode(False)
        r1.connect()
        since = protected.now
        assert not protected.exchange(1, 3)
        assert protected.core.count("clear", since) == 0

    def test_somebody_elses_entries_are_removed(self, protected):
        r1 = protected.routers[1]
        entry = r1.entries("neighbor")[0]
        r1.disconnect()
        program = r1.switch.datapath.program
        table = program.tables["RouterIngress.neighbor.neighbor"]
        stray = ((entry.key.match[0][1], 0), (0x0A000063, 0))
        table.insert(
            type(next(iter(table.entries())))(
                match=stray,
                priority=0,
                action="RouterIngress.neighbor.set_neighbor",
                params=(1, 1, 1),
            )
        )
        r1.connect()
        assert table.get(stray, 0) is None


class TestSwitchRestarts:
    def test_sas_are_replaced_because_their_sequence_numbers_are_gone(self, protected):
        """RFC 4106 §3.1: the same key never counts from 1 again."""
        r1 = protected.routers[1]
        keys = {pair.outbound.keying.key.reveal() for pair in r1.control.sad.pairs()}
        r1.disconnect()
        r1.switch.reset()
        r1.connect()
        for port in (1, 2):
            assert port in r1.switch._transmit
        protected.run(2)
        protected.send(1, 2)
        protected.run(2)
        assert protected.exchange(1, 2)
        assert protected.exchange(2, 1)
        assert keys.isdisjoint(pair.outbound.keying.key.reveal() for pair in r1.control.sad.pairs())
        assert r1.log("the switch has lost")


class TestReload:
    def test_what_stays_the_same_is_not_disturbed(self, protected):
        r1 = protected.routers[1]
        pair = r1.control.sad.pairs()[0]
        protected.reload(1, site(1, peers={2: [], 3: []}, optional=True, retry=60))
        assert r1.control.sad.pairs() == [pair]
        assert r1.control.passive.retry == 60
        sending_without_loss(protected)

    def test_a_removed_entry_loses_its_sa_here_and_at_the_peer(self, protected):
        protected.reload(1, site(1, peers={3: []}, optional=True))
        protected.run(1)
        assert protected.routers[1].entries("sad_out") == []
        assert protected.routers[2].control.sad.pairs() == []

    def test_a_reused_id_inherits_neither_an_sa_nor_the_clear(self, protected):
        """The old decision is gone before the new policy gives its id to other traffic."""
        r1 = protected.routers[1]
        assert {name for entry in r1.entries("no_sa") for name in [entry.action]} == {"clear"}
        r1.writes.clear()
        tcp = "permit tcp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
        udp = "permit udp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255"
        protected.reload(1, site(1, peers={2: [tcp, udp]}, optional=True))
        order = [(update.kind, update.entity.key.table) for update in r1.writes]
        policy = order.index((UpdateKind.INSERT, "spd_out"))
        assert order.index((UpdateKind.DELETE, "no_sa")) < policy
        assert order.index((UpdateKind.DELETE, "sad_out")) < policy
        since = protected.now
        protected.send(1, 2)
        protected.run(0.1)
        assert protected.core.count("clear", since) == 0

    def test_sas_follow_changed_routes(self, protected):
        """The way to a peer is found anew; the SA stays."""
        r1 = protected.routers[1]
        pair = r1.control.sad.pairs()[0]
        text = site(1, peers={2: [], 3: []}, optional=True)
        protected.reload(1, text.replace("10.0.0.1/24, ", "10.0.0.1/24, mtu: 1400, "))
        assert r1.control.sad.pairs() == [pair]
        assert dict(r1.entries("sad_out")[0].params)["inner_mtu"] == pair.outbound.inner_mtu < 1350
        sending_without_loss(protected)


KEY = Secret(bytes(32))


class TestIkeSasOutliveTheController:
    """The controller before has exported them: nobody notices that there is another one."""

    def restart(self, protected: Sites, away: float = 3.0) -> None:
        r1 = protected.routers[1]
        state = r1.control.export_state(KEY, protected.now)
        r1.kill_controller()
        protected.run(away)
        assert protected.exchange(1, 2), "the data plane works on by itself"
        r1.messages.clear()
        r1.start_controller(state, KEY)

    def test_no_message_of_ike_is_needed(self, protected):
        r1 = protected.routers[1]
        before = r1.entries("sad_out"), r1.entries("sad_in")
        since = protected.now
        self.restart(protected)
        sending_without_loss(protected)
        assert (r1.entries("sad_out"), r1.entries("sad_in")) == before
        assert protected.core.count("ike", since) == 0
        (pair,) = r1.control.sad.pairs()
        assert pair.source is SaSource.IKE
        assert any("carried on" in message.text for _, message in r1.messages)

    @pytest.mark.slow
    def test_the_sas_are_rekeyed_and_deleted_as_ever(self, protected):
        r1 = protected.routers[1]
        self.restart(protected)
        before = r1.entries("sad_out")
        protected.run(3700)
        sending_without_loss(protected)
        assert r1.entries("sad_out") != before, "rekeyed within the hour"
        r1.control.clear_sas(None, protected.now)
        r1.work()
        protected.run(1)
        assert protected.routers[2].control.sad.pairs() == []

    @pytest.mark.slow
    def test_what_the_switch_has_lost_is_deleted_at_the_peer(self, protected):
        r1 = protected.routers[1]
        state = r1.control.export_state(KEY, protected.now)
        r1.kill_controller()
        r1.switch.reset()
        r1.start_controller(state, KEY)
        protected.run(1)
        assert protected.routers[2].control.sad.pairs() == []
        protected.send(1, 2)
        protected.run(2)
        assert protected.exchange(1, 2)
        sending_without_loss(protected)

    @pytest.mark.slow
    def test_a_state_that_cannot_be_read_leaves_the_adoption_as_it_is(self, protected):
        r1 = protected.routers[1]
        r1.kill_controller()
        r1.start_controller()
        with pytest.raises(StateError):
            r1.control.import_state(b"nonsense", KEY, protected.now)
        sending_without_loss(protected)


class TestShutdown:
    def test_sigterm_deletes_the_sas_at_the_peers(self, protected):
        r1 = protected.routers[1]
        r1.control.shutdown(protected.now, leave_sas=False)
        r1.work()
        protected.run(1)
        assert protected.routers[2].control.sad.pairs() == []
        assert r1.entries("sad_out") == []
        assert r1.entries("sad_in") == []

    def test_leave_sas_leaves_them(self, protected):
        r1 = protected.routers[1]
        r1.control.shutdown(protected.now, leave_sas=True)
        r1.work()
        r1.kill_controller()
        protected.run(5)
        sending_without_loss(protected)


class TestClear:
    def test_clear_crypto_sa_deletes_here_and_there_and_traffic_starts_afresh(self, protected):
        r1 = protected.routers[1]
        assert r1.clear_sas() == 1
        protected.run(0.5)
        assert protected.routers[2].control.sad.pairs() == []
        assert r1.control.passive.state_of(1).state is State.IDLE
        protected.send(1, 2)
        protected.run(0.5)
        assert protected.exchange(1, 2)


class TestRefusedEntries:
    def test_the_log_names_the_sa_not_a_table_id(self, protected):
        r1 = protected.routers[1]
        entry = r1.control.desired.entries("sad_out")[0]
        update = Update(UpdateKind.INSERT, entry)
        failure = WriteFailure(update, "RESOURCE_EXHAUSTED", "table is full")
        r1.control.written((update,), (failure,), protected.now)
        line = r1.control.take_messages()[0].text
        assert "sites 20 102 line 1" in line
        assert "RESOURCE_EXHAUSTED" in line
        key = dict(entry.params)["key_material"]
        assert f"{key:x}" not in line
        assert str(key) not in line

    def test_an_sa_that_the_switch_has_no_room_for_is_deleted_at_the_peer_too(self, protected):
        """Half an SA would be a black hole: the traffic starts afresh with PM-2 instead."""
        r1 = protected.routers[1]
        entry = r1.control.desired.entries("sad_out")[0]
        update = Update(UpdateKind.MODIFY, entry)
        failure = WriteFailure(update, "RESOURCE_EXHAUSTED", "table is full")
        r1.control.written((update,), (failure,), protected.now)
        r1.work()
        protected.run(1)
        assert r1.control.sad.pairs() == []
        assert protected.routers[2].control.sad.pairs() == []
        assert r1.control.passive.state_of(1).state is State.IDLE
        since = protected.now
        protected.send(1, 2)
        protected.run(0.5)
        assert protected.exchange(1, 2)
        assert protected.core.count("clear", since) == 0


class TestForeignEntries:
    """A new controller finds what it can't have made; it must not die of it."""

    def broken(self, sites: Sites, table: str, **params: int) -> None:
        r1 = sites.routers[1]
        name = {"sad_in": "RouterIngress.sad_in.sad_in", "sad_out": "RouterIngress.sad_out.sad_out"}
        store = r1.switch.datapath.program.tables[name[table]]
        entry = next(iter(store.entries()))
        names = [param.name for param in store.actions[entry.action].params]
        values = dict(zip(names, entry.params, strict=True)) | params
        store.modify(entry.match, entry.priority, entry.action, tuple(values.values()))

    @pytest.mark.parametrize(
        "changes",
        [
            [("sad_in", {"sa_id": 5000}), ("sad_out", {"sa_id": 5000})],
            [("sad_in", {"sa_id": 0}), ("sad_out", {"sa_id": 0})],
            [("sad_out", {"encryption": 9})],
            [("sad_in", {"encryption": 9})],
            [("sad_out", {"sa_id": 77})],
        ],
    )
    def test_they_are_removed_and_ike_starts_afresh(self, protected, changes):
        r1 = protected.routers[1]
        r1.kill_controller()
        for table, params in changes:
            self.broken(protected, table, **params)
        r1.start_controller()
        assert r1.entries("sad_in") == []
        assert r1.entries("sad_out") == []
        protected.send(1, 2)
        protected.run(0.5)
        assert protected.exchange(1, 2)


class TestUnusableSelectors:
    def test_a_peer_with_selectors_that_the_switch_cannot_check_is_refused(self, sites):
        """An authenticated peer's odd proposal fails that SA, and nothing else."""
        icmp = "permit icmp 10.2.0.0 0.0.255.255 10.1.0.0 0.0.255.255"
        two = sites(site(1, peers={2: []}, optional=True), site(2, peers={1: [icmp]}))
        r2 = two.routers[2]
        configs = list(peer_configs(r2.policy))
        child = configs[0].children[0]
        odd = changed(
            child,
            remote_selectors=tuple(
                changed(selector, start_port=0x0800, end_port=0x0800)
                for selector in child.remote_selectors
            ),
            local_selectors=tuple(
                changed(selector, start_port=0x0800, end_port=0x0800)
                for selector in child.local_selectors
            ),
        )
        r2.control.negotiation._endpoint.set_peers([changed(configs[0], children=(odd,))], two.now)
        ping = ipv4(two.hosts[2].address, two.hosts[1].address, 1, b"\x08\0\0\0\0\0\0\0")
        two.hosts[2].send(ping)
        two.run(2)
        r1 = two.routers[1]
        assert r1.control.sad.pairs() == []
        assert r1.log("given up")
        assert r1.failures == []
