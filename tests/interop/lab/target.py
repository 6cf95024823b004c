"""Which switch our router runs on: ``TARGET=bmv2``, or the embedded one."""

from __future__ import annotations

import os

from tests.interop.lab.errors import LabError

EMBEDDED = "embedded"
BMV2 = "bmv2"


def target() -> str:
    """Return ``embedded`` or ``bmv2``, as ``p4ipsec switch`` names them.

    Raises:
        LabError: the environment says something else.
    """
    chosen = os.environ.get("TARGET") or EMBEDDED
    if chosen not in (EMBEDDED, BMV2):
        raise LabError(f"TARGET={chosen}: is {EMBEDDED} or {BMV2}")
    return chosen


def fills_in_checksums() -> bool:
    """Tell whether the switch makes up for what hosts leave to their network cards.

    bmv2 sends what it gets: a checksum that the sender has left out stays wrong, and inside ESP
    nobody can mend it.
    """
    return target() == EMBEDDED
