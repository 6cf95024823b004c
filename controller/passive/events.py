"""What passive mode is told, and what it wants done. Packet types are ids, times seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

# --- events -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PacketWithoutSa:
    """A packet of this type had no SA and no decision (punt NO_SA)."""

    packet_type: int


@dataclass(frozen=True, slots=True)
class SentInClear:
    """The data plane sent a packet in the clear; `retry_due`: and it is PM-4's trigger."""

    packet_type: int
    destination: IPv4Address
    retry_due: bool = False


@dataclass(frozen=True, slots=True)
class ReceivedInClear:
    """The data plane accepted a clear packet where protection was expected (PM-6)."""

    packet_type: int
    source: IPv4Address


@dataclass(frozen=True, slots=True)
class DestinationIdle:
    """No clear packet has gone to this destination for the idle time."""

    packet_type: int
    destination: IPv4Address


@dataclass(frozen=True, slots=True)
class SourceIdle:
    """No clear packet has come from this source for the idle time."""

    packet_type: int
    source: IPv4Address


@dataclass(frozen=True, slots=True)
class SaUp:
    """An SA protects this packet type from now on, however it came about."""

    packet_type: int


@dataclass(frozen=True, slots=True)
class SaDown:
    """The last SA of this packet type is gone."""

    packet_type: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The attempt that `StartAttempt` asked for failed. `reason` is one sentence."""

    packet_type: int
    reason: str


PassiveEvent = (
    PacketWithoutSa
    | SentInClear
    | ReceivedInClear
    | DestinationIdle
    | SourceIdle
    | SaUp
    | SaDown
    | AttemptEnded
)

# --- effects ------------------------------------------------------------------------------


class Decision(StrEnum):
    """The actions of the `no_sa` table."""

    HOLD = "hold"
    CLEAR = "clear"
    CLEAR_RETRY_DUE = "clear_retry_due"


@dataclass(frozen=True, slots=True)
class Decide:
    """Set the `no_sa` entry of a packet type; None removes it, so that its next packet punts."""

    packet_type: int
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Try to establish an SA with IKE.

    An earlier attempt of this packet type may not have ended: there must not be two at once.
    """

    packet_type: int


@dataclass(frozen=True, slots=True)
class Remember:
    """Add a destination (`outbound`) or source to what the data plane reports only as a sample."""

    packet_type: int
    address: IPv4Address
    outbound: bool


@dataclass(frozen=True, slots=True)
class Forget:
    """Take it out again: its next packet is reported as new."""

    packet_type: int
    address: IPv4Address
    outbound: bool


@dataclass(frozen=True, slots=True)
class SwitchPassiveMode:
    """Set the data plane's one bit. Always the first effect of a change of mode."""

    enabled: bool


class Severity(StrEnum):
    """Of a message for the operator."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Message:
    """A line for the log, word for word. `packet_type` is what it is about, if about one."""

    severity: Severity
    text: str
    packet_type: int | None = None


Effect = Decide | StartAttempt | Remember | Forget | SwitchPassiveMode | Message
