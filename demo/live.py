"""The live view at the bottom of a terminal: flows, packet types and their timers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.api.client import Client
from controller.api.errors import ApiError
from controller.passive.states import HOLD_TIME
from controller.status import PacketTypeStatus
from demo.network import Network
from demo.traffic import Flow

INTERVAL = 0.2  # the machine's seconds

_HELD = ("holding", "holding_failed")
_CLEAR = ("clear", "clear_retry_due")

_STATES = {
    "idle": ("no SA", "dim"),
    "holding": ("held, IKE under way", "yellow"),
    "holding_failed": ("held, IKE has failed", "yellow"),
    "clear": ("in the clear", "red"),
    "clear_retry_due": ("in the clear, IKE due", "red"),
    "protected": ("ESP", "green"),
}


class LiveView:
    """Draws what the network does, from what was counted and what R1's API says."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._packet_types: tuple[PacketTypeStatus, ...] = ()
        self._is_passive = True
        self._asked_at = 0.0
        self._held_since: dict[str, float] = {}

    async def ask(self) -> None:
        """Ask R1 where its packet types stand."""
        with contextlib.suppress(ApiError):
            status = await self._network.r1.ask(Client.show_crypto_optional)
            self._packet_types = status.packet_types
            self._is_passive = status.enabled
            self._asked_at = self._network.clock.now()
            held = [each.name for each in status.packet_types if each.state in _HELD]
            self._held_since = {name: self._held_since.get(name, self._asked_at) for name in held}

    def render(self) -> RenderableType:
        """Draw it."""
        now = self._network.clock.now()
        head = Text(f"router time {now:.1f} s", style="bold")
        if self._network.speed != 1:
            head.append(f", {self._network.speed:g} times as fast as yours", style="dim")
        return Group(Text(), head, self._flows(now), self._types(now))

    def _flows(self, now: float) -> Table:
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("packets", "to"):
            grid.add_column(heading)
        for heading in ("sent", "dropped", "clear", "encrypted"):
            grid.add_column(heading, justify="right")
        grid.add_column("last")
        for flow in self._network.traffic.flows:
            tally = flow.tally()
            counts = (tally.sent, tally.dropped, tally.clear, tally.encrypted)
            grid.add_row(flow.name, str(flow.address), *map(str, counts), _last(flow, now))
        return grid

    def _types(self, now: float) -> Table:
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("R1's packet type", "peer", "state", "timer"):
            grid.add_column(heading)
        for packet_type in self._packet_types:
            state, style = _STATES.get(packet_type.state, (packet_type.state, ""))
            grid.add_row(
                packet_type.name,
                str(packet_type.peer),
                Text(state, style=style),
                self._timer(packet_type, now),
            )
        return grid

    def _timer(self, packet_type: PacketTypeStatus, now: float) -> str:
        held_since = self._held_since.get(packet_type.name)
        if held_since is not None and self._is_passive:
            return f"clear in {max(0.0, held_since + HOLD_TIME - now):.0f} s"
        left = packet_type.next_attempt_in
        if left is None or packet_type.state not in _CLEAR:
            return ""
        return f"IKE again in {max(0.0, self._asked_at + left - now):.0f} s"


def _last(flow: Flow, now: float) -> str:
    return f"{now - flow.sent[-1]:.1f} s ago" if flow.sent else ""


@contextlib.asynccontextmanager
async def live_view(console: Console, network: Network) -> AsyncIterator[None]:
    """Keep a live view at the bottom meanwhile; nothing where there is no terminal."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    view = LiveView(network)
    with Live(
        console=console, get_renderable=view.render, auto_refresh=False, transient=True
    ) as live:
        task = asyncio.create_task(_refresh(view, live), name="live view")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _refresh(view: LiveView, live: Live) -> None:
    while True:
        await view.ask()
        live.refresh()
        await asyncio.sleep(INTERVAL)
