"""Our router against a real strongSwan, in real time, on real packets.

The IKE retransmissions and the 10 s of PM-2 take the time that they take: liveness and `retry`
are configured short instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.interop.lab.bulk import copy
from tests.interop.lab.judge import judge, packet_times
from tests.interop.lab.lab import Lab
from tests.interop.lab.ping import PingStream, echo_requests_received, ping
from tests.interop.lab.router import Router
from tests.interop.lab.router_config import RouterConfig
from tests.interop.lab.sas import ChildSa
from tests.interop.lab.scenario import CHILD, CONNECTION, peer_connection
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Child
from tests.interop.lab.topology import CORE_NETWORK, SITE_A, SITE_B, SITE_C, Site
from tests.interop.lab.waiting import wait_for

pytestmark = pytest.mark.interop

HOLD = 10.0  # seconds, PM-2
RETRY = 13
KEEPALIVE = 2
BULK = 4_000_000  # bytes
CONFIGURATION = RouterConfig(retry=RETRY, keepalive=KEEPALIVE)
ELSEWHERE = CORE_NETWORK[11]


def between(a: Site, b: Site) -> str:
    """Return a display filter: the traffic of two sites, in the clear."""
    return f"ip.addr == {a.network} && ip.addr == {b.network} && !esp"


@pytest.fixture(scope="module")
def router(lab: Lab) -> Iterator[Router]:
    router = Router(lab["router"], lab.run / "router", log_keys=True)
    router.start(CONFIGURATION)
    yield router
    router.stop()


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Iterator[StrongSwan]:
    gateway = lab.strongswan("gateway")
    gateway.start(peer_connection(SITE_B))
    yield gateway
    gateway.stop()


@pytest.fixture
def legacy(lab: Lab) -> Iterator[StrongSwan]:
    """The strongSwan that the legacy router has once it is upgraded; not started."""
    legacy = lab.strongswan("legacy")
    yield legacy
    legacy.stop()


@pytest.fixture
def no_sa(router: Router, gateway: StrongSwan) -> None:
    """Start from nothing: no SA at either end, and strongSwan as it was configured first."""
    if not gateway.running:
        gateway.restart()
    gateway.load(peer_connection(SITE_B))
    router.cli("clear", "crypto", "sa")
    gateway.wait_for_no_sa()


def sa_to(router: Router, site: Site) -> dict[str, Any] | None:
    """Return our row of `show crypto ipsec sa` towards a site's router, if it has SAs."""
    for row in router.show("crypto", "ipsec", "sa")["ipsec_sas"]:
        if row["peer"] == str(site.core_address) and row["outbound"] is not None:
            assert isinstance(row, dict)
            return row
    return None


def clear_destinations(router: Router) -> list[str]:
    """Return the addresses that `show crypto optional` lists as being sent to in the clear."""
    return [row["address"] for row in router.show("crypto", "optional")["destinations"]]


def too_big(router: Router) -> int:
    """Return how many packets did not fit into a tunnel: an SA's counter has them too."""
    drops = router.show("switch")["drops"]
    return sum(int(drop["packets"]) for drop in drops if "too_big" in drop["reason"].lower())


def establish(lab: Lab, gateway: StrongSwan) -> ChildSa:
    """Let traffic bring up the SA to site B, and return strongSwan's side of it."""
    ping(lab["host-a"], SITE_B.host_address, count=1)
    child = gateway.wait_for_child(CHILD)
    wait_for(
        lambda: ping(lab["host-a"], SITE_B.host_address, count=1, timeout=0.5).all_answered,
        "a ping through the new SA",
    )
    return child


def wait_for_peer_at(gateway: StrongSwan, address: IPv4Address) -> None:
    """Wait until strongSwan's IKE SA is with our router at this address."""
    wait_for(
        lambda: [sa.remote_address for sa in gateway.list_sas()] == [str(address)],
        f"strongSwan's IKE SA with {address}",
    )


