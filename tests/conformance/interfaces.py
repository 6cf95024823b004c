"""The ports of a switch that are network interfaces of this machine."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping

ETH_P_ALL = 3
LONGEST = 65_536
SECONDS_TO_COME_OUT = 0.25
"""A frame that has not come out by then will not."""


class Interfaces:
    """`tests.conformance.client.Wire`, on packet sockets; needs root.

    Args:
        names: The interface that leads to each port, by port: of a veth pair the end that the
            switch does not have.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = dict(names)
        self._sockets: dict[int, socket.socket] = {}
        for port, name in names.items():
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            opened.bind((name, ETH_P_ALL))
            self._sockets[port] = opened

    def send(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        if port not in self._sockets:
            raise ValueError(f"no interface was given for port {port}: --port {port}=NAME")
        return self.during(lambda: self._sockets[port].sendall(frame))

    def during(self, act: Callable[[], None]) -> list[tuple[int, bytes]]:
        self._receive(0)  # what came of itself, such as neighbour discovery
        act()
        return self._receive(SECONDS_TO_COME_OUT)

    def _receive(self, seconds: float) -> list[tuple[int, bytes]]:
        ports = {opened: port for port, opened in self._sockets.items()}
        received: list[tuple[int, bytes]] = []
        deadline = time.monotonic() + seconds
        while ready := select.select(ports, [], [], max(0.0, deadline - time.monotonic()))[0]:
            for opened in ready:
                frame, address = opened.recvfrom(LONGEST)
                if address[2] != socket.PACKET_OUTGOING:
                    received.append((ports[opened], frame))
        return received

    def close(self) -> None:
        for opened in self._sockets.values():
            opened.close()
