"""Text from elsewhere, made fit for a terminal and a log."""

from __future__ import annotations

_MAX_QUOTED = 64  # bytes


def printable(text: str) -> str:
    r"""Escape what isn't printable, as in ``\n``, ``\x1b``, ``\u202e``.

    A line that a peer or a file had a hand in can so neither forge a second line nor steer the
    terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quoted(name: bytes) -> str:
    """Show bytes that are a name, most likely in ASCII; the first of them if there are many."""
    return repr(name[:_MAX_QUOTED].decode("ascii", "backslashreplace"))
