"""A router on the embedded datapath, driven as the P4Runtime server would drive it."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from bmv2.embedded import esp
from bmv2.embedded.datapath import EmbeddedDatapath
from bmv2.embedded.model import Entry, MatchKind, MeterConfig
from p4src.artefacts import JSON_PATH

CPU_PORT = 510
KEY_128 = 0x000102030405060708090A0B0C0D0E0F
SALT = 0xA1B2C3D4
SECOND = 1_000_000_000


def ip(text: str) -> int:
    return int(ipaddress.IPv4Address(text))


def mac(text: str) -> int:
    return int(text.replace(":", ""), 16)


@dataclass
class Clock:
    now: int = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


@dataclass
class PacketIn:
    """A frame for the controller: the packet_in header, and the frame behind it."""

    reason: int
    interface_id: int
    packet_type: int
    sa_id: int
    next_hop: int
    frame: bytes

    @classmethod
    def parse(cls, data: bytes) -> PacketIn:
        fields = (data[:1], data[1:3], data[3:5], data[5:7], data[7:11])
        return cls(*(int.from_bytes(part, "big") for part in fields), data[11:])


@dataclass
class Router:
    """Two interfaces: 1 at port 1, 10.0.1.1/24, and 2 at port 2, 192.0.2.1/24."""

    clock: Clock = field(default_factory=Clock)
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    punted: list[PacketIn] = field(default_factory=list)
    digests: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    MAC = ("", "02:00:00:00:00:01", "02:00:00:00:00:02")
    HOST_MAC = ("", "02:00:00:00:01:01", "02:00:00:00:02:02")
    CRYPTO_MAP = 7
    KEY = KEY_128
    # AES-GCM-16, for `bmv2.embedded.esp`; without extended sequence numbers.
    ALGORITHMS: ClassVar = {
        "encryption": 20,
        "key_length": 128,
        "integrity": 0,
        "integrity_key": 0,
        "extended_sequence_numbers": 0,
    }
    SALT = SALT
    SECOND = SECOND
    ip = staticmethod(ip)
    mac = staticmethod(mac)

    def __post_init__(self) -> None:
        self.datapath = EmbeddedDatapath(
            self.clock, on_transmit=lambda port, frame: self.sent.append((port, frame))
        )
        self.datapath.on_cpu_packet = lambda data: self.punted.append(PacketIn.parse(data))
        self.datapath.on_digest = lambda name, values: self.digests.append((name, values))
        self.program = self.datapath.compile(JSON_PATH.read_bytes())
        self.datapath.commit(self.program)

    def table(self, name: str):
        return next(t for n, t in self.program.tables.items() if n.endswith("." + name))

    def add(self, table: str, action: str, match: dict, params: dict | None = None, priority=0):
        """Add an entry, everything by name; keys that are not given match all."""
        store = self.table(table)
        match_key = []
        left = dict(match)
        for key in store.keys:
            value = left.pop(key.name, None)
            ones = (1 << key.bitwidth) - 1
            if key.kind is MatchKind.EXACT:
                match_key.append((value, 0))
            elif key.kind is MatchKind.RANGE:
                match_key.append((0, ones) if value is None else value)
            else:
                match_key.append((0, 0) if value is None else value)
        assert not left, left
        name = next(n for n in store.actions if n.rsplit(".", 1)[-1] == action)
        values = dict(params or {})
        args = tuple(values.pop(param.name) for param in store.actions[name].params)
        assert not values, values
        entry = Entry(tuple(match_key), priority, name, args, last_hit_ns=self.clock())
        store.insert(entry)
        return entry

    def set_passive_mode(self, on: bool) -> None:
        self.table("passive_mode").set_default("RouterIngress.set_passive_mode", (int(on),))

    def set_up(self, crypto_map: int = 0, mtu: int = 1500) -> Router:
        """Interfaces, a route to 10.0.0.0/16 by port 1 and to the rest by port 2."""
        for number in (1, 2):
            bound = crypto_map if number == 2 else 0
            self.add(
                "ingress_interface",
                "set_ingress_interface",
                {"port": number},
                {
                    "interface_id": number,
                    "mac_address": mac(self.MAC[number]),
                    "crypto_map": bound,
                },
            )
            self.add(
                "egress_interface",
                "set_egress_interface",
                {"interface_id": number},
                {"port": number, "mtu": mtu, "crypto_map": bound},
            )
        self.add("local_address", "local", {"address": ip("10.0.1.1")})
        self.add("local_address", "local", {"address": ip("192.0.2.1")})
        self.add("route", "connected", {"prefix": (ip("10.0.1.0"), 24)}, {"interface_id": 1})
        self.add("route", "connected", {"prefix": (ip("192.0.2.0"), 24)}, {"interface_id": 2})
        via = {"interface_id": 2, "gateway": ip("192.0.2.2")}
        self.add("route", "via", {"prefix": (ip("10.0.2.0"), 24)}, via)
        self.add("route", "blackhole", {"prefix": (ip("10.0.2.128"), 25)})
        self.add_neighbor(1, "10.0.1.2")
        self.add_neighbor(2, "192.0.2.2")
        return self

    def add_neighbor(self, interface_id: int, next_hop: str) -> None:
        self.add(
            "neighbor",
            "set_neighbor",
            {"interface_id": interface_id, "next_hop": ip(next_hop)},
            {
                "mac_address": mac(self.HOST_MAC[interface_id]),
                "port": interface_id,
                "source_mac_address": mac(self.MAC[interface_id]),
            },
        )

    def protect(self, packet_type: int = 5, priority: int = 10, **match) -> None:
        """A permit line, both ways: 10.0.1.0/24 towards 10.0.2.0/24."""
        near, far = (ip("10.0.1.0"), 0xFFFFFF00), (ip("10.0.2.0"), 0xFFFFFF00)
        outbound = {"crypto_map": self.CRYPTO_MAP, "source": near, "destination": far, **match}
        inbound = {"crypto_map": self.CRYPTO_MAP, "source": far, "destination": near, **match}
        params = {"packet_type": packet_type}
        self.add("spd_out", "protect", outbound, params, priority)
        self.add("spd_in", "expect_protection", inbound, params, priority)

    def add_sa_out(self, packet_type: int = 5, **changes):
        params = {
            "sa_id": 3,
            "generation": 1,
            "spi": 0x1001,
            "encryption": 20,
            "key_length": 128,
            "key_material": KEY_128,
            "salt": SALT,
            "integrity": 0,
            "integrity_key": 0,
            "extended_sequence_numbers": 0,
            "sequence_limit": 0xFFFFFFFF,
            "tunnel_source": ip("192.0.2.1"),
            "tunnel_destination": ip("192.0.2.2"),
            "udp_destination_port": 0,
            "interface_id": 2,
            "gateway": ip("192.0.2.2"),
            "inner_mtu": 1400,
        }
        assert changes.keys() <= params.keys()
        return self.add("sad_out", "encapsulate", {"packet_type": packet_type}, params | changes)

    def add_sa_in(self, spi: int = 0x2002, destination: int = ip("192.0.2.1"), **changes):
        params = {
            "sa_id": 9,
            "generation": 1,
            "encryption": 20,
            "key_length": 128,
            "key_material": KEY_128,
            "salt": SALT,
            "integrity": 0,
            "integrity_key": 0,
            "extended_sequence_numbers": 0,
            "anti_replay": 1,
        }
        assert changes.keys() <= params.keys()
        match = {"destination": destination, "spi": spi}
        return self.add("sad_in", "decapsulate", match, params | changes)

    def accept(self, sa_id: int = 9, **match) -> None:
        """The SA's selectors: 10.0.2.0/24 towards 10.0.1.0/24."""
        selectors = {
            "sa_id": sa_id,
            "source": (ip("10.0.2.0"), 0xFFFFFF00),
            "destination": (ip("10.0.1.0"), 0xFFFFFF00),
        }
        self.add("sa_selectors", "accept_", selectors | match, priority=1)

    def inject(self, packet: Packet | bytes, port: int = 1) -> None:
        self.datapath.inject(port, bytes(packet))

    def take_sent(self) -> list[tuple[int, bytes]]:
        sent, self.sent[:] = list(self.sent), []
        return sent

    def take_punted(self) -> list[PacketIn]:
        punted, self.punted[:] = list(self.punted), []
        return punted

    def drops(self) -> dict[int, int]:
        """Packets by drop reason."""
        (counter,) = [c for n, c in self.program.counters.items() if n.endswith("drop_counter")]
        return {i: cell.packets for i, cell in enumerate(counter.cells) if cell.packets}

    def limit(self, meter: str, index: int, config: MeterConfig) -> None:
        (array,) = [m for n, m in self.program.meters.items() if n.endswith("." + meter)]
        array.configure(index, config)

    def outbound(self, payload: bytes = b"x" * 100, **fields) -> Packet:
        """A packet of the host behind interface 1, for the network behind the peer."""
        defaults = {"src": "10.0.1.2", "dst": "10.0.2.2", "ttl": 64}
        udp = UDP(sport=1234, dport=5678)
        ether = Ether(src=self.HOST_MAC[1], dst=self.MAC[1])
        return ether / IP(**(defaults | fields)) / udp / Raw(payload)

    def inbound(self, payload: bytes = b"x" * 100, **fields) -> Packet:
        """A packet from the network behind the peer, as it comes from the peer in the clear."""
        defaults = {"src": "10.0.2.2", "dst": "10.0.1.2", "ttl": 63}
        udp = UDP(sport=5678, dport=1234)
        return self.from_peer() / IP(**(defaults | fields)) / udp / Raw(payload)

    def sealed(self, inner: bytes, sequence: int = 1, spi: int = 0x2002, **changes) -> bytes:
        """What `add_sa_in` opens, from IV to ICV; `changes` are passed to the encryption."""
        arguments = self.ALGORITHMS | {"key": self.KEY, "salt": self.SALT, "spi": spi}
        arguments |= {"sequence_number": sequence, "iv": sequence} | changes
        return esp.encapsulate(inner, **arguments)[1]

    def esp_from_peer(
        self, payload: bytes, sequence: int = 1, spi: int = 0x2002, **fields
    ) -> Packet:
        """ESP with a payload from IV to ICV; `fields` are the outer header's."""
        header = IP(src="192.0.2.2", dst="192.0.2.1", proto=50, **fields)
        return self.from_peer() / header / ESP(spi=spi, seq=sequence, data=payload)

    def from_peer(self) -> Packet:
        return Ether(src=self.HOST_MAC[2], dst=self.MAC[2])


