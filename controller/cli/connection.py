"""The way to the running controller: where it is, and what is said if it isn't there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from controller.api.client import Client, ClientTls
from controller.api.errors import ApiError, NotRunningError
from controller.cli.output import ExitCode, fail
from controller.config.models import DEFAULT_API
from controller.config.scalars import Endpoint, endpoint

ENVIRONMENT = "P4IPSEC_API"

SOCKET_HELP = (
    "Where the controller is: a socket's path, unix:PATH or HOST:PORT."
    f" Default: ${ENVIRONMENT}, or {DEFAULT_API}."
)
Socket = Annotated[str | None, typer.Option("--socket", metavar="ADDRESS", help=SOCKET_HELP)]
"""Commands take it without reading it: `connected` looks for it, here and before the command."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]


def parse_address(word: str) -> Endpoint:
    """Read an address of the API; a path alone is that of a Unix socket.

    Raises:
        ValueError: with what was expected.
    """
    if "/" in word and not word.startswith("unix:"):
        word = f"unix:{word}"
    return endpoint(word)


@contextmanager
def connected(context: typer.Context) -> Iterator[Client]:
    """Give a client, and turn its errors into a sentence and an exit code."""
    word = _option(context, "socket")
    try:
        address = parse_address(word) if word else DEFAULT_API
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--socket") from None
    try:
        with Client(address, _tls(context)) as client:
            yield client
    except NotRunningError as error:
        fail(str(error), ExitCode.NOT_RUNNING)
    except ApiError as error:
        fail(str(error))


def _option(context: typer.Context, name: str) -> Any:
    """Return an option's value from the command, or the nearest one before it that has it."""
    at: Any = context
    while at is not None:
        value = at.params.get(name)
        if value is not None:
            return value
        at = at.parent
    return None


def _tls(context: typer.Context) -> ClientTls | None:
    authorities: Path | None = _option(context, "tls_ca")
    certificate: Path | None = _option(context, "tls_certificate")
    key: Path | None = _option(context, "tls_key")
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--tls-certificate and --tls-key go together")
    if authorities is None:
        if certificate is not None:
            raise typer.BadParameter("--tls-certificate needs --tls-ca")
        return None
    return ClientTls(authorities, certificate, key)
