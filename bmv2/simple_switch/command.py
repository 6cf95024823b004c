"""The command line of `simple_switch_grpc`."""

from __future__ import annotations

import socket
from pathlib import Path

from bmv2.simple_switch.errors import SimpleSwitchError
from bmv2.simple_switch.installation import Installation
from bmv2.switch_options import PortKind, PortSpec, SwitchOptions

INTERFACES = Path("/sys/class/net")
"""Where the kernel lists them."""

_IFF_UP = 1


def command_line(
    installation: Installation, options: SwitchOptions, address: str, thrift_port: int | None
) -> list[str]:
    """Return program and arguments.

    Args:
        installation: What is started.
        options: What it is told.
        address: Where it serves P4Runtime, with a port that is not 0.
        thrift_port: A free TCP port; None for a bmv2 without Thrift.
    """
    # At the levels below, bmv2 would log the parameters of table entries, and with them keys.
    command = [str(installation.program), "--no-p4", "--log-console", "--log-level", "info"]
    command += ["--device-id", str(options.device_id)]
    for port in options.ports:
        command += ["--interface", f"{port.number}@{port.name}"]
    if thrift_port is not None:
        command += ["--thrift-port", str(thrift_port)]
    command += ["--", "--grpc-server-addr", address]
    command += ["--cpu-port", str(options.cpu_port)]
    command += ["--load-modules", str(installation.extern)]
    if options.tls is not None:
        command += ["--grpc-server-ssl"]
        command += ["--grpc-server-cert", str(options.tls.certificate)]
        command += ["--grpc-server-key", str(options.tls.private_key)]
        if options.tls.client_ca is not None:
            command += ["--grpc-server-cacert", str(options.tls.client_ca)]
            command += ["--grpc-server-with-client-auth"]
    return command


def check_options(options: SwitchOptions) -> None:
    """Look at what bmv2 itself would not complain of, or not in a way that helps.

    Raises:
        SimpleSwitchError: bmv2 has no such thing, or a file or an interface is not there.
    """
    if len(options.grpc_addresses) != 1:
        raise SimpleSwitchError(
            "bmv2 serves P4Runtime on one address only: leave out "
            + ", ".join(options.grpc_addresses[1:])
        )
    if options.cpu_port == 0:
        raise SimpleSwitchError("bmv2's CPU port cannot be 0: choose one from 1 to 510")
    for port in options.ports:
        _check_port(port)
    if options.tls is not None:
        for path in (options.tls.certificate, options.tls.private_key, options.tls.client_ca):
            if path is not None:
                _check_file(path)


def _check_port(port: PortSpec) -> None:
    if port.kind is PortKind.TAP:
        raise SimpleSwitchError(
            f"port {port}: bmv2 makes no TAP devices; make a veth pair"
            f" (ip link add {port.name} type veth peer name PEER) and give it PEER"
        )
    try:
        flags = int((INTERFACES / port.name / "flags").read_text(), 16)
    except (OSError, ValueError):
        names = sorted(entry.name for entry in INTERFACES.iterdir())
        raise SimpleSwitchError(
            f"port {port}: there is no network interface {port.name}; there are {', '.join(names)}"
        ) from None
    if not flags & _IFF_UP:
        raise SimpleSwitchError(f"port {port}: is down; ip link set {port.name} up")


def _check_file(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SimpleSwitchError(f"{path} cannot be read: {error.strerror}") from None


def resolve_address(address: str) -> str:
    """Return the address with a free port where it has port 0, which bmv2 would not tell.

    Raises:
        SimpleSwitchError: The address is not one of this machine.
    """
    if address.startswith("unix:"):
        return address
    host, _, port = address.rpartition(":")
    if int(port) != 0:
        return address
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((bare, 0))
            return f"{host}:{probe.getsockname()[1]}"
    except OSError as error:
        raise SimpleSwitchError(f"{address}: {error.strerror}") from None


def free_tcp_port() -> int:
    """Return a TCP port that nobody listens on, at any address of this machine."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port
