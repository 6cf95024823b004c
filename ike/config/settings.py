"""What holds for the whole engine: retransmission, limits, waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from ike.types import Secret

MAX_SELF_DESCRIPTION = 128
"""Bytes of a Vendor ID or version of ours: IKE_SA_INIT has to fit into a packet."""

MAX_WINDOW = 64
"""Requests in flight; each costs the memory of an answer (RFC 7296 §2.3)."""


@dataclass(frozen=True, slots=True)
class Retransmission:
    """When a request is sent again, and when it is given up (RFC 7296 §2.4). In seconds."""

    first: float = 0.5
    factor: float = 1.8
    maximum: float = 8.0
    tries: int = 7  # in all, the first one included


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole engine.

    Raises:
        ValueError: the window is none, or what we say that we are is too long.
    """

    retransmission: Retransmission = field(default_factory=Retransmission)
    fragment_size: int = 1232  # bytes of a message from which on it goes in fragments; 0: never
    nat_keepalive: float = 20.0  # seconds without a message to a peer before a NAT; 0: never
    qcd_secret: Secret | None = None  # for RFC 6290; must outlive us: kept by the caller
    half_open_limit: int = 1024  # half-open IKE SAs as responder, in all
    half_open_limit_per_address: int = 16
    cookie_threshold: int = 32  # half-open IKE SAs from which on a COOKIE is asked for
    half_open_lifetime: float = 30.0  # seconds that a responder waits for the next exchange
    followup_lifetime: float = 30.0  # seconds that it waits for each IKE_FOLLOWUP_KE
    cookie_secret_lifetime: float = 120.0  # seconds
    children_per_ike_sa: int = 256
    rekey_jitter: float = 0.1  # part of a lifetime by which a rekey comes early, at random
    rekey_margin: float = 0.1  # part of a lifetime that an SA lives on when rekeying fails
    retry_interval: float = 5.0  # seconds, on average, to the next try; less before an SA expires
    replaced_grace: float = 30.0  # seconds that the peer has to delete an SA that it has rekeyed
    ike_sas_per_peer: int = 8  # the oldest is deleted when there are more
    duplicate_grace: float = 5.0  # seconds that the peer has to delete its redundant SA
    vendor_id: bytes = b""  # what peers are told that we are; empty: nothing (RFC 7296 §3.12)
    application_version: str = ""  # for peers that ask; empty: nothing (RFC 7296 §3.15.1)
    window: int = 8  # requests in flight that the peer may have, and that we have at most

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"a window of {self.window} requests, 1 to {MAX_WINDOW} can be")
        if max(len(self.vendor_id), len(self.application_version.encode())) > MAX_SELF_DESCRIPTION:
            raise ValueError(f"we tell what we are in {MAX_SELF_DESCRIPTION} bytes at most")
