"""Text of a peer's making, made safe for a terminal and a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape what does not print (control characters, line and text direction marks)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
