"""Is there somebody who answers at an address?"""

from __future__ import annotations

import asyncio
import contextlib

import grpc
from finsy.proto import p4r, p4r_grpc

_SECONDS_TO_ANSWER = 2.0


async def listens(address: str) -> bool:
    """Tell whether anybody accepts connections at ``host:port`` or ``unix:path``."""
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            if address.startswith("unix:"):
                _, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
            else:
                host, _, port = _reachable(address).rpartition(":")
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def answers(address: str) -> bool:
    """Tell whether P4Runtime answers there, without TLS."""
    async with grpc.aio.insecure_channel(_reachable(address)) as channel:
        try:
            await p4r_grpc.P4RuntimeStub(channel).Capabilities(
                p4r.CapabilitiesRequest(), timeout=_SECONDS_TO_ANSWER
            )
        except grpc.aio.AioRpcError:
            return False
    return True


def _reachable(address: str) -> str:
    """Return where to connect to, for somewhere to listen."""
    host, _, port = address.rpartition(":")
    anywhere = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nothing is bound
    return f"{anywhere.get(host, host)}:{port}"
