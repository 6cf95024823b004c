"""A port that is a TAP device of its own: the other end of its wire is a network interface."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import socket
import struct

from bmv2.embedded.ports.port import MAX_FRAMES_PER_WAKE, PortError, Receive, ignore_frame

DEFAULT_MTU = 1500

_log = logging.getLogger(__name__)

_TUN_DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCSIFMTU = 0x8922
_IFF_UP = 0x1
_REQUEST_FLAGS = struct.Struct("@16sH22x")
_REQUEST_MTU = struct.Struct("@16si20x")
_MAX_FRAME = 65536


class TapPort:
    """A port on a TAP device that is made for it and goes away with it; see `Port`."""

    def __init__(self, number: int, name: str, mtu: int = DEFAULT_MTU) -> None:
        """Make the device and bring it up; needs a running event loop.

        Args:
            number: The port's number.
            name: The name of the device, up to 15 characters.
            mtu: Its MTU, in bytes.

        Raises:
            PortError: The device cannot be made: the process lacks CAP_NET_ADMIN, say.
        """
        self.number = number
        self.name = name
        self.on_receive: Receive = ignore_frame
        self.send_failures = 0
        self._fd = _open(number, name, mtu)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._drain)

    def send(self, frame: bytes) -> None:
        """Send a frame to the interface; dropped if its queue is full or it is down."""
        try:
            os.write(self._fd, frame)
        except OSError:
            self.send_failures += 1

    def close(self) -> None:
        """Remove the device."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _drain(self) -> None:
        for _ in range(MAX_FRAMES_PER_WAKE):
            if self._fd < 0:
                return
            try:
                frame = os.read(self._fd, _MAX_FRAME)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:  # the interface is down for now
                    _log.error("port %d: %s is gone: %s", self.number, self.name, error.strerror)
                    self._loop.remove_reader(self._fd)
                return
            self.on_receive(frame)


def _open(number: int, name: str, mtu: int) -> int:
    where = f"port {number}: TAP device {name}"
    try:
        fd = os.open(_TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PortError(f"{where}: cannot open {_TUN_DEVICE}: {error.strerror}") from error
    try:
        request = _REQUEST_FLAGS.pack(name.encode(), _IFF_TAP | _IFF_NO_PI)
        fcntl.ioctl(fd, _TUNSETIFF, request)
        _bring_up(name, mtu)
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EPERM:
            raise PortError(f"{where} needs CAP_NET_ADMIN: run as root") from None
        if error.errno == errno.EBUSY:
            raise PortError(f"{where} is in use by another process") from None
        raise PortError(f"{where}: {error.strerror}") from error
    return fd


def _bring_up(name: str, mtu: int) -> None:
    interface = name.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFMTU, _REQUEST_MTU.pack(interface, mtu))
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, _REQUEST_FLAGS.pack(interface, 0))
        _, flags = _REQUEST_FLAGS.unpack(answer)
        fcntl.ioctl(control, _SIOCSIFFLAGS, _REQUEST_FLAGS.pack(interface, flags | _IFF_UP))
