"""``p4ipsec clear crypto sa [peer A]``."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

import typer

from controller.cli.connection import Socket, connected
from controller.cli.output import emit
from controller.cli.render.text import plural

clear = typer.Typer(no_args_is_help=True, help="Delete what the controller has built up.")
crypto = typer.Typer(no_args_is_help=True, help="IPsec.")
sa = typer.Typer(invoke_without_command=True)
clear.add_typer(crypto, name="crypto")
crypto.add_typer(sa, name="sa")


def _address(word: str) -> IPv4Address:
    try:
        return IPv4Address(word)
    except ValueError:
        raise typer.BadParameter(f"expected an IPv4 address, not {word!r}") from None


@sa.callback()
def all_peers(context: typer.Context, socket: Socket = None) -> None:
    """Delete SAs, here and at the peers; traffic brings them up again."""
    if context.invoked_subcommand is None:
        _clear(context, None)


@sa.command("peer")
def one_peer(
    context: typer.Context,
    address: Annotated[
        IPv4Address, typer.Argument(parser=_address, metavar="A.B.C.D", help="The peer.")
    ],
    socket: Socket = None,
) -> None:
    """Delete the SAs with one peer."""
    _clear(context, address)


def _clear(context: typer.Context, peer: IPv4Address | None) -> None:
    with connected(context) as client:
        cleared = client.clear_crypto_sa(peer)
    emit(f"{plural(cleared, 'pair')} of SAs cleared.")
