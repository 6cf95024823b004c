"""Three sites around one core: R1 with crypto maps, and peers that have IPsec or not yet.

::

    host1 ── R1 ──┬── R2 ── host2        inside  10.N.0.0/24, the host is 10.N.0.2
                  └── R3 ── host3        core    10.0.0.0/24, the router is 10.0.0.N
"""

from __future__ import annotations

import random
from collections.abc import Callable
from textwrap import dedent, indent

from controller.config.loader import parse_config
from controller.policy.compile import compile_policy
from controller.policy.model import Policy
from tests.simulation.host import Host
from tests.simulation.network import Link, Network
from tests.simulation.router import SimulatedRouter

INSIDE, OUTSIDE = 1, 2  # ports
KEY = "correct horse battery staple"


class Hub:
    """A wire with any number of ends; `tap` sees every frame."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._ends: list[Callable[[bytes], None]] = []
        self.tap: list[tuple[float, bytes]] = []
        self.cut: set[int] = set()
        """Ends that are unplugged."""

    def attach(self, receive: Callable[[bytes], None]) -> Callable[[bytes], None]:
        end = len(self._ends)
        self._ends.append(receive)
        return lambda frame: self._send(end, frame)

    def _send(self, end: int, frame: bytes) -> None:
        if end in self.cut:
            return
        now = self._network.clock.now
        self.tap.append((now, frame))
        for other, receive in enumerate(self._ends):
            if other != end and other not in self.cut:
                self._network.at(now + 0.0005, lambda receive=receive: receive(frame))

    def count(self, what: str, since: float = 0.0, source: int | None = None) -> int:
        """Count packets: ``esp``, ``ike``, or ``clear`` (anything that a host sent).

        `source`: only those that the router of this site sent.
        """
        return sum(
            _kind(frame) == what and (source is None or frame[26:30] == bytes((10, 0, 0, source)))
            for time, frame in self.tap
            if time >= since
        )


def _kind(frame: bytes) -> str:
    if frame[12:14] != b"\x08\0":
        return "other"
    if frame[23] == 50:
        return "esp"
    if frame[23] == 17 and frame[36:38] in (b"\x01\xf4", b"\x11\x94"):
        port = frame[36:38]
        return "esp" if port == b"\x11\x94" and frame[42:46] != b"\0\0\0\0" else "ike"
    return "clear"


def site(
    number: int,
    *,
    peers: dict[int, list[str]] | None = None,
    optional: bool = False,
    retry: int = 300,
    key: str = KEY,
    keepalive: int = 10,
    extra: str = "",
) -> str:
    """Return the configuration of router N.

    Args:
        number: 1, 2, ...
        peers: the sites towards which there is a crypto map entry, with the lines of its access
            list; an empty list stands for everything between the two sites.
        optional: passive mode.
        retry: seconds.
        key: pre-shared with every peer.
        keepalive: seconds.
        extra: more YAML.
    """
    lines = [
        f"hostname: R{number}",
        "switch: {address: '127.0.0.1:9559'}",
        "interfaces:",
        f"  inside: {{port: {INSIDE}, ip_address: 10.{number}.0.1/24}}",
        f"  outside: {{port: {OUTSIDE}, ip_address: 10.0.0.{number}/24"
        + (", crypto_map: sites}" if peers else "}"),
        "ip_routes:",
        *(f"  - 10.{n}.0.0/16 10.0.0.{n}" for n in range(1, 5) if n != number),
        f"crypto_ipsec_optional: {{enabled: {str(optional).lower()}, retry: {retry}}}",
    ]
    if peers:
        lines.append("access_lists:")
        for peer, acl in peers.items():
            lines.append(f"  {100 + peer}:")
            lines += (
                f"    - {line}"
                for line in acl
                or [f"permit ip 10.{number}.0.0 0.0.255.255 10.{peer}.0.0 0.0.255.255"]
            )
        lines += ["transform_sets: {gcm: esp-gcm 256}", "crypto_maps:", "  sites:"]
        for peer in peers:
            lines += [
                f"    {10 * peer}:",
                "      type: ipsec-isakmp",
                f"      set_peer: 10.0.0.{peer}",
                "      set_transform_set: gcm",
                f"      match_address: {100 + peer}",
            ]
        lines += [
            "isakmp:",
            f"  keepalive: {keepalive}",
            f"  keys: [{{address: 10.0.0.0/24, key: {key}}}]",
        ]
    return "\n".join(lines) + "\n" + indent(dedent(extra), "")


class Sites:
    """The network; routers and hosts by the number of their site."""

    def __init__(self, configurations: dict[int, str], seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.network = Network()
        self.core = Hub(self.network)
        self.routers: dict[int, SimulatedRouter] = {}
        self.hosts: dict[int, Host] = {}
        self._core_ends: dict[int, int] = {}
        for end, (number, text) in enumerate(configurations.items()):
            router = SimulatedRouter(
                f"R{number}", self.policy(text), self.network.clock, self._random.randbytes
            )
            host = Host(
                f"10.{number}.0.2", f"02:00:00:00:{number:02x}:02", lambda: self.network.clock.now
            )
            link = Link(self.network)
            host.transmit = link.attach(host.receive)
            router.switch.connect(INSIDE, link.attach(router.port(INSIDE)))
            router.switch.connect(OUTSIDE, self.core.attach(router.port(OUTSIDE)))
            inside = next(i for i in router.policy.interfaces if i.name == "inside")
            host.gateway_mac = inside.mac_address.to_bytes(6, "big")
            self.network.nodes.append(router)
            self.routers[number] = router
            self.hosts[number] = host
            self._core_ends[number] = end

    @property
    def now(self) -> float:
        return self.network.clock.now

    def policy(self, text: str) -> Policy:
        return compile_policy(parse_config(text))

    def run(self, seconds: float) -> None:
        self.network.run(seconds)

    def warm_up(self) -> None:
        """Let every router learn its neighbors, so that no first packet waits for ARP."""
        for number, host in self.hosts.items():
            host.send_udp(f"10.{number}.0.1")  # not for us: only to be seen
        self.run(1.0)

    def reload(self, number: int, text: str) -> None:
        """Give a router another configuration."""
        router = self.routers[number]
        router.policy = self.policy(text)
        router.control.reload(router.policy, self.now)
        router.work()

    def unplug(self, number: int) -> None:
        """Cut a router off the core."""
        self.core.cut.add(self._core_ends[number])

    def plug_in(self, number: int) -> None:
        self.core.cut.discard(self._core_ends[number])

    def send(self, source: int, destination: int, payload: bytes = b"x", **options: int) -> None:
        """One UDP packet from host to host."""
        self.hosts[source].send_udp(f"10.{destination}.0.2", payload, **options)

    def exchange(self, source: int, destination: int, payload: bytes = b"x") -> bool:
        """Send one packet and tell whether it arrives within a tenth of a second."""
        before = len(self.hosts[destination].payloads())
        self.send(source, destination, payload)
        self.run(0.1)
        return len(self.hosts[destination].payloads()) > before
