"""Sockets that live in a namespace, opened by a process that does not."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ike.types import UdpAddress
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_BUFFER = 1 << 20  # bytes


def open_udp_socket(namespace: Namespace, local: UdpAddress) -> socket.socket:
    """Open a socket in a namespace, bound and not blocking. It stays there, whoever uses it.

    Raises:
        LabError: there is no such namespace, or the address can't be bound in it.
    """

    def open_udp() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        return _bound(opened, (str(local.address), local.port))

    return _open(namespace, open_udp, str(local))


def open_packet_socket(namespace: Namespace, interface: str) -> socket.socket:
    """Open a socket that sends frames by an interface of a namespace, and receives none.

    Raises:
        LabError: there is no such namespace or interface.
    """

    def open_packet() -> socket.socket:
        return _bound(socket.socket(socket.AF_PACKET, socket.SOCK_RAW), (interface, 0))

    return _open(namespace, open_packet, interface)


def _bound(opened: socket.socket, address: tuple[str, int]) -> socket.socket:
    try:
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened


def _open(
    namespace: Namespace, open_socket: Callable[[], socket.socket], what: str
) -> socket.socket:
    # Only the thread that asks moves into the namespace, and it ends right after.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_open_inside, namespace, open_socket, what).result()


def _open_inside(
    namespace: Namespace, open_socket: Callable[[], socket.socket], what: str
) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(Path("/run/netns") / namespace.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)
        return open_socket()
    except OSError as error:
        raise LabError(f"{what} in namespace {namespace.name}: {error}") from error
