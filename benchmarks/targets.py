"""The switches that can be measured on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bmv2.simple_switch import SimpleSwitchError, find_installation
from tests.interop.lab.target import BMV2, EMBEDDED, target


def here() -> tuple[str, ...]:
    """Return the embedded switch, and bmv2 where it and its extern are installed.

    ``TARGET`` in the environment chooses one of them, as for the lab.
    """
    if os.environ.get("TARGET"):
        return (target(),)
    return (EMBEDDED,) if why_no_bmv2() else (EMBEDDED, BMV2)


def why_no_bmv2() -> str:
    """Say what keeps bmv2 from running here; empty: nothing."""
    try:
        find_installation()
    except SimpleSwitchError as error:
        return str(error)
    return ""


@contextmanager
def chosen(switch: str) -> Iterator[None]:
    """Let the lab use a switch, and afterwards the one that it would have used."""
    before = os.environ.get("TARGET")
    os.environ["TARGET"] = switch
    try:
        yield
    finally:
        if before is None:
            del os.environ["TARGET"]
        else:
            os.environ["TARGET"] = before
