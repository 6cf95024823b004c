"""What of ``isakmp`` holds for the whole IKE engine."""

from __future__ import annotations

from controller.config.isakmp import Isakmp
from ike.config import Retransmission, Settings

SETTINGS_FIELDS = (
    "retransmit",
    "fragmentation",
    "nat_keepalive",
    "cookie_challenge",
    "limit_max_in_negotiation_sa",
    "window",
    "crash_detection_file",
)
"""The keys that end up here: they are taken over by a restart only."""


def ike_settings(isakmp: Isakmp) -> Settings:
    """Return the engine's settings."""
    retransmit = isakmp.retransmit
    return Settings(
        retransmission=Retransmission(
            first=retransmit.seconds,
            factor=retransmit.base,
            maximum=retransmit.limit,
            tries=retransmit.tries,
        ),
        fragment_size=isakmp.fragmentation,
        nat_keepalive=float(isakmp.nat_keepalive),
        cookie_threshold=isakmp.cookie_challenge,
        half_open_limit=isakmp.limit_max_in_negotiation_sa,
        window=isakmp.window,
        qcd_secret=isakmp.crash_detection_file,
    )