@pytest.fixture
def router() -> Router:
    return Router().set_up()


@pytest.fixture
def blank_router() -> Router:
    """Nothing is configured."""
    return Router()


@pytest.fixture
def ipsec_router() -> Router:
    """The crypto map is bound to interface 2, and protects between the two networks."""
    router = Router().set_up(crypto_map=Router.CRYPTO_MAP)
    router.protect()
    return router


STANDARD_METADATA = [
    ("ingress_port", 9), ("egress_spec", 9), ("egress_port", 9), ("instance_type", 32),
    ("packet_length", 32), ("ingress_global_timestamp", 48), ("mcast_grp", 16),
    ("checksum_error", 1), ("parser_error", 32),
]  # fmt: skip
ERRORS = [
    ["NoError", 0], ["PacketTooShort", 1], ["NoMatch", 2], ["ParserInvalidArgument", 6],
]  # fmt: skip


class Snippet:
    """A small bmv2 program, written by hand, and what it makes of frames.

    Unless something else is asked for, header `h` of a (8 bits), b (16), c (4) and d (4) is
    extracted, the given primitives run in one action, and the frame leaves by port 1.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.document: dict = {
            "__meta__": {"version": [2, 23]},
            "header_types": [
                self.header_type("scalars_t", [("s", 8), ("t", 64), ("flag", 1), ("signed", 8)]),
                self.header_type("standard_metadata", STANDARD_METADATA),
                self.header_type("h_t", [("a", 8), ("b", 16), ("c", 4), ("d", 4)]),
            ],
            "headers": [
                {"name": "scalars", "id": 0, "header_type": "scalars_t", "metadata": True},
                {
                    "name": "standard_metadata",
                    "id": 1,
                    "header_type": "standard_metadata",
                    "metadata": True,
                },
            ],
            "errors": ERRORS,
            "parsers": [
                {
                    "name": "parser",
                    "init_state": "start",
                    "parse_states": [self.state("start", [self.extract("h")])],
                }
            ],
            "deparsers": [{"name": "deparser", "order": ["h"]}],
            "actions": [],
            "pipelines": [
                {"name": "ingress", "init_table": None, "tables": [], "conditionals": []},
                {"name": "egress", "init_table": None, "tables": [], "conditionals": []},
            ],
        }
        self.document["header_types"][0]["fields"][3][2] = True
        self.add_header("h", "h_t")

    @staticmethod
    def header_type(name: str, fields: list[tuple[str, int]]) -> dict:
        return {"name": name, "fields": [[field, bits, False] for field, bits in fields]}

    @staticmethod
    def state(name: str, ops: list, transitions: list | None = None, key: list | None = None):
        default = [{"type": "default", "value": None, "mask": None, "next_state": None}]
        return {
            "name": name,
            "parser_ops": ops,
            "transitions": default if transitions is None else transitions,
            "transition_key": key or [],
        }

    @staticmethod
    def extract(header: str) -> dict:
        return {"op": "extract", "parameters": [{"type": "regular", "value": header}]}

    @staticmethod
    def field(header: str, name: str) -> dict:
        return {"type": "field", "value": [header, name]}

    @staticmethod
    def hexstr(value: int) -> dict:
        return {"type": "hexstr", "value": hex(value)}

    @staticmethod
    def op(op: str, left: dict | None, right: dict, **more: dict) -> dict:
        return {"type": "expression", "value": {"op": op, "left": left, "right": right, **more}}

    def assign(self, target: dict, value: dict) -> dict:
        if value["type"] == "expression":
            value = {"type": "expression", "value": value}
        return {"op": "assign", "parameters": [target, value]}

    def add_header(self, name: str, type_name: str) -> None:
        headers = self.document["headers"]
        headers.append({"name": name, "id": len(headers), "header_type": type_name})

    def add_action(self, name: str, primitives: list, params: list | None = None) -> int:
        actions = self.document["actions"]
        runtime_data = [{"name": param, "bitwidth": bits} for param, bits in params or []]
        actions.append(
            {
                "name": name,
                "id": len(actions),
                "runtime_data": runtime_data,
                "primitives": primitives,
            }
        )
        return len(actions) - 1

    def add_table(
        self,
        name: str,
        keys: list,
        actions: list[int],
        default: int,
        next_tables: dict | None = None,
        pipeline: int = 0,
        **more,
    ) -> dict:
        """Append a table. `keys`: (match kind, header, field)."""
        names = [self.document["actions"][action]["name"] for action in actions]
        table = {
            "name": name,
            "key": [
                {"match_type": kind, "name": f"{header}.{field}", "target": [header, field]}
                for kind, header, field in keys
            ],
            "type": "simple",
            "max_size": 1024,
            "action_ids": actions,
            "actions": names,
            "next_tables": dict.fromkeys(names) if next_tables is None else next_tables,
            "default_entry": {
                "action_id": default,
                "action_const": True,
                "action_entry_const": True,
                "action_data": [],
            },
        } | more
        self.document["pipelines"][pipeline]["tables"].append(table)
        return table

    def run_in_ingress(self, *primitives: dict, port: int = 1) -> Snippet:
        """Make ingress one action of these primitives."""
        send = self.assign(self.field("standard_metadata", "egress_spec"), self.hexstr(port))
        action = self.add_action("main", [send, *primitives])
        self.add_table("tbl_main", [], [action], action)
        self.document["pipelines"][0]["init_table"] = "tbl_main"
        return self

    def load(self) -> Snippet:
        self.datapath = EmbeddedDatapath(self.clock)
        self.program = self.datapath.compile(json.dumps(self.document).encode())
        self.datapath.commit(self.program)
        return self

    def send(self, frame: bytes, port: int = 0) -> bytes | None:
        """Inject a frame; what leaves by port 1, or None."""
        if not hasattr(self, "datapath"):
            self.load()
        out: list[bytes] = []
        self.digests: list = []
        self.datapath.on_transmit = lambda port, data: out.append(data) if port == 1 else None
        self.datapath.on_digest = lambda name, values: self.digests.append((name, values))
        self.datapath.inject(port, frame)
        return out[0] if out else None


@pytest.fixture
def snippet() -> Snippet:
    return Snippet()


@pytest.fixture
def make_snippet():
    return Snippet
