"""The command's tree. Its words are IOS's where IOS has the command."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from controller.cli import configure
from controller.cli.check import check
from controller.cli.clear import clear
from controller.cli.connection import ENVIRONMENT, SOCKET_HELP
from controller.cli.monitor import monitor
from controller.cli.output import emit
from controller.cli.run import run
from controller.cli.show import show
from controller.cli.switch import switch

app = typer.Typer(
    name="p4ipsec",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    # A traceback with local variables would show keys.
    pretty_exceptions_enable=False,
)


def _version_text() -> str:
    return f"p4ipsec {metadata.version('p4-passive-ipsec')}"


def _print_version(wanted: bool) -> None:
    if wanted:
        emit(_version_text())
        raise typer.Exit


@app.callback()
def p4ipsec(
    socket: Annotated[
        str | None,
        typer.Option("--socket", envvar=ENVIRONMENT, metavar="ADDRESS", help=SOCKET_HELP),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="P4IPSEC_TLS_CA",
            metavar="FILE",
            help="Reach the controller over TLS; PEM authority that has signed its certificate.",
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            envvar="P4IPSEC_TLS_CERTIFICATE", metavar="FILE", help="PEM certificate to show it."
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(envvar="P4IPSEC_TLS_KEY", metavar="FILE", help="PEM key of that certificate."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Its version.")
    ] = False,
) -> None:
    """IPsec passive mode for P4-programmable routers.

    Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 no controller at the address.
    """


@app.command()
def version() -> None:
    """Print the version."""
    emit(_version_text())


app.command()(run)
app.command()(check)
app.add_typer(switch, name="switch")
app.add_typer(show, name="show")
app.add_typer(clear, name="clear")
app.add_typer(configure.crypto, name="crypto")
app.add_typer(configure.no, name="no")
app.add_typer(configure.write, name="write")
app.command()(monitor)
