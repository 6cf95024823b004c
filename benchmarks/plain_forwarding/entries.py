"""Loads the trivial router program, and writes its routes."""

from __future__ import annotations

from ipaddress import IPv4Network

from benchmarks.plain_forwarding import JSON_PATH, P4INFO_PATH
from tests.conformance.client import P4RuntimeSwitch, Program
from tests.conformance.p4runtime_router import P4RuntimeRouter

PROGRAM = Program(P4INFO_PATH, JSON_PATH)


class PlainRouter:
    """The program on a switch; it is loaded anew."""

    def __init__(self, switch: P4RuntimeSwitch) -> None:
        self._router = P4RuntimeRouter(switch)

    def add_route(self, prefix: IPv4Network, port: int, source: str, destination: str) -> None:
        """Send what is for a network out by a port, between these MAC addresses."""
        match = {"prefix": (int(prefix.network_address), prefix.prefixlen)}
        mac = self._router.mac
        params = {"port": port, "source": mac(source), "destination": mac(destination)}
        self._router.add("route", "forward", match, params)
