"""``show crypto map``, in the form of IOS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from controller.status import CryptoMapStatus


def render(entries: tuple[CryptoMapStatus, ...]) -> str:
    """Write the entries, and after those of one map the interfaces that use it."""
    if not entries:
        return "No crypto maps found."
    lines: list[str] = []
    ordered = sorted(entries, key=lambda entry: (entry.name, entry.sequence))
    for name, group in groupby(ordered, key=lambda entry: entry.name):
        interfaces: dict[str, None] = {}
        for entry in group:
            lines += [*_entry(entry), ""]
            interfaces |= dict.fromkeys(entry.interfaces)
        # IOS ends the last entry with the interfaces, without a blank line.
        lines.pop()
        lines.append(f"        Interfaces using crypto map {name}:")
        lines += [f"                {interface}" for interface in interfaces]
        lines.append("")
    return "\n".join(lines[:-1])


def _entry(entry: CryptoMapStatus) -> Iterator[str]:
    yield f'Crypto Map IPv4 "{entry.name}" {entry.sequence} {entry.kind}'
    yield f"        Peer = {entry.peer}"
    yield f"        Extended IP access list {entry.access_list}"
    for line in entry.lines:
        yield f"            access-list {entry.access_list} {line}"
    yield f"        Current peer: {entry.peer}"
    if entry.kind == "ipsec-isakmp":
        yield f"        Security association lifetime: {_lifetime(entry)}"
    yield "        Transform sets={"
    for transform in entry.transforms:
        yield f"                {entry.transform_set}:  {{ {transform}  }} ,"
    yield "        }"


def _lifetime(entry: CryptoMapStatus) -> str:
    """Write the limits as IOS does: ``4608000 kilobytes/3600 seconds``."""
    limits = [
        f"{entry.lifetime_kilobytes} kilobytes" if entry.lifetime_kilobytes else "",
        f"{entry.lifetime_packets} packets" if entry.lifetime_packets else "",
        f"{entry.lifetime:.0f} seconds",
    ]
    return "/".join(limit for limit in limits if limit)
