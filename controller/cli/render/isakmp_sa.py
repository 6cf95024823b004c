"""``show crypto isakmp sa``: IOS's table, and under each row what IKEv2 has to say."""

from __future__ import annotations

from collections.abc import Iterator

from controller.cli.render.text import duration, table
from controller.status import IsakmpSaStatus

_HEADINGS = ("dst", "src", "state", "role", "up")


def render(entries: tuple[IsakmpSaStatus, ...]) -> str:
    """Write the IKE SAs. As on IOS, `src` is the initiator and `dst` the responder."""
    heading, *rows = table(_HEADINGS, [_row(entry) for entry in entries], indent="")
    lines = ["IPv4 Crypto ISAKMP SA (IKEv2)", heading]
    for row, entry in zip(rows, entries, strict=True):
        lines += [row, *_details(entry)]
    return "\n".join(lines)


def _row(entry: IsakmpSaStatus) -> tuple[str, ...]:
    initiates = entry.role == "initiator"
    source, destination = (entry.local, entry.remote) if initiates else (entry.remote, entry.local)
    up = "-" if entry.established_ago is None else duration(entry.established_ago)
    return destination, source, entry.state, entry.role, up


def _details(entry: IsakmpSaStatus) -> Iterator[str]:
    yield f"    spi: {entry.initiator_spi:016X} (initiator), {entry.responder_spi:016X} (responder)"
    if entry.suite:
        yield f"    suite: {entry.suite}" + (", NAT in between" if entry.nat_detected else "")
    for child in entry.children:
        yield f"    protects: {child}"
    if entry.last_failure is not None:
        yield f"    last failure: {entry.last_failure}"
