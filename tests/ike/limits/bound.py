"""The table of docs/ike-limits.md as a formula: bytes, measured on CPython 3.11."""

from __future__ import annotations

from ike.config import Settings
from ike.fragments import MAX_FRAGMENTS, MAX_HELD

HALF_OPEN = 10 * 1024
IKE_SA = 10 * 1024
CHILD_SA = 2 * 1024
ANSWER = 2 * 1024
FRAGMENT = 512  # beside its bytes


def bound_of(settings: Settings, peers: int, *, ike_sas: int | None = None) -> int:
    """Bound what `peers` hostile peers, and strangers, can have an endpoint keep.

    `ike_sas`: how many IKE SAs there are, if that is known.
    """
    fragments = 2 * MAX_HELD + settings.window * MAX_FRAGMENTS * FRAGMENT
    established = settings.ike_sas_per_peer * peers if ike_sas is None else ike_sas
    leaving = 2 * settings.ike_sas_per_peer * peers
    children = 2 * settings.children_per_ike_sa * CHILD_SA
    of_ike_sa = IKE_SA + settings.window * ANSWER + fragments
    half_open = settings.half_open_limit * HALF_OPEN if ike_sas is None else 0
    return half_open + established * (of_ike_sa + children) + leaving * of_ike_sa
