"""The lab itself, with a strongSwan in the place of our router: what it can show is real."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.lab.bulk import copy
from tests.interop.lab.charon_keys import read_charon_keys
from tests.interop.lab.errors import LabError
from tests.interop.lab.judge import judge
from tests.interop.lab.key_tables import EspKeys, KeyTables, write_tables
from tests.interop.lab.lab import Lab, standing_labs
from tests.interop.lab.ping import PingStream, ping
from tests.interop.lab.scenario import CHILD, CONNECTION, peer_connection
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.throughput import IperfServer, measure
from tests.interop.lab.topology import SITE_A, SITE_B, SITE_C

pytestmark = pytest.mark.interop

CLEAR = "ip.addr == 10.0.0.0/8"


@pytest.fixture(scope="module")
def peers(lab: Lab) -> Iterator[tuple[StrongSwan, StrongSwan]]:
    lab.network.make_linux_router(SITE_A)
    near = lab.strongswan("router", log_keys=True)
    far = lab.strongswan("gateway")
    near.start(peer_connection(SITE_A, SITE_B))
    far.start(peer_connection(SITE_B))
    yield near, far
    near.stop()
    far.stop()


@pytest.fixture
def tunnel(peers: tuple[StrongSwan, StrongSwan]) -> Iterator[tuple[StrongSwan, StrongSwan]]:
    near, far = peers
    near.initiate(CHILD)
    far.wait_for_child(CHILD)
    yield near, far
    near.terminate_ike(CONNECTION)
    far.wait_for_no_sa()


def keys_of(lab: Lab, peer: StrongSwan) -> KeyTables:
    return write_tables(lab.run / "keys", *read_charon_keys(peer.log))


def test_without_sa_strongswan_is_a_legacy_peer(
    lab: Lab, peers: tuple[StrongSwan, StrongSwan]
) -> None:
    with lab.capture("legacy") as capture:
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        assert ping(lab["host-a"], SITE_C.host_address).all_answered
    report = judge(capture.pcap, clear_filter=CLEAR)
    assert report.esp == 0
    assert report.clear >= 12


def test_tunnel_carries_pings_in_esp_in_udp(
    lab: Lab, tunnel: tuple[StrongSwan, StrongSwan]
) -> None:
    near, far = tunnel
    with lab.capture("pings") as capture:
        assert ping(lab["host-a"], SITE_B.host_address, count=5).all_answered
        assert ping(lab["host-b"], SITE_A.host_address, count=5).all_answered
    report = judge(capture.pcap, clear_filter=CLEAR)
    assert report.clear == 0
    assert report.esp == report.esp_inside_udp == 20
    (child,) = far.installed_children(CHILD)
    assert child.udp_encapsulated
    assert (child.packets_in, child.packets_out) == (10, 10)
    assert near.installed_children(CHILD)[0].spi_out == child.spi_in


def test_tunnel_copies_bulk_tcp_both_ways(lab: Lab, tunnel: tuple[StrongSwan, StrongSwan]) -> None:
    a, b, size = lab["host-a"], lab["host-b"], 20_000_000
    copy(a, b, SITE_B.host_address, size=size, run=lab.run)
    copy(b, a, SITE_A.host_address, size=size, run=lab.run)
    (child,) = tunnel[1].installed_children(CHILD)
    assert min(child.bytes_in, child.bytes_out) > size


@pytest.mark.parametrize("reverse", [False, True], ids=["forth", "back"])
def test_iperf3_measures_the_tunnel(
    lab: Lab, tunnel: tuple[StrongSwan, StrongSwan], reverse: bool
) -> None:
    with IperfServer(lab["host-b"], lab.run):
        measured = measure(lab["host-a"], SITE_B.host_address, seconds=1, reverse=reverse)
    (child,) = tunnel[1].installed_children(CHILD)
    assert 0 < measured.received_bytes < (child.bytes_out if reverse else child.bytes_in)


def test_tshark_opens_ike_and_esp_with_logged_keys(
    lab: Lab, peers: tuple[StrongSwan, StrongSwan]
) -> None:
    near, far = peers
    with lab.capture("both") as capture:
        near.initiate(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        near.terminate_ike(CONNECTION)
        far.initiate(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        near.rekey_child(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        far.terminate_ike(CONNECTION)
        near.wait_for_no_sa()
    report = judge(capture.pcap, keys_of(lab, near), CLEAR)
    assert report.errors == ()
    assert report.all_decrypted
    assert report.ike_encrypted >= 10
    assert report.clear == 0
    assert report.protocols["icmp"] == 18  # beside the last of earlier TCP connections


def test_tshark_condemns_wrong_keys(lab: Lab, peers: tuple[StrongSwan, StrongSwan]) -> None:
    near, far = peers
    with lab.capture("wrong") as capture:
        near.initiate(CHILD)
        assert ping(lab["host-a"], SITE_B.host_address).all_answered
        near.terminate_ike(CONNECTION)
        far.wait_for_no_sa()
    ike, esp = read_charon_keys(near.log)
    wrong = write_tables(lab.run / "wrong", [], [EspKeys(keys.spi, bytes(36)) for keys in esp])
    report = judge(capture.pcap, wrong)
    assert report.esp >= 6
    assert report.esp_decrypted == 0
    assert report.esp_bad_icv or report.errors
    assert report.ike_decrypted == 0
    assert not report.all_decrypted
    assert judge(capture.pcap, write_tables(lab.run / "right", ike, esp)).all_decrypted


def test_killed_peer_comes_back(lab: Lab, peers: tuple[StrongSwan, StrongSwan]) -> None:
    near, far = peers
    near.initiate(CHILD)
    far.kill()
    assert not far.running
    far.restart()
    assert far.list_sas() == ()
    far.initiate(CHILD)
    assert ping(lab["host-a"], SITE_B.host_address).all_answered
    far.terminate_ike(CONNECTION)


def test_stream_of_pings_tells_which_were_answered(
    lab: Lab, peers: tuple[StrongSwan, StrongSwan]
) -> None:
    gateway = lab["gateway"]
    with PingStream(lab["host-a"], SITE_B.host_address, lab.run) as stream:
        last = stream.wait_for_answer(after=3)
        gateway.sysctl("net.ipv4.ip_forward=0")
        gap = stream.answered()[-1]
        gateway.sysctl("net.ipv4.ip_forward=1")
        back = stream.wait_for_answer(after=gap + 1)
    assert 4 <= last <= gap < back
    assert stream.stop() >= back


def test_labs_stand_side_by_side_and_leave_no_trace(lab: Lab) -> None:
    other = Lab(f"{lab.id}b")
    other.up()
    try:
        with pytest.raises(LabError, match="stands already"):
            other.up()
        other.network.make_linux_router(SITE_A)
        assert other.id in standing_labs()
        assert ping(other["host-a"], SITE_C.host_address).all_answered
        other.strongswan("gateway").start(peer_connection(SITE_B))
        pids = other["gateway"].pids()
        assert pids
    finally:
        other.down()
    assert other.id not in standing_labs()
    assert not other.run.exists()
    assert not other.is_up
    assert not any(other["gateway"].holds(pid) for pid in pids)
    assert lab["host-a"].exists
    other.down()


def test_down_cleans_up_after_a_crash() -> None:
    crashing = """
import os, signal
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import peer_connection
from tests.interop.lab.topology import SITE_B
lab = Lab("crash")
lab.up()
lab.strongswan("gateway").start(peer_connection(SITE_B))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", crashing], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert Lab("crash")["gateway"].pids()
    command = [sys.executable, "-m", "tests.interop.lab"]
    told = subprocess.run(
        [*command, "status", "--id", "crash"], cwd=root, check=True, capture_output=True, text=True
    )
    assert re.search(r"strongSwan of gateway +runs", told.stdout)
    subprocess.run([*command, "down", "--id", "crash"], cwd=root, check=True, capture_output=True)
    assert "crash" not in standing_labs()
    assert not Lab("crash").run.exists()


@pytest.mark.parametrize("lab_id", ["", "a-b", "A", "x" * 13, "../x"])
def test_lab_ids_that_could_reach_other_names_are_refused(lab_id: str) -> None:
    with pytest.raises(LabError, match="1 to 12"):
        Lab(lab_id)
