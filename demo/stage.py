"""What a step works with: the network, the story, and what was counted since the step before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from demo.core import Kind, Seen
from demo.host import Host
from demo.messages import TimedMessage
from demo.narrator import Narrator
from demo.network import Network
from demo.report import Check, FlowCount, StepReport
from demo.traffic import Flow


class Stage:
    """Counts a step's packets from where the step before it stopped counting, so none is missed.

    Attributes:
        network: all that runs.
        narrator: tells the story.
        report: of the step that is going on.
    """

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.narrator = narrator
        self.report = StepReport(0, "")
        self._first_numbers: Counter[int] = Counter()  # by the flow's number
        self._first_frame = len(network.core.seen)
        self._first_message = 0

    def begin(self, number: int, title: str) -> StepReport:
        """Begin a step."""
        self.report = StepReport(number, title, began=self.network.clock.now())
        self.narrator.step(number, title)
        return self.report

    def end(self) -> None:
        """End a step: what comes from now on belongs to the next one."""
        self.report.ended = self.network.clock.now()
        self._first_message = len(self.network.r1.log)
        self.count_from_here()

    def count_from_here(self) -> None:
        """Leave out of the counts what has been sent until now."""
        self._first_frame = len(self.network.core.seen)
        for flow in self.network.traffic.flows:
            self._first_numbers[flow.number] = len(flow.sent)

    def flow(self, source: Host, destination: Host) -> Flow:
        """Return the flow between two hosts, in this direction."""
        for flow in self.network.traffic.flows:
            if flow.source is source and flow.destination is destination:
                return flow
        raise LookupError(f"no packets go from {source.name} to {destination.name}")

    def first(self, flow: Flow) -> int:
        """Return the number of the flow's first packet in this step."""
        return self._first_numbers[flow.number]

    def seen(self) -> list[Seen]:
        """Return what the tap on the core has seen in this step."""
        return self.network.core.seen[self._first_frame :]

    def messages(self) -> list[TimedMessage]:
        """Return what R1 has logged in this step."""
        return self.network.r1.log.since(self._first_message)

    def expect(self, ok: bool, text: str, found: object = "") -> None:
        """Check something; `found` is told if it isn't so."""
        self.report.checks.append(Check(text, ok, str(found)))

    def count(self) -> None:
        """Count this step's packets; nothing may be awaited from here to the last `expect`."""
        self.report.flows = [
            FlowCount(flow.name, str(flow.address), flow.tally(self.first(flow)))
            for flow in self.network.traffic.flows
            if len(flow.sent) > self.first(flow)
        ]
        kinds = Counter(frame.kind for frame in self.seen())
        self.report.core = {kind: kinds[kind] for kind in Kind}

    def tell(self) -> None:
        """Show what R1 has warned of, the counts and the checks."""
        warnings = [message for message in self.messages() if message.severity != "info"]
        self.narrator.messages("R1", warnings)
        self.narrator.counts(self.report.flows, self.report.core)
        self.narrator.checks(self.report.checks)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the demo."""

    title: str
    run: Callable[[Stage], Awaitable[None]]
