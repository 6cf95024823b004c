"""Peers that say what the test tells them to, in messages that are otherwise good."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ike_network import LEFT, RIGHT, at, left_peer

from ike.authentication import hashes
from ike.authentication.context import AuthContext
from ike.authentication.proof import prove
from ike.channel import Channel
from ike.codec.header import Header
from ike.codec.identification import IdentificationResponder
from ike.codec.message import Message
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.config import PeerConfig, Settings
from ike.crypto.keys import Nonces
from ike.endpoint import Endpoint
from ike.events import Role
from ike.exchanges import create_child_sa, ike_auth, ike_sa_init
from ike.exchanges.child import ChildOffer
from ike.exchanges.ike_sa_init import InitAgreement
from ike.received import Received
from ike.types import Datagram


class Adversary:
    """The initiator of an IKE SA with `victim`, which is the right router."""

    def __init__(self, victim: Endpoint, config: PeerConfig | None = None, seed: int = 7) -> None:
        import random

        self.random = random.Random(seed)
        self.victim = victim
        self.config = config or left_peer()
        self.spi = self.random.getrandbits(64)
        self.now = 1000.0
        self.channel = Channel(
            Role.INITIATOR,
            self.spi,
            at(LEFT),
            at(RIGHT),
            Settings(),
            self.random.randbytes,
            self.now,
        )
        self.offer = ike_sa_init.make_offer(
            self.spi, self.random.randbytes(32), self.config.proposals, self.random.randbytes
        )
        self.auth: AuthContext | None = None

    def first_request(self) -> list[Payload]:
        return [
            *ike_sa_init.build_request(self.offer, at(LEFT), at(RIGHT)),
            *hashes.announce((self.config,)),
        ]

    def exchange(
        self, exchange_type: int, payloads: Sequence[Payload]
    ) -> tuple[Payload, ...] | None:
        """Send a request, and give the answer's payloads; None if there is no answer."""
        self.channel.request(exchange_type, payloads, self.now)
        answers = self.deliver()
        self.channel.forget_request()
        return answers[-1] if answers else None

    def deliver(self) -> list[tuple[Payload, ...]]:
        for datagram in self.channel.outbox:
            self.victim.receive(datagram, self.now)
        self.channel.outbox.clear()
        answers = []
        for datagram in self.victim.transmits():
            header = Header.parse(datagram.payload)
            received = self.channel.receive(datagram, header, self.now)
            if received is not None:
                answers.append(received.payloads)
                self.response = received
        return answers

    def answer_all(self, payloads: Callable[[], Sequence[Payload]]) -> None:
        """Answer what the victim asks with the payloads that the test gives."""
        for datagram in self.victim.transmits():
            header = Header.parse(datagram.payload)
            received = self.channel.receive(datagram, header, self.now)
            if received is not None and not header.is_response and received.authenticated:
                self.channel.respond(received, payloads())
        for datagram in self.channel.outbox:
            self.victim.receive(datagram, self.now)
        self.channel.outbox.clear()

    def init(self) -> InitAgreement:
        request = self.channel.request(ExchangeType.IKE_SA_INIT, self.first_request(), self.now)
        self.deliver()
        message = Message(self.response.header, self.response.payloads)
        agreement = ike_sa_init.read_response(
            self.offer, message, at(LEFT), at(RIGHT), self.random.randbytes
        )
        assert isinstance(agreement, InitAgreement)
        self.channel.forget_request()
        self.channel.responder_spi = agreement.responder_spi
        self.channel.secure(agreement.suite, agreement.keys)
        self.channel.fragmentation = agreement.fragmentation
        peer_hashes = hashes.read(self.response.payloads)
        self.auth = AuthContext(agreement, request, self.response.packet, peer_hashes)
        return agreement

    def auth_request(self) -> list[Payload]:
        assert self.auth is not None
        offer = ChildOffer(self.config.children[0], 0x01020304)
        return ike_auth.build_request(self.auth, self.config, offer, initial_contact=False)

    def establish(self) -> tuple[Payload, ...]:
        self.init()
        answer = self.exchange(ExchangeType.IKE_AUTH, self.auth_request())
        assert answer is not None
        return answer

    def child_request(self) -> list[Payload]:
        offer = create_child_sa.make_offer(
            self.config.children[0], 0x05060708, self.random.randbytes
        )
        return create_child_sa.build_request(offer, self.random.randbytes(32))

    @property
    def nonces(self) -> Nonces:
        assert self.auth is not None
        return self.auth.agreement.nonces

    def send_raw(self, payload: bytes) -> list[Datagram]:
        """Send bytes from the adversary's address, and give what comes back."""
        self.victim.receive(Datagram(at(LEFT), at(RIGHT), payload), self.now)
        return self.victim.transmits()


class HostileResponder:
    """The responder of the IKE SA that `victim`, which is the left router, initiates."""

    def __init__(self, victim: Endpoint, config: PeerConfig, seed: int = 7) -> None:
        import random

        self.random = random.Random(seed)
        self.victim = victim
        self.config = config
        self.now = 1000.0

    def requested(self) -> tuple[Payload, ...]:
        """Have the victim initiate, and give what is in its IKE_AUTH request."""
        self.victim.initiate("net", self.now)
        (first,) = self.victim.transmits()
        header = Header.parse(first.payload)
        message = Message.parse(first.payload, header)
        self.channel = Channel(
            Role.RESPONDER,
            header.initiator_spi,
            at(RIGHT),
            at(LEFT),
            Settings(),
            self.random.randbytes,
            self.now,
        )
        answered = ike_sa_init.answer_request(
            message,
            (self.config,),
            0x1234,
            self.random.randbytes(32),
            at(RIGHT),
            at(LEFT),
            self.random.randbytes,
        )
        assert isinstance(answered, ike_sa_init.InitAnswer)
        self.channel.responder_spi = 0x1234
        path = first.destination, first.source
        received = Received(header, message.payloads, first.payload, *path, authenticated=False)
        payloads = (*answered.payloads, *hashes.announce((self.config,)))
        response = self.channel.respond(received, payloads)
        agreement = answered.agreement
        self.channel.secure(agreement.suite, agreement.keys)
        self.channel.fragmentation = agreement.fragmentation
        peer_hashes = hashes.read(message.payloads)
        self.auth = AuthContext(agreement, first.payload, response, peer_hashes)
        self.request = self._exchanged()
        return self.request.payloads

    def answer(self, payloads: Sequence[Payload]) -> tuple[Payload, ...] | None:
        """Answer IKE_AUTH, and give what the victim sends then; None if it sends nothing."""
        self.channel.respond(self.request, payloads)
        answered = self._exchanged(or_nothing=True)
        return answered.payloads if answered is not None else None

    def good_answer(self) -> list[Payload]:
        """What an honest responder says, without a CHILD_SA."""
        identity = self.config.local_identity
        identification = IdentificationResponder(identity.id_type, identity.data)
        method = self.config.local_authentication
        chain, authentication = prove(self.auth, Role.RESPONDER, identification, method)
        return [identification, *chain, authentication]

    def _exchanged(self, *, or_nothing: bool = False) -> Received:
        for datagram in self.channel.outbox:
            self.victim.receive(datagram, self.now)
        self.channel.outbox.clear()
        received = None
        for datagram in self.victim.transmits():
            header = Header.parse(datagram.payload)
            received = self.channel.receive(datagram, header, self.now) or received
        assert received is not None or or_nothing
        return received  # type: ignore[return-value]  # only then is it None
