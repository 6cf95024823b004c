"""``p4ipsec [no] crypto ipsec optional [retry SECONDS]`` and ``p4ipsec write memory``."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.api.backend import MAX_RETRY
from controller.api.client import Client
from controller.cli.connection import Socket, connected
from controller.cli.output import emit
from controller.passive.packet_type import DEFAULT_RETRY

crypto = typer.Typer(no_args_is_help=True, help="Configure IPsec on the running controller.")
ipsec = typer.Typer(no_args_is_help=True, help="IPsec.")
optional = typer.Typer(invoke_without_command=True)
crypto.add_typer(ipsec, name="ipsec")
ipsec.add_typer(optional, name="optional")

no = typer.Typer(no_args_is_help=True, help="Undo a configuration command.")
no_crypto = typer.Typer(no_args_is_help=True, help="IPsec.")
no_ipsec = typer.Typer(no_args_is_help=True, help="IPsec.")
no_optional = typer.Typer(invoke_without_command=True)
no.add_typer(no_crypto, name="crypto")
no_crypto.add_typer(no_ipsec, name="ipsec")
no_ipsec.add_typer(no_optional, name="optional")

write = typer.Typer(no_args_is_help=True, help="Save the running configuration.")

NOT_ENABLED = "Passive mode is disabled: this takes effect after 'p4ipsec crypto ipsec optional'."

_SECONDS = typer.Argument(min=1, max=MAX_RETRY, metavar="SECONDS")


@optional.callback()
def turn_on(context: typer.Context, socket: Socket = None) -> None:
    """Turn passive mode on: what has no SA after 10 seconds goes in the clear.

    The router is insecure while it is on.
    """
    if context.invoked_subcommand is None:
        _set_enabled(context, True)


@optional.command("retry")
def set_retry(
    context: typer.Context, seconds: Annotated[int, _SECONDS], socket: Socket = None
) -> None:
    """Set how long traffic goes in the clear before IKE is tried again."""
    _set_retry(context, seconds)


@no_optional.callback()
def turn_off(context: typer.Context, socket: Socket = None) -> None:
    """Turn passive mode off: nothing goes in the clear any more."""
    if context.invoked_subcommand is None:
        _set_enabled(context, False)


@no_optional.command("retry")
def reset_retry(
    context: typer.Context,
    seconds: Annotated[int | None, _SECONDS] = None,
    socket: Socket = None,
) -> None:
    """Go back to the default of 300 seconds, whatever SECONDS says (as on IOS)."""
    _set_retry(context, int(DEFAULT_RETRY))


@write.command("memory")
def memory(context: typer.Context, socket: Socket = None) -> None:
    """Save passive mode and its retry time into the controller's configuration file."""
    emit("Building configuration...")
    with connected(context) as client:
        path = client.write_memory()
    emit(f"[OK] {path}")


def _set_enabled(context: typer.Context, enabled: bool) -> None:
    with connected(context) as client:
        messages = client.set_crypto_optional(enabled=enabled)
    for message in messages:
        emit(message)


def _set_retry(context: typer.Context, seconds: int) -> None:
    client: Client
    with connected(context) as client:
        messages = client.set_crypto_optional(retry=seconds)
        is_enabled = client.show_crypto_optional().enabled
    for message in messages:
        emit(message)
    if not is_enabled:
        emit(NOT_ENABLED)