@pytest.mark.usefixtures("no_sa")
class TestEitherSideBegins:
    def test_our_traffic_brings_up_the_sa(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """PM-2: the first packet is dropped and starts IKE; what follows is encrypted."""
        with lab.capture("initiator") as capture:
            establish(lab, gateway)
            assert ping(lab["host-a"], SITE_B.host_address, count=5).all_answered
            assert ping(lab["host-b"], SITE_A.host_address, count=5).all_answered
        report = judge(capture.pcap, clear_filter=between(SITE_A, SITE_B))
        assert report.clear == 0
        assert report.esp == report.esp_inside_udp >= 20
        (ike_sa,) = gateway.list_sas()
        assert not ike_sa.is_initiator
        (child,) = ike_sa.children
        assert child.udp_encapsulated
        sa = sa_to(router, SITE_B)
        assert sa is not None
        assert sa["outbound"]["spi"] == child.spi_in
        assert sa["inbound"]["spi"] == child.spi_out
        assert sa["outbound"]["packets"] == child.packets_in
        assert sa["inbound"]["packets"] == child.packets_out

    def test_strongswan_brings_up_the_sa(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        with lab.capture("responder") as capture:
            gateway.initiate(CHILD)
            assert ping(lab["host-b"], SITE_A.host_address, count=5).all_answered
            assert ping(lab["host-a"], SITE_B.host_address, count=5).all_answered
        report = judge(capture.pcap, clear_filter=between(SITE_A, SITE_B))
        assert report.clear == 0
        assert report.esp == 20
        (ike_sa,) = gateway.list_sas()
        assert ike_sa.is_initiator
        assert sa_to(router, SITE_B) is not None

    @pytest.mark.parametrize("begins", ["router", "strongswan"])
    def test_bulk_tcp_both_ways(
        self, lab: Lab, router: Router, gateway: StrongSwan, begins: str
    ) -> None:
        """Full-size TCP segments do not fit into the tunnel: path MTU discovery must work."""
        if begins == "router":
            establish(lab, gateway)
        else:
            gateway.initiate(CHILD)
        a, b, before = lab["host-a"], lab["host-b"], too_big(router)
        copy(a, b, SITE_B.host_address, size=BULK, run=lab.run)
        copy(b, a, SITE_A.host_address, size=BULK, run=lab.run)
        (child,) = gateway.installed_children(CHILD)
        assert min(child.bytes_in, child.bytes_out) > BULK
        sa = sa_to(router, SITE_B)
        assert sa is not None
        # A burst can overrun strongSwan's socket: it may have got less than we sent.
        sent = sa["outbound"]["packets"] - (too_big(router) - before)
        assert child.packets_in <= sent <= child.packets_in * 1.1


@pytest.mark.usefixtures("no_sa")
class TestNegotiation:
    @pytest.mark.parametrize(
        ("ike", "esp"),
        [
            ("aes256gcm16-prfsha256-x25519", "aes256gcm16"),
            ("aes128gcm16-prfsha256-ecp256", "aes128gcm16"),
            ("aes256gcm16-prfsha384-ecp256", "aes256gcm16"),
            ("aes128gcm16-prfsha512-x25519", "aes128gcm16"),
        ],
    )
    @pytest.mark.parametrize("begins", ["router", "strongswan"])
    def test_proposals(
        self, lab: Lab, router: Router, gateway: StrongSwan, ike: str, esp: str, begins: str
    ) -> None:
        """With ecp256 our first KE payload is of the wrong group: INVALID_KE_PAYLOAD (§1.3)."""
        child = Child(CHILD, (str(SITE_B.network),), (str(SITE_A.network),), (esp,))
        gateway.load(peer_connection(SITE_B, proposals=(ike,), child=child))
        if begins == "router":
            establish(lab, gateway)
        else:
            gateway.initiate(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        (installed,) = gateway.installed_children(CHILD)
        assert installed.key_bits == int(esp[3:6])

    def test_tshark_finds_nothing_wrong(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """Every IKE message and ESP packet opens with our exported keys; none is malformed."""
        gateway.load(peer_connection(SITE_B, dpd_delay=1))
        with lab.capture("judged") as capture:
            establish(lab, gateway)
            assert ping(lab["host-a"], SITE_B.host_address, size=1200).all_answered
            copy(lab["host-a"], lab["host-b"], SITE_B.host_address, size=200_000, run=lab.run)
            router.cli("clear", "crypto", "sa")
            gateway.wait_for_no_sa()
            gateway.initiate(CHILD)
            assert ping(lab["host-b"], SITE_A.host_address).all_answered
            (alive,) = gateway.installed_children(CHILD)
            time.sleep(KEEPALIVE * 2.5)  # both ends check that the other lives (§2.4)
            assert gateway.installed_children(CHILD) == (alive,)
            gateway.terminate_ike(CONNECTION)
        report = judge(capture.pcap, router.keys, clear_filter=between(SITE_A, SITE_B))
        assert report.errors == ()
        assert report.clear == 0
        assert report.esp > 100
        assert report.all_decrypted
        assert report.ike_encrypted >= 14


@pytest.mark.usefixtures("no_sa")
class TestDelete:
    @pytest.mark.parametrize("what", ["ike", "child"])
    def test_peer_deletes(self, lab: Lab, router: Router, gateway: StrongSwan, what: str) -> None:
        """PM-5: the SA goes, the next packet is held and brings up the next. None is clear."""
        old = establish(lab, gateway)
        with lab.capture(f"delete-{what}") as capture:
            if what == "ike":
                gateway.terminate_ike(CONNECTION)
            else:
                gateway.terminate_child(CHILD)
            wait_for(lambda: sa_to(router, SITE_B) is None, "our side of the SA gone")
            new = establish(lab, gateway)
            assert ping(lab["host-a"], SITE_B.host_address).all_answered
        assert new.spi_in != old.spi_in
        # strongSwan itself sends in the clear while it has no SA; our side must not.
        ours = f"({between(SITE_A, SITE_B)}) && ip.src == {SITE_A.network}"
        assert packet_times(capture.pcap, ours) == []

    def test_we_delete(self, lab: Lab, router: Router, gateway: StrongSwan) -> None:
        old = establish(lab, gateway)
        router.cli("clear", "crypto", "sa", "peer", str(SITE_B.core_address))
        gateway.wait_for_no_sa()
        assert sa_to(router, SITE_B) is None
        assert establish(lab, gateway).spi_in != old.spi_in

    def test_peer_deletes_right_after_a_rekey(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """A pair that lingers for its last packets must not hide that the last one is gone."""
        old = establish(lab, gateway)
        gateway.rekey_child(CHILD)
        wait_for(
            lambda: [child.spi_in for child in gateway.installed_children(CHILD)] != [old.spi_in],
            "a second pair of SAs",
        )
        gateway.terminate_ike(CONNECTION)
        establish(lab, gateway)

    def test_restarted_peer_is_found_at_once(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """INITIAL_CONTACT (RFC 7296 §2.4): a peer that lost its SAs replaces ours."""
        establish(lab, gateway)
        gateway.kill()
        gateway.restart()
        gateway.initiate(CHILD)
        assert ping(lab["host-b"], SITE_A.host_address).all_answered
        (child,) = gateway.installed_children(CHILD)
        sa = sa_to(router, SITE_B)
        assert sa is not None
        assert sa["outbound"]["spi"] == child.spi_in


class TestPassiveMode:
    def test_legacy_site_is_reached_in_the_clear_and_upgraded(
        self, lab: Lab, router: Router, legacy: StrongSwan
    ) -> None:
        """PM-2, PM-3, PM-4, PM-8, PM-9: held for 10 s, then clear; after the upgrade ESP."""
        with (
            lab.capture("legacy") as capture,
            PingStream(lab["host-a"], SITE_C.host_address, lab.run) as stream,
        ):
            began = time.time()
            first = stream.wait_for_answer(timeout=HOLD + 5)
            assert clear_destinations(router) == [str(SITE_C.host_address)]
            legacy.start(peer_connection(SITE_C))
            legacy.wait_for_child(CHILD, timeout=RETRY + 10)
            wait_for(
                lambda: legacy.installed_children(CHILD)[0].packets_out > 5,
                "traffic through the new SA",
            )
            assert clear_destinations(router) == []
            sent = stream.stop()
        # From the first clear packet on, over to ESP, none is lost.
        assert stream.answered() == list(range(first, sent + 1))
        clear = packet_times(
            capture.pcap, f"({between(SITE_A, SITE_C)}) && ip.src == {SITE_A.network}"
        )
        assert HOLD - 0.5 <= clear[0] - began <= HOLD + 1.5
        esp = packet_times(capture.pcap, f"esp && ip.src == {SITE_A.core_address}")
        assert esp[0] > clear[-1]
        log = router.controller.log
        for verb in ("sent to", "received from"):
            warning = f"Unencrypted traffic is {verb} {SITE_C.host_address}"
            assert f"{warning} because crypto optional is configured" in log

    def test_turned_off_nothing_goes_in_the_clear(self, lab: Lab, router: Router) -> None:
        """PM-1, PM-10: not one clear packet after the command returns."""
        with (
            lab.capture("off") as capture,
            PingStream(lab["host-a"], SITE_C.host_address, lab.run) as stream,
        ):
            stream.wait_for_answer(timeout=HOLD + 5)
            said = router.cli("no", "crypto", "ipsec", "optional")
            returned = time.time()
            time.sleep(1.5)  # some more requests that must not get through
            assert "Passive mode disabled." in router.cli("show", "crypto", "optional")
        router.cli("crypto", "ipsec", "optional")
        assert "write memory" in said
        clear = packet_times(
            capture.pcap, f"({between(SITE_A, SITE_C)}) && ip.src == {SITE_A.network}"
        )
        assert clear
        assert clear[-1] <= returned

    def test_wrong_key_is_named_and_ends_in_the_clear(
        self, lab: Lab, router: Router, gateway: StrongSwan, no_sa: None
    ) -> None:
        """PM-3: IKE_AUTH fails, packets are held for 10 s, then clear; the reason is logged."""
        gateway.load(peer_connection(SITE_B, preshared_key="another key"))
        with (
            lab.capture("wrong-key") as capture,
            PingStream(lab["host-a"], SITE_B.host_address, lab.run) as stream,
        ):
            began = time.time()
            stream.wait_for_answer(timeout=HOLD + 5)
            assert clear_destinations(router) == [str(SITE_B.host_address)]
            assert gateway.list_sas() == ()
            gateway.load(peer_connection(SITE_B))
            gateway.wait_for_child(CHILD, timeout=RETRY + 10)
        clear = packet_times(
            capture.pcap, f"({between(SITE_A, SITE_B)}) && ip.src == {SITE_A.network}"
        )
        assert HOLD - 0.5 <= clear[0] - began <= HOLD + 1.5
        assert "AUTHENTICATION_FAILED" in router.controller.log

    def test_killed_peer_is_noticed(
        self, lab: Lab, router: Router, gateway: StrongSwan, no_sa: None
    ) -> None:
        """Liveness, PM-6: no silent black hole, and not a leak inside the 10 s that follow."""
        establish(lab, gateway)
        with (
            lab.capture("killed") as capture,
            PingStream(lab["host-a"], SITE_B.host_address, lab.run) as stream,
        ):
            alive = stream.wait_for_answer(after=5)
            gateway.kill()
            # PM-6: what site B sends in the clear now gets in, though there is an SA for it.
            assert sa_to(router, SITE_B) is not None
            before = echo_requests_received(lab["host-a"])
            ping(lab["host-b"], SITE_A.host_address, count=3, timeout=0.2)
            assert echo_requests_received(lab["host-a"]) == before + 3
            assert sa_to(router, SITE_B) is not None
            wait_for(lambda: sa_to(router, SITE_B) is None, "the dead peer's SA gone", timeout=60)
            stream.wait_for_answer(after=alive + 10, timeout=HOLD + 5)
        clear = packet_times(
            capture.pcap, f"({between(SITE_A, SITE_B)}) && ip.src == {SITE_A.network}"
        )
        noticed = router.logged_at(f"{SITE_B.core_address} gone: the peer is not answering")[-1]
        assert HOLD - 0.5 <= clear[0] - noticed <= HOLD + 1.5
        assert clear_destinations(router) == [str(SITE_B.host_address)]
        gateway.restart()
        gateway.initiate(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        assert clear_destinations(router) == []


class TestReload:
    @pytest.mark.usefixtures("no_sa")
    def test_the_sas_go_along_when_our_address_changes(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """RFC 4555: strongSwan, which knows the old address alone, follows within the IKE SA."""
        establish(lab, gateway)
        (before,) = gateway.list_sas()
        with lab.capture("reload") as capture:
            for address in (ELSEWHERE, SITE_A.core_address):
                router.reload(replace(CONFIGURATION, core_address=address))
                wait_for_peer_at(gateway, address)
                assert ping(lab["host-a"], SITE_B.host_address, count=5).all_answered
                assert ping(lab["host-b"], SITE_A.host_address, count=5).all_answered
        assert judge(capture.pcap, clear_filter=between(SITE_A, SITE_B)).clear == 0
        (after,) = gateway.list_sas()
        assert after.initiator_spi == before.initiator_spi


class TestRestart:
    """What a controller or a switch costs that comes back."""

    def test_switch_comes_back_empty(
        self, lab: Lab, router: Router, gateway: StrongSwan, no_sa: None
    ) -> None:
        """Its SAs have lost their sequence numbers: they are replaced, and nothing is clear."""
        old = establish(lab, gateway)
        with (
            lab.capture("switch") as capture,
            PingStream(lab["host-a"], SITE_B.host_address, lab.run) as stream,
        ):
            last = stream.wait_for_answer(after=3)
            router.switch.kill()
            router.start_switch()
            back = stream.wait_for_answer(after=last + 5, timeout=30)
            stream.wait_for_answer(after=back + 10)
            sent = stream.stop()
        assert list(range(back, sent + 1)) == [
            number for number in stream.answered() if number >= back
        ]
        assert packet_times(capture.pcap, between(SITE_A, SITE_B)) == []
        assert old.spi_in not in [child.spi_in for child in gateway.installed_children(CHILD)]

    def test_clear_traffic_survives_the_controller(self, lab: Lab, router: Router) -> None:
        """No second hold: what is in the clear is found on the switch and carried on with."""
        with PingStream(lab["host-a"], SITE_C.host_address, lab.run) as stream:
            first = stream.wait_for_answer(timeout=HOLD + 5)
            router.controller.kill()
            router.start_controller()
            stream.wait_for_answer(after=stream.answered()[-1] + 10)
            # bmv2 takes some seconds to repeat a report that its last controller got and lost.
            wait_for(lambda: clear_destinations(router), "the destination is listed")
            assert clear_destinations(router) == [str(SITE_C.host_address)]
            sent = stream.stop()
        assert stream.answered() == list(range(first, sent + 1))

    @pytest.mark.usefixtures("no_sa")
    def test_data_plane_carries_on_alone_and_is_adopted(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        """The SAs on the switch are kept in use until IKE, begun anew, has replaced them.

        INITIAL_CONTACT makes strongSwan drop the old SAs some milliseconds before ours are there,
        so a packet in flight at that moment may be lost; not one before, and none in the clear.
        """
        establish(lab, gateway)
        with (
            lab.capture("restart") as capture,
            PingStream(lab["host-a"], SITE_B.host_address, lab.run) as stream,
        ):
            stream.wait_for_answer(after=3)
            router.controller.kill()
            stream.wait_for_answer(after=stream.answered()[-1] + 5)
            router.start_controller()
            stream.wait_for_answer(after=stream.answered()[-1] + 20)
            sent = stream.stop()
        assert len(stream.answered()) >= sent - 1
        assert packet_times(capture.pcap, between(SITE_A, SITE_B)) == []

    @pytest.mark.usefixtures("no_sa")
    def test_sigterm_deletes_the_sas_at_the_peer(
        self, lab: Lab, router: Router, gateway: StrongSwan
    ) -> None:
        establish(lab, gateway)
        router.controller.stop()
        gateway.wait_for_no_sa()
        router.start_controller()
        establish(lab, gateway)
