"""The initiator's half of IKE_SA_INIT and IKE_INTERMEDIATE: up to the keys that IKE_AUTH is under.

The peer is not authenticated yet, so what is wrong with an answer to IKE_SA_INIT may be somebody
else's doing: the request goes on, and what was wrong is a hint (RFC 7296 §2.21.1).
"""

from __future__ import annotations

from ike import mobike
from ike.authentication import certificates, hashes, ppk
from ike.authentication.context import AuthContext
from ike.authentication.proof import obstacle_to_proof
from ike.channel import Channel
from ike.codec.chain import unsupported_critical
from ike.codec.errors import ParseError
from ike.codec.message import Message
from ike.codec.payload import Payload
from ike.codec.registry import ExchangeType
from ike.config import PeerConfig
from ike.crypto import key_exchange
from ike.crypto.key_exchange import PrivateValue
from ike.environment import Environment
from ike.events import FailureReason
from ike.exchanges import ike_sa_init
from ike.exchanges.ike_intermediate import covered, covered_of_own
from ike.exchanges.ike_sa_init import InitOffer
from ike.exchanges.key_exchange import finish_additional, value_of
from ike.exchanges.outcome import Failure
from ike.info import own_vendor_id, vendor_ids
from ike.received import Received
from ike.types import IKE_PORT, NAT_PORT, Datagram, UdpAddress


class KeyAgreement:
    """See the module. It begins with an IKE_SA_INIT request on the channel.

    Attributes:
        auth: what IKE_AUTH needs of it; None until IKE_SA_INIT is answered.
        hint: what was wrong with the last answer that was not the one.
    """

    def __init__(self, env: Environment, channel: Channel, peer: PeerConfig, now: float) -> None:
        self._env = env
        self._channel = channel
        self.auth: AuthContext | None = None
        self.hint: Failure | None = None
        self._offer: InitOffer = ike_sa_init.make_offer(
            channel.own_spi, env.nonce(), peer.proposals, env.random_bytes
        )
        self._intermediate: tuple[PrivateValue, bytes] | None = None
        self._request = channel.request(ExchangeType.IKE_SA_INIT, self._payloads(peer), now)

    def _payloads(self, peer: PeerConfig) -> list[Payload]:
        channel = self._channel
        return [
            *ike_sa_init.build_request(self._offer, channel.local, channel.remote),
            *hashes.announce((peer,)),
            *ppk.announce((peer,)),
            *own_vendor_id(self._env.settings),
        ]

    def read_init(
        self, received: Received, datagram: Datagram, peer: PeerConfig, now: float
    ) -> bool:
        """Take an answer to IKE_SA_INIT; tell whether it was the one, and the channel has keys."""
        if unsupported_critical(received.payloads):
            return False
        message = Message(received.header, received.payloads)
        outcome = ike_sa_init.read_response(
            self._offer, message, datagram.destination, datagram.source, self._env.random_bytes
        )
        if isinstance(outcome, Failure):
            self.hint = outcome
            return False
        if isinstance(outcome, InitOffer):
            self._offer = outcome
            self._request = self._channel.change_request(
                ExchangeType.IKE_SA_INIT, self._payloads(peer), now
            )
            return False
        auth = AuthContext(
            outcome,
            self._request,
            received.packet,
            hashes.read(received.payloads),
            wants_ocsp=certificates.asks_for_ocsp(received.payloads),
            uses_ppk=ppk.is_announced(received.payloads),
        )
        obstacle = obstacle_to_proof(peer.local_authentication, auth) or ppk.obstacle(auth, peer)
        if obstacle is not None:
            self.hint = Failure(FailureReason.AUTHENTICATION_FAILED, obstacle)
            return False
        self._channel.vendor_ids = vendor_ids(received.payloads)
        self._secure(auth, peer)
        return True

    def _secure(self, auth: AuthContext, peer: PeerConfig) -> None:
        channel, agreement = self._channel, auth.agreement
        channel.forget_request()
        channel.responder_spi = agreement.responder_spi
        channel.secure(agreement.suite, agreement.keys)
        channel.fragmentation = agreement.fragmentation
        # With MOBIKE at once, for a NAT may come in between later (RFC 4555 §3.3).
        may_change = agreement.nat.supported and mobike.is_wanted(peer)
        if (agreement.nat.detected or may_change) and channel.remote.port == IKE_PORT:
            channel.local = UdpAddress(channel.local.address, NAT_PORT)
            channel.remote = UdpAddress(channel.remote.address, NAT_PORT)
        self.hint = None
        self.auth = auth

    def begin_next(self, now: float) -> bool:
        """Begin the next additional key exchange (RFC 9370); tell whether there is one."""
        assert self.auth is not None
        methods = self.auth.agreement.suite.additional[self.auth.transcript.exchanges :]
        if not methods:
            return False
        private = key_exchange.generate(methods[0], self._env.random_bytes)
        payloads = (value_of(private),)
        packet = self._channel.request(ExchangeType.IKE_INTERMEDIATE, payloads, now)
        self._intermediate = private, covered_of_own(packet, payloads)
        return True

    def read_intermediate(self, received: Received) -> Failure | None:
        """Take the answer to an additional key exchange; the channel has other keys then."""
        assert self.auth is not None
        assert self._intermediate is not None
        private, request = self._intermediate
        try:
            payloads = received.readable("IKE_INTERMEDIATE")
            shared = finish_additional(private, payloads)
        except ParseError as error:
            shared = Failure(FailureReason.INVALID_SYNTAX, f"malformed IKE_INTERMEDIATE: {error}")
        if isinstance(shared, Failure):
            return shared
        response = covered(received.header, payloads[0].payload_type, received.plaintext)
        self._intermediate = None
        self.auth = self.auth.after_intermediate(request, response, shared)
        self._channel.secure(self.auth.agreement.suite, self.auth.agreement.keys)
        return None
