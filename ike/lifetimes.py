"""When SAs are rekeyed, and when they end if that fails: by time, bytes and packets.

A soft limit brings the rekey, make before break; it comes early by a random part, so that both
ends, and SAs made at once, don't reach it together. The hard limit ends what has not been
replaced by then (RFC 4301 §4.4.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from ike.config import ChildConfig
from ike.crypto.suites import EspSuite
from ike.environment import Environment


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Times of an SA in the caller's seconds; None: never."""

    rekey_at: float | None
    expire_at: float | None

    @classmethod
    def draw(cls, seconds: float, env: Environment, now: float) -> Lifetime:
        """Draw the times for a configured lifetime; 0: none."""
        if not seconds:
            return cls(None, None)
        return cls(now + env.rekey_after(seconds), now + env.expire_after(seconds))


@dataclass(frozen=True, slots=True)
class Volume:
    """Bytes and packets that a pair of ESP SAs may carry; None: any number."""

    rekey_octets: int | None = None
    expire_octets: int | None = None
    rekey_packets: int | None = None
    expire_packets: int | None = None

    @classmethod
    def draw(cls, config: ChildConfig, suite: EspSuite, env: Environment) -> Volume:
        """Draw the limits for a configuration.

        Sequence numbers never cycle (RFC 4303 §3.3.3): they are a lifetime in packets too.
        """
        last = 2**64 - 1 if suite.extended_sequence_numbers else 2**32 - 1
        most = last / env.expire_after(1.0)
        packets = min(config.lifetime_packets or inf, most)
        rekey_packets, expire_packets = _limits(packets, env)
        if not config.lifetime_bytes:
            return cls(None, None, rekey_packets, min(expire_packets, last))
        octets = _limits(config.lifetime_bytes, env)
        return cls(*octets, rekey_packets, min(expire_packets, last))

    def wants_rekey(self, octets: int, packets: int) -> bool:
        """Tell whether a soft limit is reached."""
        return _reached(octets, self.rekey_octets) or _reached(packets, self.rekey_packets)

    def is_used_up(self, octets: int, packets: int) -> bool:
        """Tell whether a hard limit is reached."""
        return _reached(octets, self.expire_octets) or _reached(packets, self.expire_packets)

    def without_rekey(self) -> Volume:
        """Leave the soft limits out: they have done their part."""
        return Volume(None, self.expire_octets, None, self.expire_packets)


def _limits(volume: float, env: Environment) -> tuple[int, int]:
    """Draw the soft limit, and tell the hard one, which is larger."""
    soft = ceil(env.rekey_after(volume))
    return soft, max(int(env.expire_after(volume)), soft + 1)


def _reached(used: int, limit: int | None) -> bool:
    return limit is not None and used >= limit
