"""``p4ipsec show ...``."""

from __future__ import annotations

import typer

from controller.cli.connection import Json, Socket, connected
from controller.cli.output import emit
from controller.cli.render import crypto_map as map_text
from controller.cli.render import crypto_optional as optional_text
from controller.cli.render import ipsec_sa as ipsec_sa_text
from controller.cli.render import isakmp_detail as isakmp_detail_text
from controller.cli.render import isakmp_sa as isakmp_sa_text
from controller.cli.render import pki as pki_text
from controller.cli.render import switch as switch_text
from controller.cli.render.json import list_to_json, to_json

show = typer.Typer(no_args_is_help=True, help="Show the running controller's state.")
crypto = typer.Typer(no_args_is_help=True, help="IPsec: passive mode, crypto maps, SAs.")
ipsec = typer.Typer(no_args_is_help=True, help="IPsec SAs.")
isakmp = typer.Typer(no_args_is_help=True, help="IKE SAs.")
show.add_typer(crypto, name="crypto")
crypto.add_typer(ipsec, name="ipsec")
crypto.add_typer(isakmp, name="isakmp")
pki = typer.Typer(no_args_is_help=True, help="Certificates.")
crypto.add_typer(pki, name="pki")
isakmp_sa = typer.Typer(invoke_without_command=True)
isakmp.add_typer(isakmp_sa, name="sa")


@crypto.command("optional")
def crypto_optional(context: typer.Context, json: Json = False, socket: Socket = None) -> None:
    """Is passive mode on, and who is reached in the clear because of it?"""
    with connected(context) as client:
        status = client.show_crypto_optional()
    emit(to_json(status) if json else optional_text.render(status))


@crypto.command("map")
def crypto_map(context: typer.Context, json: Json = False, socket: Socket = None) -> None:
    """The entries of the crypto maps, and the interfaces that use them."""
    with connected(context) as client:
        entries = client.show_crypto_map()
    emit(list_to_json("crypto_maps", entries) if json else map_text.render(entries))


@ipsec.command("sa")
def crypto_ipsec_sa(context: typer.Context, json: Json = False, socket: Socket = None) -> None:
    """Every packet type: its SAs, and how many packets were encrypted, held and clear."""
    with connected(context) as client:
        entries = client.show_crypto_ipsec_sa()
    emit(list_to_json("ipsec_sas", entries) if json else ipsec_sa_text.render(entries))


@isakmp_sa.callback()
def crypto_isakmp_sa(context: typer.Context, json: Json = False, socket: Socket = None) -> None:
    """The IKE SAs, their state, and why the last attempt failed."""
    if context.invoked_subcommand is not None:
        return
    with connected(context) as client:
        entries = client.show_crypto_isakmp_sa()
    emit(list_to_json("isakmp_sas", entries) if json else isakmp_sa_text.render(entries))


@isakmp_sa.command("detail")
def crypto_isakmp_sa_detail(
    context: typer.Context, json: Json = False, socket: Socket = None
) -> None:
    """All of the IKE SAs and peers, and why the last negotiations failed, on either side."""
    with connected(context) as client:
        status = client.show_crypto_isakmp_sa_detail()
    emit(to_json(status) if json else isakmp_detail_text.render(status))


@pki.command("certificates")
def crypto_pki_certificates(
    context: typer.Context, json: Json = False, socket: Socket = None
) -> None:
    """The certificates of the trustpoints, and when they expire."""
    with connected(context) as client:
        entries = client.show_crypto_pki_certificates()
    emit(list_to_json("certificates", entries) if json else pki_text.render(entries))


@show.command("switch")
def switch(context: typer.Context, json: Json = False, socket: Socket = None) -> None:
    """The connection to the data plane, and what it has dropped."""
    with connected(context) as client:
        status = client.show_switch()
    emit(to_json(status) if json else switch_text.render(status))
