"""``p4ipsec switch embedded`` and ``p4ipsec switch bmv2``: the same options, either target."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from bmv2.switch_options import (
    DEFAULT_CPU_PORT,
    DEFAULT_GRPC_ADDRESS,
    OptionsError,
    SwitchOptions,
    TlsFiles,
    parse_port_spec,
)
from controller.cli.output import fail
from controller.cli.run import LogFormatOption, LogLevelOption
from controller.logging import LogFormat, LogLevel, configure_logging

GrpcAddressOption = Annotated[
    list[str],
    typer.Option(
        metavar="ADDRESS",
        help="Serve P4Runtime on HOST:PORT or unix:PATH; can be repeated (embedded only).",
    ),
]
DeviceIdOption = Annotated[int, typer.Option(min=1, help="The P4Runtime device id.")]
PortOption = Annotated[
    list[str],
    typer.Option(
        metavar="NUMBER=INTERFACE",
        help="A port: 1=veth1, or 2=tap:tap2 for a TAP device that the switch makes"
        " (embedded only); can be repeated.",
    ),
]
CpuPortOption = Annotated[int, typer.Option(help="The controller's port number.")]
TlsCertificateOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="PEM certificate of P4Runtime's server.")
]
TlsKeyOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="PEM key of that certificate.")
]
TlsClientCaOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="PEM authority that signs clients.")
]

switch = typer.Typer(no_args_is_help=True, help="Run a P4Runtime switch on this machine.")


@switch.callback()
def targets() -> None:
    """Run a P4Runtime switch on this machine."""


@switch.command("embedded")
def embedded(
    grpc_address: GrpcAddressOption = [DEFAULT_GRPC_ADDRESS],  # noqa: B006 - typer copies it
    device_id: DeviceIdOption = 1,
    port: PortOption = [],  # noqa: B006 - typer copies it
    cpu_port: CpuPortOption = DEFAULT_CPU_PORT,
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
    tls_client_ca: TlsClientCaOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Run the embedded switch in the foreground, until SIGTERM or SIGINT."""
    tls = _tls_files(tls_certificate, tls_key, tls_client_ca)
    options = _options(grpc_address, device_id, port, cpu_port, tls)
    configure_logging(log_format, log_level)
    asyncio.run(_run_embedded(options))


@switch.command("bmv2")
def bmv2(
    grpc_address: GrpcAddressOption = [DEFAULT_GRPC_ADDRESS],  # noqa: B006 - typer copies it
    device_id: DeviceIdOption = 1,
    port: PortOption = [],  # noqa: B006 - typer copies it
    cpu_port: CpuPortOption = DEFAULT_CPU_PORT,
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
    tls_client_ca: TlsClientCaOption = None,
    simple_switch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="simple_switch_grpc, where it is not on the PATH."),
    ] = None,
    extern: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The ESP extern, where it is not in build/extern."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start the switch again when it crashes.")
    ] = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Run bmv2 (simple_switch_grpc) in the foreground, until SIGTERM or SIGINT."""
    tls = _tls_files(tls_certificate, tls_key, tls_client_ca)
    options = _options(grpc_address, device_id, port, cpu_port, tls)
    configure_logging(log_format, log_level)
    asyncio.run(_run_bmv2(options, simple_switch, extern, restart))


def _tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> TlsFiles | None:
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key go together")
    if certificate is not None and key is not None:
        return TlsFiles(certificate, key, client_ca)
    if client_ca is not None:
        raise typer.BadParameter("--tls-client-ca needs --tls-certificate and --tls-key")
    return None


def _options(
    grpc_addresses: list[str],
    device_id: int,
    ports: list[str],
    cpu_port: int,
    tls: TlsFiles | None,
) -> SwitchOptions:
    try:
        return SwitchOptions(
            grpc_addresses=tuple(grpc_addresses),
            device_id=device_id,
            ports=tuple(parse_port_spec(text) for text in ports),
            cpu_port=cpu_port,
            tls=tls,
        )
    except OptionsError as error:
        raise typer.BadParameter(str(error)) from None


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stop.set)
    return stop


async def _run_embedded(options: SwitchOptions) -> None:
    from bmv2.embedded.p4runtime.grpc_server import ServeError
    from bmv2.embedded.ports.port import PortError
    from bmv2.embedded.switch import run

    try:
        await run(options, _stop_on_signal())
    except (OptionsError, PortError, ServeError) as error:
        fail(str(error))


async def _run_bmv2(
    options: SwitchOptions, program: Path | None, extern: Path | None, restart: bool
) -> None:
    from bmv2.simple_switch import SimpleSwitchError, run

    try:
        await run(options, _stop_on_signal(), program=program, extern=extern, restart=restart)
    except SimpleSwitchError as error:
        fail(str(error))
