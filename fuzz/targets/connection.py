"""An endpoint against a peer that has the keys, and against whoever is on the path.

The bytes say what happens next: a message of any exchange with any payloads, sealed with the
genuine keys or not; a genuine message with one change; raw bytes; time that passes; an operator
who initiates, rekeys or deletes.
"""

from __future__ import annotations

from collections.abc import Callable

from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, at, right_peer
from mutation.chain import Raw, parse

from fuzz.handshake import record
from fuzz.steering import Steering
from ike.codec.payload import UnknownPayload
from ike.codec.registry import ExchangeType
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.states import State
from ike.types import Datagram

MAX_LENGTH = 2048
_STEPS = 12
_EXCHANGES = (
    ExchangeType.CREATE_CHILD_SA,
    ExchangeType.INFORMATIONAL,
    ExchangeType.IKE_AUTH,
    ExchangeType.IKE_SA_INIT,
    43,
    0,
)
_PAUSES = (0.0, 0.6, 6.0, 11.0, 31.0, 100.0)


class Session:
    """One endpoint, and one adversary whose IKE SA with it is half-open or established."""

    def __init__(self, steering: Steering) -> None:
        self.steering = steering
        self.adversary = Adversary(
            Endpoint([right_peer()], settings=Settings(children_per_ike_sa=4))
        )
        self.victim = self.adversary.victim
        how_far = steering.below(4)
        if how_far:
            self.adversary.init()
        if how_far > 1:
            self.adversary.exchange(ExchangeType.IKE_AUTH, self.adversary.auth_request())

    def run(self) -> None:
        """Do what the bytes say."""
        actions: tuple[Callable[[], None], ...] = (
            self.say,
            self.say_something_changed,
            self.answer,
            self.inject,
            self.wait,
            self.operate,
        )
        for _ in range(_STEPS):
            if not self.steering.has_more:
                break
            self.steering.pick(actions)()
            self.check()

    def payloads(self) -> list[UnknownPayload]:
        """Make up to four payloads of any types with any bodies."""
        steering = self.steering
        return [
            UnknownPayload(steering.number(), bool(steering.below(2)), steering.block(200))
            for _ in range(steering.below(5))
        ]

    def say(self) -> None:
        """Send any payloads, in a request with genuine keys if there are some."""
        self.adversary.exchange(self.steering.pick(_EXCHANGES), self.payloads())

    def say_something_changed(self) -> None:
        """Send the payloads of a real request, one of them changed."""
        _, first, plain = self.steering.pick(record())
        chain = list(parse(first, plain))
        if chain:
            index = self.steering.below(len(chain))
            raw = chain[index]
            body = bytearray(raw.body)
            for _ in range(self.steering.below(4)):
                if body:
                    body[self.steering.below(min(len(body), 256))] = self.steering.number()
            chain[index] = Raw(raw.payload_type, raw.flags, bytes(body))
        exchange = self.steering.pick(_EXCHANGES)
        sent = [UnknownPayload(r.payload_type, bool(r.flags & 0x80), r.body) for r in chain]
        self.adversary.exchange(exchange, sent)

    def answer(self) -> None:
        """Let the endpoint ask for something, and answer with anything."""
        self.operate(ask=True)
        self.adversary.answer_all(lambda: self.payloads())

    def inject(self) -> None:
        """Send raw bytes, from the peer's address or from its own side; some are real messages."""
        packet = bytearray(self.steering.pick(record())[0])
        if self.steering.below(2):
            packet = bytearray(self.steering.block(256))
        for _ in range(self.steering.below(4)):
            if packet:
                packet[self.steering.below(len(packet))] = self.steering.number()
        if self.steering.below(2) and len(packet) > 16:
            packet[:8] = self.adversary.spi.to_bytes(8, "big")
            packet[8:16] = self.adversary.channel.responder_spi.to_bytes(8, "big")
        source = at(LEFT, self.steering.pick((500, 4500, 1)))
        self.victim.receive(Datagram(source, at(RIGHT), bytes(packet)), self.adversary.now)

    def wait(self) -> None:
        """Let time pass, deadline by deadline."""
        end = self.adversary.now + self.steering.pick(_PAUSES)
        for _ in range(1000):
            deadline = self.victim.next_deadline()
            if deadline is None or deadline > end:
                break
            self.adversary.now = max(self.adversary.now, deadline)
            self.victim.advance(self.adversary.now)
        else:
            raise AssertionError("the endpoint does not come to rest")
        self.adversary.now = end

    def operate(self, ask: bool = False) -> None:
        """Do what an operator does."""
        now, choice = self.adversary.now, self.steering.below(3 if ask else 6)
        spis = [c.spi_in for sa in self.victim.ike_sas() for c in sa.children]
        if choice == 0:
            self.victim.initiate("ten", now)
        elif choice == 1 and spis:
            self.victim.rekey_child(self.steering.pick(spis), now)
        elif choice == 2:
            self.victim.rekey_peer("left", now)
        elif choice == 3 and spis:
            self.victim.delete_child(self.steering.pick(spis), now)
        elif choice == 4:
            self.victim.delete_peer("left", now)
        elif choice == 5:
            self.victim.set_peers([right_peer()], now)

    def check(self) -> None:
        """See that what is shown is sound.

        Raises:
            AssertionError: it is not.
        """
        self.victim.transmits()
        self.victim.events()
        infos = self.victim.ike_sas()
        assert len(infos) <= 32, "IKE SAs without end"
        for info in infos:
            assert info.state is not State.CLOSED
            assert len(info.children) <= 8, "CHILD_SAs without end"


def one_input(data: bytes) -> None:
    """Play one session.

    Raises:
        AssertionError: the endpoint does what it must not.
    """
    Session(Steering(data)).run()


def seeds() -> list[bytes]:
    """Give sessions in which every action takes place."""
    found = []
    for how_far in range(4):
        for action in range(6):
            for number in range(0, len(record()), 3):
                found.append(bytes([how_far, action, number, 0, 0, 1, 0, 0, 0, 4, 4]))
    for packet, first, plain in record():
        for raw in parse(first, plain):
            body = raw.body[:199]
            found.append(bytes([2, 0, 0, 1, raw.payload_type, 0, len(body)]) + body)
        found.append(bytes([2, 3, 0, 1, min(len(packet), 255)]) + packet[:255])
    return found
