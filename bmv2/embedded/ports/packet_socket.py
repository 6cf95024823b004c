"""A port on an interface that exists: AF_PACKET, promiscuous (packet(7)).

The kernel hands over packets as its own stack sends them through a veth: not cut up, and without
their checksums. ``PACKET_VNET_HDR`` tells what is missing and `offload` does it, so neither end
needs ``ethtool``.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct

from bmv2.embedded.ports import offload
from bmv2.embedded.ports.port import MAX_FRAMES_PER_WAKE, PortError, Receive, ignore_frame

_log = logging.getLogger(__name__)

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_AUXDATA = 8
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23  # Linux 4.20
_PACKET_OUTGOING = 4
_PACKET_MR_PROMISC = 1
_SO_RCVBUFFORCE = 33

_MEMBERSHIP = struct.Struct("@iHH8s")
_AUXDATA = struct.Struct("@IIIHHHH")  # status, len, snaplen, mac, net, VLAN TCI, VLAN TPID
_TP_STATUS_VLAN_VALID = 0x10

_RECEIVE_BUFFER = 4 * 1024 * 1024
_MAX_FRAME = 65536 + 64


class PacketSocketPort:
    """A port on a network interface; see `Port`.

    Attributes:
        receive_failures: Frames whose missing checksum or segments could not be made up.
    """

    def __init__(self, number: int, name: str) -> None:
        """Open the interface; needs a running event loop.

        Raises:
            PortError: The interface is not there or is down, or the process lacks CAP_NET_RAW.
        """
        self.number = number
        self.name = name
        self.on_receive: Receive = ignore_frame
        self.send_failures = 0
        self.receive_failures = 0
        self._socket: socket.socket | None = _open(number, name)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)

    def send(self, frame: bytes) -> None:
        """Send a frame; one that is longer than the MTU, or finds the queue full, is dropped."""
        if self._socket is None:
            self.send_failures += 1
            return
        try:
            self._socket.send(offload.NOTHING_MISSING + frame)
        except OSError:
            self.send_failures += 1

    def close(self) -> None:
        """Close the socket; the interface stays."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _drain(self) -> None:
        for _ in range(MAX_FRAMES_PER_WAKE):
            if self._socket is None:
                return
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    _MAX_FRAME, socket.CMSG_SPACE(_AUXDATA.size)
                )
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("port %d: %s: %s", self.number, self.name, error.strerror)
                # Told once when the interface goes down; frames come again when it is back.
                if error.errno != errno.ENETDOWN:
                    self._loop.remove_reader(self._socket)
                return
            if address[2] != _PACKET_OUTGOING:
                self._take(data, ancillary)

    def _take(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        frames = offload.finish(data)
        if not frames:
            self.receive_failures += 1
        tag = _vlan_tag(ancillary)
        for frame in frames:
            self.on_receive(frame if tag is None else frame[:12] + tag + frame[12:])


def _open(number: int, name: str) -> socket.socket:
    where = f"port {number}: interface {name}"
    try:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise PortError(f"{where} needs CAP_NET_RAW: run as root") from None
    try:
        index = socket.if_nametoindex(name)
        opened.setblocking(False)
        opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        opened.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        _set_if_possible(opened, _SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        _set_if_possible(opened, socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        membership = _MEMBERSHIP.pack(index, _PACKET_MR_PROMISC, 0, bytes(8))
        opened.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
        opened.bind((name, _ETH_P_ALL))
        _check_up(opened)
    except OSError as error:
        opened.close()
        if error.errno in (errno.ENODEV, errno.ENXIO) or "interface" in str(error):
            raise PortError(f"{where} does not exist") from None
        if error.errno == errno.ENETDOWN:
            raise PortError(f"{where} is down: run `ip link set {name} up`") from None
        raise PortError(f"{where}: {error.strerror}") from error
    return opened


def _check_up(opened: socket.socket) -> None:
    """Binding to an interface that is down leaves an error behind; `OSError` if there is one."""
    error = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "")


def _set_if_possible(opened: socket.socket, level: int, option: int, value: int) -> None:
    """Set an option that an older kernel, or a process with less rights, can do without."""
    try:
        opened.setsockopt(level, option, value)
    except OSError as error:
        _log.debug("socket option %d: %s", option, error.strerror)


def _vlan_tag(ancillary: list[tuple[int, int, bytes]]) -> bytes | None:
    """The VLAN tag that the kernel took out of a frame."""
    for level, kind, data in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA and len(data) >= _AUXDATA.size:
            status, _, _, _, _, control, protocol = _AUXDATA.unpack_from(data)
            if status & _TP_STATUS_VLAN_VALID:
                return struct.pack("!HH", protocol or 0x8100, control)
    return None
