"""Network namespaces for the ports that need a kernel."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

T = TypeVar("T")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """A network namespace with one interface, whose other end is here under `outside`."""

    def __init__(self, name: str, outside: str, address: str) -> None:
        self.name, self.outside, self.address = name, outside, address
        ip("netns", "add", name)
        ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
        # This machine's own stack must not answer ARP there for an address that it happens to have.
        ip("link", "set", outside, "up", "arp", "off")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")

    def take_down(self) -> None:
        ip("link", "set", self.outside, "down")

    def remove(self) -> None:
        subprocess.run(["ip", "link", "del", self.outside], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in this namespace, in a thread of its own."""
        results: list[T] = []

        def enter() -> None:
            with open(f"/run/netns/{self.name}") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
                    raise OSError(ctypes.get_errno(), "setns")
            results.append(function())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return results[0]

    def socket(self, *arguments: int) -> socket.socket:
        return self.call(lambda: socket.socket(*arguments))


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts that only the test connects."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces and interfaces")
    made: list[Host] = []
    try:
        for number in (1, 2):
            tag = f"{os.getpid()}{number}"
            made.append(Host(f"ports{tag}", f"vp{tag}", f"192.0.2.{number}"))
        yield made[0], made[1]
    finally:
        for host in made:
            host.remove()
