"""Text of a peer's making, made safe for a terminal and a log."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape what does not print (control characters, line and text direction marks)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
