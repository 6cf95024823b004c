"""What a router's control plane is made of, and how its parts react to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from controller.p4runtime.desired import DesiredState
from controller.passive.events import (
    Effect,
    Message,
    PassiveEvent,
    SaUp,
    Severity,
    StartAttempt,
    SwitchPassiveMode,
)
from controller.passive.machine import PassiveMode
from controller.passive.states import State
from controller.policy.model import Policy
from controller.router.baseline import Baseline
from controller.router.early_esp import EarlyEsp
from controller.router.effects import carry_out
from controller.router.expiry import ExpiryWatch
from controller.router.negotiation import Negotiation
from controller.router.outputs import Output, Send, Write
from controller.router.punts import PuntResult, Punts
from controller.router.sad import SecurityAssociationDatabase
from controller.router.upkeep import SaUpkeep
from controller.speaker import ike_transport
from controller.speaker.routes import RouteTable
from ike.config import Settings

_CLEAR_STATES = frozenset({State.CLEAR, State.CLEAR_RETRY_DUE})


class Parts:
    """See the module. Whoever has set one of the parts in motion lets the others `settle`.

    Attributes:
        policy: the configuration in force.
        types: its packet types, by id.
        desired: what the switch should hold.
        baseline: what of that the configuration alone says.
        outputs: what is to be written and sent, in order, for the owner to take.
        messages: lines for the operator's log, for the owner to take.
        ike_activity: grows whenever IKE SAs may have changed.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        now: float,
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        settings: Settings | None,
        ike_keylog: Callable[[str], None] | None,
        esp_keylog: Callable[[str], None] | None,
    ) -> None:
        self.policy = policy
        self.types = {packet_type.id: packet_type for packet_type in policy.packet_types}
        self.ike_activity = 0
        self.outputs: list[Output] = []
        self.messages: list[Message] = []

        self.desired = DesiredState()
        self.routes = RouteTable(policy.interfaces, policy.static_routes)
        self.baseline = Baseline(self.desired)
        self.declare_baseline()
        self.sad = SecurityAssociationDatabase(self.desired, self.routes, random_bytes)
        self.early = EarlyEsp(self.desired, self.sad)
        self.negotiation = Negotiation(
            policy,
            self.sad,
            self.early,
            random_bytes=random_bytes,
            settings=settings or policy.ike_settings,
            wall_clock=wall_clock,
            ike_keylog=ike_keylog,
            esp_keylog=esp_keylog,
        )
        self.upkeep = SaUpkeep(self.sad, self.negotiation, wall_clock)
        self.passive = PassiveMode(
            self.types, enabled=policy.passive_mode, retry=policy.retry, now=now
        )
        self.expiry = ExpiryWatch(wall_clock)
        self.expiry.set_certificates(policy.certificates, now)
        self.punts = Punts(policy, self.routes, self.sad, self.early)
        self.apply(self.passive.advance(now), now)

    def settle(self, now: float) -> None:
        """Let IKE, the SAs and passive mode react to each other until nothing is left to do.

        Inbound SAs are written before IKE's answer goes out, so that the peer can use them at
        once; a responder's outbound SA comes after it.
        """
        while True:
            for event in list(self.negotiation.passive_events(now, self._is_clear)):
                self.tell(event, now)
            self.note_activated(now)
            self.flush()
            datagrams = self.negotiation.transmits()
            self.ike_activity += len(datagrams)
            for datagram in datagrams:
                self.outputs.append(Send(ike_transport.encode(datagram)))
            self.sad.advance(now)
            self.note_activated(now)
            self.flush()
            if not datagrams:
                break
        self.messages += self.negotiation.messages()

    def note_activated(self, now: float) -> None:
        """Tell passive mode which packet types have an outbound SA now."""
        for packet_type in self.sad.take_activated():
            self.tell(SaUp(packet_type), now)

    def flush(self) -> None:
        """Put what has changed in the desired state into the outputs, after all before it."""
        updates = self.desired.pending()
        if updates:
            self.outputs.append(Write(tuple(updates)))

    def tell(self, event: PassiveEvent, now: float) -> None:
        """Let passive mode react to an event."""
        self.apply(self.passive.handle(event, now), now)

    def apply(self, effects: Iterable[Effect], now: float) -> None:
        """Carry out what passive mode wants."""
        for effect in effects:
            match effect:
                case StartAttempt(packet_type):
                    self.negotiation.start(self.types[packet_type], now)
                case Message():
                    self.messages.append(self._named(effect))
                case SwitchPassiveMode():
                    carry_out(effect, self.desired, "")
                case _:
                    carry_out(effect, self.desired, self._name(effect.packet_type))

    def take(self, result: PuntResult) -> None:
        """Carry out what came of a punted packet."""
        for entity in result.declare:
            self.desired.declare(entity)
        for key in result.withdraw:
            self.desired.withdraw(key)
        self.flush()
        self.outputs.extend(Send(packet) for packet in result.send)

    def say(self, severity: Severity, text: str) -> None:
        """Add a line to the operator's log."""
        self.messages.append(Message(severity, text))

    def install_manual(self, now: float) -> None:
        """Install the manual SAs that are not there yet."""
        self.messages += self.upkeep.install_manual(self.types.values(), now)
        self.note_activated(now)

    def declare_baseline(self) -> None:
        """Have the desired state follow the configuration in force."""
        self.baseline.declare(self.policy, self.routes)

    def _is_clear(self, packet_type: int) -> bool:
        return self.passive.state_of(packet_type).state in _CLEAR_STATES

    def _name(self, packet_type: int) -> str:
        known = self.types.get(packet_type)
        return f"{known.name} with {known.peer}" if known else f"packet type {packet_type}"

    def _named(self, message: Message) -> Message:
        if message.packet_type is None:
            return message
        return replace(message, text=f"{self._name(message.packet_type)}: {message.text}")
