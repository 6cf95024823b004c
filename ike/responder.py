"""The responder's half of the first exchanges, up to an established connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ike import mobike, states
from ike.authentication import certificates, hashes, lifetime, ppk
from ike.authentication.context import AuthContext
from ike.channel import Channel
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.config import KeyExchange, PeerConfig
from ike.connection import Connection
from ike.environment import Environment
from ike.establishment import establish
from ike.events import Event, PeerRefused, Role
from ike.exchanges import ike_auth, ike_sa_init
from ike.exchanges.child import ChildAnswer, ChildContext, answer_offer
from ike.exchanges.ike_auth import AuthenticatedInitiator
from ike.exchanges.ike_intermediate import covered, covered_of_own
from ike.exchanges.key_exchange import answer_additional
from ike.exchanges.outcome import Refusal, refuse_critical, refuse_malformed
from ike.info import IkeSaInfo, own_vendor_id, unestablished, vendor_ids
from ike.received import Received
from ike.states import State, Trigger
from ike.types import Datagram


class ResponderHandshake:
    """A half-open IKE SA: IKE_SA_INIT is answered, the peer is not authenticated yet.

    Attributes:
        connection: the result; None until it is there.
        address: where IKE_SA_INIT came from.
        expire_at: when the wait for IKE_AUTH, or for retransmissions of it, ends.
        events: what happened, for the owner to take.
    """

    def __init__(
        self,
        env: Environment,
        peers: tuple[PeerConfig, ...],
        auth: AuthContext,
        channel: Channel,
        spi: int,
        began: int,
        now: float,
    ) -> None:
        self.env = env
        self.peers = peers
        self.channel = channel
        self.spi = spi
        self.state = State.HALF_OPEN
        self.connection: Connection | None = None
        self.expire_at = now + env.settings.half_open_lifetime
        self.events: list[Event] = []
        self.began = began
        self.address = channel.remote.address
        self._auth = auth

    @classmethod
    def answer(
        cls,
        env: Environment,
        peers: tuple[PeerConfig, ...],
        request: Message,
        datagram: Datagram,
        now: float,
    ) -> ResponderHandshake | Refusal:
        """Answer an IKE_SA_INIT request from the address of `peers`, or refuse it."""
        began = env.next_sequence()
        spi = env.allocate_ike_spi()
        local, remote = datagram.destination, datagram.source
        answered = ike_sa_init.answer_request(
            request, peers, spi, env.nonce(), local, remote, env.random_bytes
        )
        if isinstance(answered, Refusal):
            env.release_ike_spi(spi)
            return answered
        header = request.header
        channel = Channel(
            Role.RESPONDER,
            header.initiator_spi,
            local,
            remote,
            env.settings,
            env.random_bytes,
            now,
        )
        channel.responder_spi = spi
        use_ppk = ppk.announce(answered.peers) if ppk.is_announced(request.payloads) else []
        received = Received(
            header, request.payloads, datagram.payload, local, remote, authenticated=False
        )
        response = channel.respond(
            received,
            (
                *answered.payloads,
                *certificates.request(answered.peers),
                *hashes.announce(answered.peers),
                *use_ppk,
                *own_vendor_id(env.settings),
            ),
        )
        agreement = answered.agreement
        channel.secure(agreement.suite, agreement.keys)
        channel.fragmentation = agreement.fragmentation
        channel.vendor_ids = vendor_ids(request.payloads)
        peer_hashes = hashes.read(request.payloads)
        auth = AuthContext(
            agreement, datagram.payload, response, peer_hashes, uses_ppk=bool(use_ppk)
        )
        return cls(env, answered.peers, auth, channel, spi, began, now)

    @property
    def deadline(self) -> float | None:
        """When `advance` wants to be called."""
        return self.expire_at

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        if now >= self.expire_at and self.state is State.HALF_OPEN:
            self.state = states.advance(self.state, Trigger.ENDED)

    @property
    def _peer_name(self) -> str:
        return self.peers[0].name if len(self.peers) == 1 else ""

    def info(self) -> IkeSaInfo:
        """Describe it for an operator."""
        return unestablished(
            self.peers[0].name if len(self.peers) == 1 else "", self.state, self.channel
        )

    def abandon(self) -> None:
        """Stop, and tell nobody."""
        if self.state is State.HALF_OPEN:
            self.state = states.advance(self.state, Trigger.ENDED)

    def reconfigure(self, peers: Iterable[PeerConfig]) -> None:
        """Take a changed configuration; without a peer left that it can be, it ends."""
        known = {p.name for p in self.peers}
        self.peers = tuple(p for p in peers if p.name in known)
        if not self.peers:
            self.abandon()

    def receive(self, datagram: Datagram, header: Header, now: float) -> None:
        """Take a message with our SPI.

        Raises:
            ParseError: what is outside the encryption is malformed.
        """
        if self.state is State.CLOSED:
            if not header.is_response:
                self.channel.repeat(datagram, header.message_id)
            return
        received = self.channel.receive(datagram, header, now)
        if (
            received is None
            or not received.authenticated
            or header.exchange_type not in states.ANSWERED[self.state]
        ):
            return
        try:
            if received.error is not None:
                raise received.error
            methods = self._auth.agreement.suite.additional[self._auth.transcript.exchanges :]
            if received.header.exchange_type == ExchangeType.IKE_INTERMEDIATE:
                self._answer_intermediate(received, methods, now)
                return
            if methods:
                raise ParseError("IKE_AUTH", 0, f"the key exchange {methods[0].name} is missing")
            outcome = ike_auth.answer_request(
                self._auth, self.peers, received.payloads, self.env.calendar()
            )
            if isinstance(outcome, Refusal):
                self._refuse(received, outcome)
            else:
                self._establish(received, outcome, now)
        except ParseError as error:
            self._refuse(received, refuse_malformed(error))

    def _answer_intermediate(
        self, received: Received, methods: Sequence[KeyExchange], now: float
    ) -> None:
        if not methods:
            raise ParseError("IKE_INTERMEDIATE", 0, "no additional key exchange is agreed upon")
        payloads = received.payloads
        answered = refuse_critical(payloads) or answer_additional(
            methods[0], payloads, self.env.random_bytes
        )
        if isinstance(answered, Refusal):
            self._refuse(received, answered)
            return
        response = (answered.payload,)
        packet = self.channel.respond(received, response)
        self._auth = self._auth.after_intermediate(
            covered(received.header, payloads[0].payload_type, received.plaintext),
            covered_of_own(packet, response),
            answered.shared,
        )
        self.expire_at = now + self.env.settings.half_open_lifetime  # at most seven times
        # What is protected from here on is so by the new keys; the answer itself was not yet.
        self.channel.secure(self._auth.agreement.suite, self._auth.agreement.keys)

    def _refuse(self, received: Received, refusal: Refusal) -> None:
        self.channel.respond(received, (refusal.notify,))
        self._report(refusal)
        self.state = states.advance(self.state, Trigger.ENDED)

    def _report(self, refusal: Refusal, peer: PeerConfig | None = None) -> None:
        self.events.append(
            PeerRefused(
                peer.name if peer else self._peer_name,
                self.channel.remote.address,
                refusal.reason,
                refusal.detail,
            )
        )

    def _establish(self, received: Received, initiator: AuthenticatedInitiator, now: float) -> None:
        peer = initiator.peer
        self._auth = initiator.context
        child: ChildAnswer | Refusal | None = None
        spi_in = 0
        if initiator.wants_child:
            child, spi_in = self._answer_child(peer, received)
        self.state = states.advance(self.state, Trigger.AUTHENTICATED)
        good_for = lifetime.limit(
            peer,
            self.env.settings.rekey_margin,
            initiator.verdict.not_after,
            self.env.calendar(),
            None,
        )
        connection = establish(
            self.env,
            self.channel,
            self._auth,
            peer,
            received.payloads,
            good_for,
            self.began,
            now,
        )
        self.connection = connection
        connection.initial_contact = initiator.initial_contact
        answer: tuple[Payload, ...] = (
            *initiator.payloads,
            *connection.own_token,
            *lifetime.announce(good_for),
        )
        if connection.mobility is not None:
            answer += mobike.announce(peer)
        if isinstance(child, ChildAnswer):
            answer += child.payloads
        elif isinstance(child, Refusal):
            # The IKE SA is made all the same (RFC 7296 §1.2).
            self.env.release_esp_spi(spi_in)
            answer += (Notify(child.notify.notify_type, child.notify.data),)
            self._report(child, peer)
        self.channel.respond(received, answer)
        if isinstance(child, ChildAnswer):
            connection.add_child(child.draft.agreement(), self.began, now)

    def _answer_child(
        self, peer: PeerConfig, received: Received
    ) -> tuple[ChildAnswer | Refusal, int]:
        spi_in = self.env.allocate_esp_spi()
        agreement = self._auth.agreement
        context = ChildContext(
            agreement.suite.prf,
            agreement.keys.sk_d,
            agreement.nonces,
            transport=not agreement.nat.detected,
        )
        try:
            answered = answer_offer(
                peer.children,
                received.payloads,
                spi_in,
                context,
                self.env.random_bytes,
                with_key_exchange=False,
            )
        except ParseError:
            self.env.release_esp_spi(spi_in)
            raise
        return answered, spi_in
