"""Headers between the wire and their variables: one `struct` call a header each way."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from bmv2.embedded.datapath.codegen.layout import Field, Header
from bmv2.embedded.datapath.codegen.source import literal

_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(slots=True)
class Codec:
    """How a header is read and written.

    Attributes:
        unpack: reads the header at an offset, as words of sizes that `struct` knows.
        pack: writes it.
        targets: a variable for each word that is read.
        fields: statements that cut the fields out of those words.
        words: source for each word that is written.
    """

    unpack: Callable[..., tuple[object, ...]]
    pack: Callable[..., bytes]
    targets: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def codec(header: Header) -> Codec:
    """Return how to read and write a header instance."""
    runs = _aligned_runs(header)
    layout = ">"
    for run in runs:
        layout += _format(sum(part.bits for part in run) // 8)
    words = struct.Struct(layout)
    result = Codec(words.unpack_from, words.pack)
    for run in runs:
        _plan(run, result)
    return result


def _format(octets: int) -> str:
    if octets > 8:
        return f"{octets}s"
    return "".join(_CODES[size] for size in _sizes(octets))


def _plan(run: list[Field], result: Codec) -> None:
    octets = sum(part.bits for part in run) // 8
    word = f"w{len(result.targets)}"
    if octets > 8:
        result.targets.append(word)
        result.fields.append(f"{word} = int.from_bytes({word}, 'big')")
        result.fields += _cut(run, word)
        result.words.append(f"({_join(run)}).to_bytes({octets}, 'big')")
        return
    sizes = _sizes(octets)
    if len(sizes) == 1 and len(run) == 1 and not run[0].signed:
        result.targets.append(run[0].variable)
        result.words.append(run[0].variable)
        return
    words = [f"w{len(result.targets) + index}" for index in range(len(sizes))]
    result.targets += words
    shifts = _shifts(sizes)
    if len(words) > 1:
        terms = [
            f"{word} << {shift}" if shift else word
            for word, shift in zip(words, shifts, strict=True)
        ]
        result.fields.append(f"{words[0]} = {' | '.join(terms)}")
    result.fields += _cut(run, words[0])
    joined = _join(run)
    for size, shift in zip(sizes, shifts, strict=True):
        source = f"({joined}) >> {shift}" if shift else joined
        if shift + size * 8 < octets * 8:
            source = f"({source}) & {(1 << size * 8) - 1:#x}"
        result.words.append(source)


def _aligned_runs(header: Header) -> list[list[Field]]:
    """Group the fields into runs that begin and end on a byte."""
    runs: list[list[Field]] = []
    run: list[Field] = []
    for part in header.fields:
        run.append(part)
        if sum(member.bits for member in run) % 8 == 0:
            runs.append(run)
            run = []
    return runs


def _sizes(octets: int) -> list[int]:
    sizes = []
    for size in (8, 4, 2, 1):
        while octets >= size:
            sizes.append(size)
            octets -= size
    return sizes


def _shifts(sizes: list[int]) -> list[int]:
    return [8 * sum(sizes[index + 1 :]) for index in range(len(sizes))]


def _cut(run: list[Field], whole: str) -> list[str]:
    statements = []
    left = sum(part.bits for part in run)
    for index, part in enumerate(run):
        left -= part.bits
        value = f"{whole} >> {left}" if left else whole
        if index:  # nothing lies above the first
            value = f"{value} & {literal(part.mask)}"
        if part.signed:
            half = literal(1 << (part.bits - 1))
            value = f"((({value}) & {literal(part.mask)}) ^ {half}) - {half}"
        statements.append(f"{part.variable} = {value}")
    return statements


def _join(run: list[Field]) -> str:
    left = sum(part.bits for part in run)
    parts = []
    for part in run:
        left -= part.bits
        value = f"({part.variable} & {literal(part.mask)})" if part.signed else part.variable
        parts.append(f"({value} << {left})" if left else value)
    return " | ".join(parts)
