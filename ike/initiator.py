"""An IKE SA that we are initiating: after `ike.key_agreement` comes IKE_AUTH, then a connection."""

from __future__ import annotations

from ipaddress import IPv4Address

from ike import crash_detection, mobike, states
from ike.authentication import lifetime
from ike.authentication.context import AuthContext
from ike.authentication.verdict import Authenticated
from ike.channel import Channel
from ike.codec.authentication import Authentication
from ike.codec.chain import find, notifies
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.config import ChildConfig, Mode, PeerConfig
from ike.connection import Connection
from ike.environment import Environment
from ike.establishment import establish
from ike.events import (
    AttemptFailed,
    ChildSaOffered,
    ChildSaOfferEnded,
    Event,
    FailureReason,
    Role,
)
from ike.exchanges import ike_auth, informational
from ike.exchanges.child import ChildContext, ChildDraft, ChildOffer, read_answer
from ike.exchanges.outcome import Failure
from ike.info import IkeSaInfo, unestablished
from ike.key_agreement import KeyAgreement
from ike.received import Received
from ike.states import State, Trigger
from ike.tasks.delete import DeleteChildren, DeleteIkeSa
from ike.types import IKE_PORT, Datagram, UdpAddress


class InitiatorHandshake:
    """An IKE SA that we are initiating, with its first CHILD_SA if there is to be one.

    Attributes:
        child: what the first CHILD_SA is for; None: there is none, or the peer is yet to say
            whether it can do without (RFC 6023).
        connection: the result; None until it is there.
        failure: why there is no result, once the state is CLOSED.
        cancelled: nobody wants the CHILD_SA any more.
        given_up: nobody wants the IKE SA any more; if the peer makes it, it is deleted at once.
        events: what happened, for the owner to take.
    """

    def __init__(
        self, env: Environment, peer: PeerConfig, child: ChildConfig | None, now: float
    ) -> None:
        self.env = env
        self.peer = peer
        self.child = child
        self.state = State.INIT_SENT
        self.connection: Connection | None = None
        self.failure: Failure | None = None
        self.cancelled = False
        self.given_up = False
        self.events: list[Event] = []
        self.began = env.next_sequence()
        self.initial_contact = True
        self.spi = env.allocate_ike_spi()
        self.channel = Channel(
            Role.INITIATOR,
            self.spi,
            UdpAddress(peer.local_address, IKE_PORT),
            UdpAddress(peer.remote_address, IKE_PORT),
            env.settings,
            env.random_bytes,
            now,
        )
        self._moved_to: IPv4Address | None = None
        self._child_offer: ChildOffer | None = None
        self._auth: AuthContext | None = None
        self._keys = KeyAgreement(env, self.channel, peer, now)

    @property
    def deadline(self) -> float | None:
        """When `advance` wants to be called."""
        return self.channel.deadline

    @property
    def is_before_auth(self) -> bool:
        """Whether IKE_AUTH is yet to be sent, which says who we are and what CHILD_SA we want."""
        return self.state in (State.INIT_SENT, State.INTERMEDIATE_SENT)

    def receive(self, datagram: Datagram, header: Header, now: float) -> None:
        """Take a message with our SPI.

        Raises:
            ParseError: what is outside the encryption is malformed.
        """
        if not header.is_response or datagram.source.address != self.peer.remote_address:
            return
        received = self.channel.receive(datagram, header, now)
        if received is None:
            return
        if self.state is State.INIT_SENT and header.exchange_type == ExchangeType.IKE_SA_INIT:
            if self._keys.read_init(received, datagram, self.peer, now):
                self._go_on(now)
        elif self.state is State.INTERMEDIATE_SENT and received.authenticated:
            failure = self._keys.read_intermediate(received)
            if failure is None:
                self._go_on(now)
            else:
                self._fail(failure)
        elif self.state is State.AUTH_SENT and received.authenticated:
            if self.given_up:
                self._delete(received, now)
            else:
                self._read_auth(received, now)
        elif self.state is State.DELETING and received.authenticated:
            self._close()

    def advance(self, now: float) -> None:
        """Do what time asks for."""
        if self.state is State.CLOSED or not self.channel.advance(now):
            return
        if self.given_up:
            self._close()
            return
        where = self.channel.remote
        silence = Failure(
            FailureReason.NO_ANSWER, f"no answer from {where} to {self.state.value.split()[0]}"
        )
        self._fail(self._keys.hint or silence)

    def info(self) -> IkeSaInfo:
        """Describe it for an operator."""
        return unestablished(self.peer.name, self.state, self.channel)

    def relocate(self, local: IPv4Address, now: float) -> None:
        """Go on at another address of ours if the peer may have the IKE SA already, else end.

        It takes IKE_AUTH and a Delete from anywhere (RFC 7296 §2.23), and with MOBIKE the IKE SA
        is told to move as soon as it is there (RFC 4555 §3.5).
        """
        if self.state is State.DELETING or (
            self.state is State.AUTH_SENT and (self.given_up or mobike.is_wanted(self.peer))
        ):
            self._moved_to = local
            self.channel.relocate(local, now)
        else:
            self.abandon()

    def abandon(self) -> None:
        """Stop, and tell nobody."""
        if self.state is not State.CLOSED:
            self._close()

    def give_up(self) -> None:
        """Stop, and have the peer know.

        What the IKE_AUTH under way makes at the peer can't be deleted before it is there (RFC
        7296 §2.3): so its answer is waited for, as long as ever, and then that of the Delete
        (§1.4.1). Before IKE_AUTH the peer has nothing that it would take for an IKE SA.
        """
        if self.state is State.AUTH_SENT:
            self.given_up = True
        elif self.state is not State.DELETING:
            self.abandon()

    def shutdown(self) -> None:
        """Stop, and tell the peer with one datagram, which counts if it has the IKE SA already."""
        if self.state is State.AUTH_SENT:
            self.channel.announce(*DeleteIkeSa.message)
        self.abandon()

    def _delete(self, received: Received, now: float) -> None:
        """Have the peer delete what it has made, unless it has refused to (§1.2)."""
        if received.error is None and find(received.payloads, Authentication) is None:
            self._close()
            return
        self.state = states.advance(self.state, Trigger.DELETE_SENT)
        self.channel.request(*DeleteIkeSa.message, now)

    def _go_on(self, now: float) -> None:
        """Begin the next additional key exchange, or IKE_AUTH after the last one."""
        if self._keys.begin_next(now):
            self.state = states.advance(self.state, Trigger.MORE_KEYS)
        else:
            assert self._keys.auth is not None
            self._send_auth(self._keys.auth, now)

    def _send_auth(self, auth: AuthContext, now: float) -> None:
        if auth.agreement.childless and (self.child is None or self.peer.childless):
            self.child = None
        elif self.child is None:
            if not self.peer.children:
                self._fail(_needs_child())
                return
            self.child = self.peer.children[0]
        if self.child is not None:
            transport = self.child.mode is Mode.TRANSPORT and not auth.agreement.nat.detected
            spi_in = self.env.allocate_esp_spi()
            self._child_offer = ChildOffer(self.child, spi_in, transport=transport)
            self.events.append(
                ChildSaOffered(self.child.name, self.peer.name, spi_in, self.channel.local)
            )
        self._auth = auth
        self.state = states.advance(self.state, Trigger.KEYS_AGREED)
        self.channel.request(
            ExchangeType.IKE_AUTH,
            [
                *ike_auth.build_request(auth, self.peer, self._child_offer, self.initial_contact),
                *self._own_token(),
                *mobike.announce(self.peer),
            ],
            now,
        )

    def _own_token(self) -> tuple[Payload, ...]:
        channel, secret = self.channel, self.env.settings.qcd_secret
        spis = channel.initiator_spi, channel.responder_spi
        return crash_detection.announce(secret, *spis, channel.remote)

    def _read_auth(self, received: Received, now: float) -> None:
        assert self._auth is not None
        try:
            payloads = received.readable("IKE_AUTH")
            checked = ike_auth.check_response(self._auth, self.peer, payloads, self.env.calendar())
            if isinstance(checked, Failure):
                if not _has_error(received):
                    self._reject()
                self._fail(checked)
                return
            self._auth = checked.context
            self._establish(received, checked.verdict, now)
        except ParseError as error:
            self._reject()
            self._fail(Failure(FailureReason.INVALID_SYNTAX, f"malformed IKE_AUTH: {error}"))

    def _establish(self, received: Received, responder: Authenticated, now: float) -> None:
        assert self._auth is not None
        agreement = self._auth.agreement
        offer, outcome = self._child_offer, None
        if offer is not None:
            context = ChildContext(agreement.suite.prf, agreement.keys.sk_d, agreement.nonces)
            outcome = read_answer(offer, received.payloads, context)
        self._child_offer = None
        self.state = states.advance(self.state, Trigger.AUTHENTICATED)
        good_for = lifetime.limit(
            self.peer,
            self.env.settings.rekey_margin,
            responder.not_after,
            self.env.calendar(),
            lifetime.read(received.payloads),
        )
        self.connection = establish(
            self.env,
            self.channel,
            self._auth,
            self.peer,
            received.payloads,
            good_for,
            self.began,
            now,
        )
        if offer is not None and outcome is not None:
            self._take_child(self.connection, offer, outcome, now)
        if self._moved_to is not None:
            self.connection.relocate(self._moved_to, now)

    def _take_child(
        self,
        connection: Connection,
        offer: ChildOffer,
        outcome: ChildDraft | Failure,
        now: float,
    ) -> None:
        name = offer.config.name
        if isinstance(outcome, Failure):
            self._withdraw(offer)
            if not self.cancelled:
                connection.events.append(
                    AttemptFailed(name, self.peer.name, outcome.reason, outcome.detail)
                )
            if not outcome.notify_type:
                connection.enqueue(DeleteChildren({offer.spi_in: 0}, {name}), now)
        elif self.cancelled:
            self._withdraw(offer)
            spis = {offer.spi_in: outcome.agreement().spi_out}
            connection.enqueue(DeleteChildren(spis, {name}), now)
        else:
            connection.add_child(outcome.agreement(), self.began, now)

    def _reject(self) -> None:
        """Tell the responder that it has an IKE SA which we don't (RFC 7296 §2.21.2)."""
        self.channel.announce(ExchangeType.INFORMATIONAL, informational.authentication_failed())

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self._close()

    def _close(self) -> None:
        self.state = states.advance(self.state, Trigger.ENDED)
        self.channel.forget_request()
        if self._child_offer is not None:
            self._withdraw(self._child_offer)
            self._child_offer = None

    def _withdraw(self, offer: ChildOffer) -> None:
        self.env.release_esp_spi(offer.spi_in)
        self.events.append(ChildSaOfferEnded(offer.config.name, self.peer.name, offer.spi_in))


def _needs_child() -> Failure:
    return Failure(
        FailureReason.REFUSED,
        "the peer makes no IKE SA without a CHILD_SA, and none is configured",
    )


def _has_error(received: Received) -> bool:
    return any(notify.is_error for notify in notifies(received.payloads))
