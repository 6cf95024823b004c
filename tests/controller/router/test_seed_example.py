"""PM-12: the seed's configuration example runs, as it is in examples/seed.yaml."""

import random
import struct
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from controller.config.loader import parse_config
from controller.policy.compile import compile_policy
from tests.simulation.host import Host, checksum, ipv4
from tests.simulation.network import Network
from tests.simulation.router import SimulatedRouter
from tests.simulation.topology import Hub

EXAMPLE = (Path(__file__).parents[3] / "examples" / "seed.yaml").read_text()
R1, PEER = "209.165.202.147", "209.165.202.145"
PORT = 1


def ping(source: str, destination: str) -> bytes:
    message = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"seed"
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return ipv4(IPv4Address(source), IPv4Address(destination), 1, message)


class Seed:
    """The router of the example on one Ethernet."""

    def __init__(self) -> None:
        self.network = Network()
        self.wire = Hub(self.network)
        self.random = random.Random(1)
        self.r1 = self.router("R1", EXAMPLE)
        self.mac = self.r1.policy.interfaces[0].mac_address.to_bytes(6, "big")

    def router(self, name: str, text: str) -> SimulatedRouter:
        policy = compile_policy(parse_config(text))
        router = SimulatedRouter(name, policy, self.network.clock, self.random.randbytes)
        router.switch.connect(PORT, self.wire.attach(router.port(PORT)))
        self.network.nodes.append(router)
        return router

    def ping_from_peer(self) -> None:
        """A clear packet of the peer's, which R1 itself has to answer."""
        packet = ping(PEER, R1)
        self.r1.port(PORT)(self.mac + bytes.fromhex("020000000145") + b"\x08\x00" + packet)
        self.network.run(0.2)


@pytest.fixture
def seed() -> Seed:
    return Seed()


def test_pm12_passive_mode_is_on_with_the_default_retry(seed):
    assert seed.r1.control.passive.enabled
    assert seed.r1.control.passive.retry == 300
    seed.network.run(1)
    assert seed.r1.log() == ["Security warning: crypto ipsec optional is configured"]


def test_pm12_a_peer_without_ipsec_is_answered_in_the_clear_after_ten_seconds(seed):
    host = Host(PEER, "02:00:00:00:01:45", lambda: seed.network.clock.now)
    host.transmit = seed.wire.attach(host.receive)
    for _ in range(48):
        seed.ping_from_peer()
    assert {packet.protocol for packet in host.received} == {17}, "IKE, and no answer yet"
    seed.network.run(1)
    seed.ping_from_peer()
    assert [packet.payload[:1] for packet in host.received if packet.protocol == 1] == [b"\0"]
    assert seed.r1.log("Unencrypted traffic is sent to") == [
        f"Unencrypted traffic is sent to {PEER} because crypto optional is configured"
    ]
    assert seed.r1.log("Unencrypted traffic is received from") == [
        f"Unencrypted traffic is received from {PEER} because crypto optional is configured"
    ]


def test_pm12_a_peer_with_the_mirrored_configuration_is_answered_in_esp(seed):
    mirrored = EXAMPLE.replace(R1, "X").replace(PEER, R1).replace("X", PEER).replace("R1", "R2")
    peer = seed.router("R2", mirrored)
    seed.ping_from_peer()
    seed.network.run(1)
    assert seed.r1.control.sad.pairs()
    assert peer.control.sad.pairs()
    seed.wire.tap.clear()
    seed.ping_from_peer()
    assert seed.wire.count("esp") == 1
    assert seed.wire.count("clear") == 0
