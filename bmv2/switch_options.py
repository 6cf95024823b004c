"""What a switch is told when it starts, the same for every target.

::

    SwitchOptions(
        grpc_addresses=("127.0.0.1:9559", "unix:/run/p4ipsec/s1.sock"),
        device_id=1,
        ports=tuple(parse_port_spec(text) for text in ("1=veth1", "2=tap:tap2")),
    )
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DEFAULT_GRPC_ADDRESS = "127.0.0.1:9559"
DEFAULT_CPU_PORT = 510
MAX_PORT = 510
"""v1model ports have 9 bits, and 511 means "drop"."""

MAX_DEVICE_ID = 2**64 - 1

MAX_TCP_PORT = 65535

_MAX_UNIX_PATH = 107  # sun_path, less the NUL
_MAX_INTERFACE_NAME = 15  # IFNAMSIZ, less the NUL
_PORT_SPEC = re.compile(r"(\d+)[=@](?:(tap):)?([^\s/:]+)")


class OptionsError(ValueError):
    """Options that no switch can be started with; the message names the option."""


class PortKind(StrEnum):
    """What a port is made of."""

    INTERFACE = "interface"
    """A network interface that exists, such as one end of a veth."""
    TAP = "tap"
    """A TAP device that the switch makes."""


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One port: its number in the P4 program, and the interface that it is."""

    number: int
    name: str
    kind: PortKind = PortKind.INTERFACE

    def __post_init__(self) -> None:
        if not 0 <= self.number <= MAX_PORT:
            raise OptionsError(f"port {self.number}: a port's number is from 0 to {MAX_PORT}")
        if not self.name or len(self.name.encode()) > _MAX_INTERFACE_NAME:
            raise OptionsError(
                f"port {self.number}: an interface's name has 1 to {_MAX_INTERFACE_NAME} bytes"
            )

    def __str__(self) -> str:
        prefix = "tap:" if self.kind is PortKind.TAP else ""
        return f"{self.number}={prefix}{self.name}"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files for TLS; with ``client_ca`` clients need a certificate of that CA."""

    certificate: Path
    private_key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class SwitchOptions:
    """How to start a switch.

    Attributes:
        grpc_addresses: Where to serve P4Runtime: ``host:port``, or ``unix:`` and a path.
        device_id: The device id that P4Runtime clients name.
        ports: The ports; none may be listed twice.
        cpu_port: The port that is the controller.
        tls: Encrypt P4Runtime with these; None: do not encrypt.
    """

    grpc_addresses: tuple[str, ...] = (DEFAULT_GRPC_ADDRESS,)
    device_id: int = 1
    ports: tuple[PortSpec, ...] = ()
    cpu_port: int = DEFAULT_CPU_PORT
    tls: TlsFiles | None = None

    def __post_init__(self) -> None:
        if not self.grpc_addresses:
            raise OptionsError("a switch needs an address to serve P4Runtime on")
        for address in self.grpc_addresses:
            _check_address(address)
        if not 1 <= self.device_id <= MAX_DEVICE_ID:
            raise OptionsError(f"device id {self.device_id}: is from 1 to 2**64 - 1")
        if not 0 <= self.cpu_port <= MAX_PORT:
            raise OptionsError(f"CPU port {self.cpu_port}: a port's number is from 0 to {MAX_PORT}")
        numbers: set[int] = {self.cpu_port}
        names: set[str] = set()
        for port in self.ports:
            if port.number == self.cpu_port:
                raise OptionsError(f"port {port.number} is the CPU port")
            if port.number in numbers:
                raise OptionsError(f"port {port.number} is given twice")
            if port.name in names:
                raise OptionsError(f"interface {port.name} is given twice")
            numbers.add(port.number)
            names.add(port.name)


def _check_address(address: str) -> None:
    if address.startswith("unix:"):
        if not 0 < len(address.removeprefix("unix:").encode()) <= _MAX_UNIX_PATH:
            raise OptionsError(f"gRPC address {address}: a path has 1 to {_MAX_UNIX_PATH} bytes")
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > MAX_TCP_PORT:
        raise OptionsError(f"gRPC address {address!r}: write HOST:PORT or unix:PATH")


def parse_port_spec(text: str) -> PortSpec:
    """Read ``NUMBER=INTERFACE`` or ``NUMBER=tap:NAME``; bmv2's ``NUMBER@INTERFACE`` does as well.

    Raises:
        OptionsError: It is neither.
    """
    found = _PORT_SPEC.fullmatch(text.strip())
    if found is None:
        raise OptionsError(f"port {text!r}: write NUMBER=INTERFACE or NUMBER=tap:NAME")
    number, kind, name = found.groups()
    if len(number) > len(str(MAX_PORT)):
        raise OptionsError(f"port {text!r}: a port's number is from 0 to {MAX_PORT}")
    return PortSpec(int(number), name, PortKind.TAP if kind else PortKind.INTERFACE)
