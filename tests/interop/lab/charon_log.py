"""Reads the log of a charon that runs with `ike` and `chd` at level 4: lines and dumps of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# 08:16:46 16[IKE] <name|3> text; before the peer is known, only <3>
_LINE = re.compile(r"\S+ \d+\[(?:IKE|CHD)\] <(?:[^|>]*\|)?(?P<sa>\d+)> ?(?P<text>.*)")
_DUMP = re.compile(r"(?P<title>.*) => (?P<length>\d+) bytes @ 0x[0-9a-f]+")
_DUMPED = re.compile(r" *\d+: (?P<hex>(?:[0-9A-F]{2} ){0,15}[0-9A-F]{2})(?= |$)")


@dataclass(frozen=True, slots=True)
class Line:
    """What was said about an IKE SA, by its number."""

    sa: str
    text: str


@dataclass(frozen=True, slots=True)
class Dump:
    """Bytes that were shown of an IKE SA; secrets, often."""

    sa: str
    title: str
    data: bytes = field(repr=False)


def read_charon_log(log: str) -> Iterator[Line | Dump]:
    """Yield what a log says about IKE SAs, in its order; a dump that is cut off is left out."""
    begun: dict[str, tuple[str, int, bytearray]] = {}  # by IKE SA, whose lines may interleave
    for line in log.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        sa, text = match["sa"], match["text"]
        if dump := _DUMP.fullmatch(text):
            begun[sa] = dump["title"], int(dump["length"]), bytearray()
        elif (dumped := _DUMPED.match(text)) and sa in begun:
            title, length, data = begun[sa]
            data += bytes.fromhex(dumped["hex"])
            if len(data) == length:
                yield Dump(sa, title, bytes(data))
        else:
            yield Line(sa, text)
