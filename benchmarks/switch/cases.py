"""What is measured: a program, its entries, and the frames that it forwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network

from finsy.proto import p4r

from benchmarks import frames
from benchmarks.plain_forwarding.entries import PROGRAM, PlainRouter
from controller.p4runtime.codec import encode_entity, load_schema
from controller.p4runtime.tables import report_meters
from tests.bmv2.datapath.conftest import Router
from tests.conformance.client import OURS, P4RuntimeSwitch, Program
from tests.conformance.p4runtime_router import P4RuntimeRouter

PLAIN_FORWARDING = "plain forwarding"
CLEAR = "clear"


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: What it is called.
        set_up: Loads the program, and writes its entries.
        frame: Makes the frame that is sent, of an IP packet of so many bytes.
        port: Where it comes in; it goes out by the other one.
        program: Which program.
    """

    name: str
    set_up: Callable[[P4RuntimeSwitch], object]
    frame: Callable[[int], bytes]
    port: int = 1
    program: Program = OURS


def _forward(switch: P4RuntimeSwitch) -> None:
    prefix = IPv4Network("10.0.2.0/24")
    PlainRouter(switch).add_route(prefix, 2, Router.MAC[2], Router.HOST_MAC[2])


def _clear(switch: P4RuntimeSwitch) -> None:
    P4RuntimeRouter(switch).set_up()


def _with_crypto_map(switch: P4RuntimeSwitch) -> P4RuntimeRouter:
    router = P4RuntimeRouter(switch)
    router.set_up(crypto_map=router.CRYPTO_MAP)
    router.protect()
    return router


def _in_the_clear(switch: P4RuntimeSwitch) -> None:
    """PM-3: the packet type has no SA, and the controller knows its destination."""
    router = _with_crypto_map(switch)
    router.set_passive_mode(True)
    router.add("no_sa", "clear", {"packet_type": 5})
    known = {"packet_type": 5, "destination": int(frames.FAR_HOST)}
    router.add("clear_destinations", "known", known)
    schema = load_schema()
    for cell in report_meters():
        switch.write(p4r.Update.MODIFY, encode_entity(schema, cell))


def _esp_out(switch: P4RuntimeSwitch) -> None:
    _with_crypto_map(switch).add_sa_out()


def _esp_in_udp_out(switch: P4RuntimeSwitch) -> None:
    _with_crypto_map(switch).add_sa_out(udp_destination_port=frames.ESP_PORT)


def _esp_in(switch: P4RuntimeSwitch) -> None:
    router = _with_crypto_map(switch)
    router.add_sa_in(frames.SPI_IN, anti_replay=0)  # takes the same packet again and again
    router.accept()


CASES = (
    Case(PLAIN_FORWARDING, _forward, frames.outbound, program=PROGRAM),
    Case(CLEAR, _clear, frames.outbound),
    Case("clear, passive mode", _in_the_clear, frames.outbound),
    Case("ESP out", _esp_out, frames.outbound),
    Case("ESP in", _esp_in, frames.inbound_esp, port=2),
    Case("ESP in UDP, out", _esp_in_udp_out, frames.outbound),
    Case(
        "ESP in UDP, in", _esp_in, lambda size: frames.inbound_esp(size, encapsulated=True), port=2
    ),
)
