"""Whom a datagram is for: an IKE SA, those who admit new ones, or nobody."""

from __future__ import annotations

from ike import crash_detection
from ike.admission import TokenBucket
from ike.codec.errors import ParseError
from ike.codec.header import VERSION, Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u8
from ike.codec.registry import ExchangeType, NotifyType, PayloadType
from ike.discards import Discard
from ike.environment import Environment
from ike.events import FailureReason
from ike.exchanges.informational import invalid_spis
from ike.peer_table import PeerTable
from ike.reception import Reception
from ike.sa_table import SaTable
from ike.settlement import Settlement
from ike.types import Datagram

_HINTS_PER_SECOND = 1.0  # unprotected ones that are followed, from whoever it may be
_ENCRYPTED = (PayloadType.SK, PayloadType.SKF)
_MAJOR_VERSION = VERSION >> 4


class Dispatcher:
    """See the module."""

    def __init__(
        self,
        env: Environment,
        peers: PeerTable,
        sas: SaTable,
        reception: Reception,
        settlement: Settlement,
    ) -> None:
        self._env = env
        self._peers = peers
        self._sas = sas
        self._reception = reception
        self._settlement = settlement
        self._hints = TokenBucket(_HINTS_PER_SECOND, _HINTS_PER_SECOND)

    def dispatch(self, datagram: Datagram, now: float) -> Discard | None:
        """Pass a datagram on, whatever is in it; tell why it was thrown away, if it was."""
        try:
            discarded = self._dispatch(datagram, now)
        except ParseError as error:
            discarded = Discard.INVALID_SYNTAX
            self._reception.report(
                datagram, FailureReason.INVALID_SYNTAX, f"malformed: {error}", now
            )
        self._settlement.settle_reception()
        return discarded

    def _dispatch(self, datagram: Datagram, now: float) -> Discard | None:
        header = Header.parse(datagram.payload)
        if header.major_version != _MAJOR_VERSION:
            # RFC 7296 §2.5; also the answer to IKEv1, which has no use for it but may log it.
            notify = Notify(NotifyType.INVALID_MAJOR_VERSION, u8(_MAJOR_VERSION))
            self._reception.reply(datagram, header, notify, now)
            return Discard.INVALID_MAJOR_VERSION
        first = header.exchange_type == ExchangeType.IKE_SA_INIT and not header.responder_spi
        if first and header.from_initiator and not header.is_response:
            return self._admit(datagram, header, now)
        spi = header.responder_spi if header.from_initiator else header.initiator_spi
        sa = self._sas.get(spi)
        if sa is None:
            if header.next_payload in _ENCRYPTED:
                self._answer_unknown(datagram, header, now)
            else:
                self._take_hint(datagram, header, now)
            return Discard.UNKNOWN_SPI
        if not sa.channel.expects_spis(header):
            return Discard.UNKNOWN_SPI
        sa.channel.discarded = None
        sa.receive(datagram, header, now)
        self._settlement.settle(sa, now)
        return sa.channel.discarded

    def _admit(self, datagram: Datagram, header: Header, now: float) -> Discard | None:
        if header.initiator_spi in self._sas or header.message_id or not header.initiator_spi:
            return None  # our own request, reflected; or not the first message of an initiator
        peers = self._peers.at(datagram.destination.address, datagram.source.address)
        self._reception.discarded = None
        handshake = self._reception.receive(datagram, header, peers, now)
        if handshake is not None:
            self._sas.put(handshake)
            self._settlement.settle(handshake, now)
        return self._reception.discarded

    def _answer_unknown(self, datagram: Datagram, header: Header, now: float) -> None:
        """Say that we don't have the IKE SA, and prove it if we can."""
        # RFC 7296 §2.21.4: it proves nothing to the peer, but may set it thinking.
        notify = Notify(NotifyType.INVALID_IKE_SPI)
        proof: tuple[Payload, ...] = ()
        if header.initiator_spi not in self._sas and header.responder_spi not in self._sas:
            secret = self._env.settings.qcd_secret
            proof = crash_detection.answer_unknown(secret, header, datagram.source)
        self._reception.reply(datagram, header, notify, now, proof)

    def _take_hint(self, datagram: Datagram, header: Header, now: float) -> None:
        """Ask a peer whether it is there if somebody says that our ESP is unknown to it.

        It comes outside of any IKE SA, and is never answered (RFC 7296 §1.5, §2.4).
        """
        if header.exchange_type != ExchangeType.INFORMATIONAL or not self._hints.take(now):
            return
        spis_out = invalid_spis(Message.parse(datagram.payload, header).payloads)[:1]
        for config in self._peers.at(datagram.destination.address, datagram.source.address):
            for connection in tuple(self._peers[config.name].connections):
                if any(connection.children.by_spi_out(spi) for spi in spis_out):
                    connection.check_liveness(now)
                    self._settlement.settle(connection, now)
