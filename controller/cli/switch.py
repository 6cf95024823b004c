"""``p4ipsec switch embedded``."""

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

switch = typer.Typer(no_args_is_help=True, help="Run a P4Runtime switch on this machine.")


@switch.callback()
def targets() -> None:
    """Run a P4Runtime switch on this machine."""


@switch.command("embedded")
def embedded(
    grpc_address: Annotated[
        list[str],
        typer.Option(
            metavar="ADDRESS", help="Serve P4Runtime on HOST:PORT or unix:PATH; can be repeated."
        ),
    ] = [DEFAULT_GRPC_ADDRESS],  # noqa: B006 - typer copies it
    device_id: Annotated[int, typer.Option(min=1, help="The P4Runtime device id.")] = 1,
    port: Annotated[
        list[str],
        typer.Option(
            metavar="NUMBER=INTERFACE",
            help="A port: 1=veth1, or 2=tap:tap2 for a TAP device that the switch makes;"
            " can be repeated.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    cpu_port: Annotated[int, typer.Option(help="The controller's port number.")] = DEFAULT_CPU_PORT,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM certificate of P4Runtime's server.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM key of that certificate.")
    ] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM authority that signs clients.")
    ] = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Run the embedded switch in the foreground, until SIGTERM or SIGINT."""
    if (tls_certificate is None) != (tls_key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key go together")
    tls = None
    if tls_certificate is not None and tls_key is not None:
        tls = TlsFiles(tls_certificate, tls_key, tls_client_ca)
    elif tls_client_ca is not None:
        raise typer.BadParameter("--tls-client-ca needs --tls-certificate and --tls-key")
    try:
        options = SwitchOptions(
            grpc_addresses=tuple(grpc_address),
            device_id=device_id,
            ports=tuple(parse_port_spec(text) for text in port),
            cpu_port=cpu_port,
            tls=tls,
        )
    except OptionsError as error:
        raise typer.BadParameter(str(error)) from None
    configure_logging(log_format, log_level)
    asyncio.run(_run(options))


async def _run(options: SwitchOptions) -> None:
    from bmv2.embedded.p4runtime.grpc_server import ServeError
    from bmv2.embedded.ports.port import PortError
    from bmv2.embedded.switch import run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stop.set)
    try:
        await run(options, stop)
    except (OptionsError, PortError, ServeError) as error:
        fail(str(error))
