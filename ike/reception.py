"""Where strangers come in: IKE_SA_INIT requests, and messages that belong to no IKE SA.

Nothing is kept for whom is not admitted, and no reply is longer than the shortest IKE_SA_INIT.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from ike.admission import Admission, Decision, TokenBucket
from ike.codec.chain import find, find_notify
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import ExchangeType, HeaderFlag, NotifyType
from ike.config import PeerConfig
from ike.cookies import CookieJar
from ike.discards import Discard
from ike.environment import Environment
from ike.events import Event, FailureReason, PeerRefused
from ike.exchanges.outcome import Refusal
from ike.responder import ResponderHandshake
from ike.types import Datagram

_REPLIES_PER_SECOND = 20.0  # unprotected ones, to whoever it may be
_REPORTS_PER_SECOND = 10.0  # of what was thrown away


class Reception:
    """See the module.

    Attributes:
        outbox: datagrams to be sent, for the owner to take.
        events: what was refused, for the owner to take.
        discarded: why a message was thrown away, for the owner to take.
    """

    def __init__(self, env: Environment) -> None:
        settings = env.settings
        self._env = env
        self._admission = Admission(settings)
        self._cookies = CookieJar(env.random_bytes, settings.cookie_secret_lifetime)
        self._replies = TokenBucket(_REPLIES_PER_SECOND, _REPLIES_PER_SECOND)
        self._reports = TokenBucket(_REPORTS_PER_SECOND, _REPORTS_PER_SECOND)
        self._half_open: dict[int, tuple[ResponderHandshake, bool]] = {}
        self._requests: dict[bytes, ResponderHandshake] = {}
        self._digests: dict[int, bytes] = {}
        self.outbox: list[Datagram] = []
        self.events: list[Event] = []
        self.discarded: Discard | None = None

    def receive(
        self, datagram: Datagram, header: Header, peers: tuple[PeerConfig, ...], now: float
    ) -> ResponderHandshake | None:
        """Take an IKE_SA_INIT request; give the half-open IKE SA if it begins one.

        Args:
            datagram: the request.
            header: its header.
            peers: those configured at its addresses.
            now: the time.
        """
        digest = _digest(datagram)
        known = self._requests.get(digest)
        if known is not None:
            if known.channel.repeat(datagram, header.message_id):
                self.outbox += known.channel.outbox
                known.channel.outbox.clear()
            return None
        local, remote = datagram.destination.address, datagram.source.address
        if not peers:
            # RFC 7296 §2.21.1 leaves it to us: an answer would be unauthenticated, and whom we have
            # no configuration for would take it for a matter of algorithms.
            self.discarded = Discard.UNKNOWN_PEER
            detail = f"no peer is configured at {remote} towards {local}"
            self.report(datagram, FailureReason.UNKNOWN_PEER, detail, now)
            return None
        try:
            request = Message.parse(datagram.payload, header)
        except ParseError as error:
            self.discarded = Discard.INVALID_SYNTAX
            self.report(datagram, FailureReason.INVALID_SYNTAX, f"malformed: {error}", now)
            return None
        proven = self._check_cookie(datagram, request, now)
        decision = self._admission.decide(remote, proven)
        if decision is Decision.ASK_FOR_COOKIE:
            self._ask_for_cookie(datagram, request, now)
        if decision is not Decision.ADMIT:
            return None
        answered = ResponderHandshake.answer(self._env, peers, request, datagram, now)
        if isinstance(answered, Refusal):
            # Not rationed: strangers must not use up what a peer needs, INVALID_KE_PAYLOAD first.
            self._send(datagram, header, answered.notify)
            if answered.notify.notify_type != NotifyType.INVALID_KE_PAYLOAD:
                self.report(datagram, answered.reason, answered.detail, now, peers)
            return None
        self._admission.opened(remote, proven)
        self._half_open[answered.spi] = (answered, proven)
        self._requests[digest] = answered
        self._digests[answered.spi] = digest
        return answered

    def no_longer_half_open(self, spi: int) -> None:
        """Count an IKE SA no more: it is established, or gone."""
        known = self._half_open.pop(spi, None)
        if known is not None:
            handshake, proven = known
            self._admission.closed(handshake.address, proven)

    def forget(self, spi: int) -> None:
        """Forget the request that began an IKE SA: the SA is gone."""
        self.no_longer_half_open(spi)
        digest = self._digests.pop(spi, None)
        if digest is not None:
            self._requests.pop(digest, None)

    def report(
        self,
        datagram: Datagram,
        reason: FailureReason,
        detail: str,
        now: float,
        peers: Sequence[PeerConfig] = (),
    ) -> None:
        """Report a message thrown away, unless there are too many.

        Args:
            datagram: the message.
            reason: why.
            detail: one sentence.
            now: the time.
            peers: whose it may be, as far as addresses tell.
        """
        if self._reports.take(now):
            peer = peers[0].name if len(peers) == 1 else ""
            self.events.append(PeerRefused(peer, datagram.source.address, reason, detail))

    def reply(
        self,
        datagram: Datagram,
        header: Header,
        notify: Notify,
        now: float,
        proof: tuple[Payload, ...] = (),
    ) -> None:
        """Answer a request without an IKE SA, unless there are too many (RFC 7296 §1.5).

        `proof` goes along: see `ike.crash_detection`.
        """
        if not header.is_response and self._replies.take(now):
            self._send(datagram, header, notify, proof)

    def _check_cookie(self, datagram: Datagram, request: Message, now: float) -> bool:
        cookie = find_notify(request.payloads, NotifyType.COOKIE)
        nonce = find(request.payloads, Nonce)
        if cookie is None or nonce is None:
            return False
        spi = request.header.initiator_spi
        return self._cookies.check(cookie.data, nonce.data, spi, datagram.source, now)

    def _ask_for_cookie(self, datagram: Datagram, request: Message, now: float) -> None:
        nonce = find(request.payloads, Nonce)
        if nonce is None:
            return
        header = request.header
        cookie = self._cookies.make(nonce.data, header.initiator_spi, datagram.source, now)
        self._send(datagram, header, Notify(NotifyType.COOKIE, cookie))

    def _send(
        self, datagram: Datagram, header: Header, notify: Notify, proof: tuple[Payload, ...] = ()
    ) -> None:
        exchange_type = header.exchange_type
        if notify.notify_type == NotifyType.INVALID_MAJOR_VERSION:
            exchange_type = ExchangeType.INFORMATIONAL  # the other version's numbers are not ours
        flags = HeaderFlag.RESPONSE
        if not header.from_initiator:
            flags |= HeaderFlag.INITIATOR
        answer = Header(
            header.initiator_spi,
            header.responder_spi,
            0,
            exchange_type,
            flags,
            header.message_id,
            0,
        )
        payload = Message(answer, (notify, *proof)).serialize()
        self.outbox.append(Datagram(datagram.destination, datagram.source, payload))


def _digest(datagram: Datagram) -> bytes:
    digest = Hash(SHA256())
    source = datagram.source
    digest.update(source.address.packed + u16(source.port) + datagram.payload)
    return digest.finalize()
