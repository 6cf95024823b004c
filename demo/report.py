"""What the demo found out, step by step: counts, and what was expected of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.core import Kind
from demo.messages import TimedMessage
from demo.traffic import Tally


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, whether it was met, and what was found if it wasn't."""

    text: str
    ok: bool
    found: str = ""


@dataclass(frozen=True, slots=True)
class FlowCount:
    """What became of the packets that one flow sent during a step."""

    name: str
    destination: str  # address
    tally: Tally


@dataclass(slots=True)
class StepReport:
    """One step."""

    number: int
    title: str
    began: float = 0.0  # seconds of the routers' clock
    ended: float = 0.0
    flows: list[FlowCount] = field(default_factory=list)
    core: dict[Kind, int] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def as_plain(self) -> dict[str, Any]:
        """Return what JSON has."""
        return {
            "step": self.number,
            "title": self.title,
            "began": round(self.began, 3),
            "ended": round(self.ended, 3),
            "flows": [
                {
                    "flow": flow.name,
                    "destination": flow.destination,
                    "sent": flow.tally.sent,
                    "dropped": flow.tally.dropped,
                    "clear": flow.tally.clear,
                    "encrypted": flow.tally.encrypted,
                }
                for flow in self.flows
            ],
            "core": {str(kind): count for kind, count in self.core.items()},
            "checks": [
                {"check": check.text, "ok": check.ok, "found": check.found or None}
                for check in self.checks
            ],
        }


@dataclass(slots=True)
class Report:
    """The whole demo. Without a check it shows nothing, and isn't ok."""

    speed: float
    steps: list[StepReport] = field(default_factory=list)
    messages: list[TimedMessage] = field(default_factory=list)  # of R1

    @property
    def checks(self) -> Iterator[Check]:
        """All checks."""
        return (check for step in self.steps for check in step.checks)

    @property
    def ok(self) -> bool:
        """Tell whether everything was as expected."""
        checks = list(self.checks)
        return bool(checks) and all(check.ok for check in checks)

    def as_plain(self) -> dict[str, Any]:
        """Return what JSON has."""
        return {
            "ok": self.ok,
            "speed": self.speed,
            "steps": [step.as_plain() for step in self.steps],
            "messages": [
                {"time": round(message.time, 3), "severity": message.severity, "text": message.text}
                for message in self.messages
            ],
        }
