"""UDP sockets that live in a namespace, opened by a process that does not."""

from __future__ import annotations

import ctypes
import os
import socket
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
    # Only the thread that asks moves into the namespace, and it ends right after.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_open_inside, namespace, local).result()


def _open_inside(namespace: Namespace, local: UdpAddress) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(Path("/run/netns") / namespace.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            opened.bind((str(local.address), local.port))
        except OSError:
            opened.close()
            raise
    except OSError as error:
        raise LabError(f"{local} in namespace {namespace.name}: {error}") from error
    return opened
