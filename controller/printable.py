"""Text from elsewhere, made fit for a terminal and a log."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Escape what isn't printable, as in ``\n``, ``\x1b``, ``\u202e``.

    A line that a peer or a file had a hand in can so neither forge a second line nor steer the
    terminal.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )
