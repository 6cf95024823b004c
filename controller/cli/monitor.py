"""``p4ipsec monitor``."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from controller.cli.connection import Json, Socket, connected
from controller.cli.output import emit
from controller.cli.render import message as message_text
from controller.cli.render.json import to_json_line
from controller.messages import HISTORY_SIZE


def monitor(
    context: typer.Context,
    history: Annotated[
        int, typer.Option(min=0, max=HISTORY_SIZE, help="Begin with this many past messages.")
    ] = 10,
    json: Json = False,
    socket: Socket = None,
) -> None:
    """Follow the controller's messages until interrupted (with --json: one object a line)."""
    with connected(context) as client, contextlib.suppress(KeyboardInterrupt):
        for line in client.watch_messages(history):
            emit(to_json_line(line) if json else message_text.render(line))
