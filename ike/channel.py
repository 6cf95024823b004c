"""The secured channel of one IKE SA: addresses, ids, ciphers, retransmission.

Payloads on one side, datagrams on the other. What the payloads mean is `ike.connection`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from ike.codec.chain import find_notify
from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import ExchangeType, HeaderFlag, NotifyType
from ike.config import Settings
from ike.crypto.errors import IntegrityError
from ike.crypto.keys import IkeKeys
from ike.crypto.random import RandomBytes
from ike.crypto.suites import IkeSuite
from ike.discards import Discard
from ike.environment import drain
from ike.events import Role
from ike.fragments import Reassembly
from ike.opening import Opened, open_message
from ike.protection import Protection
from ike.received import Received
from ike.state.iv import draw_run
from ike.state.records import ChannelRecord
from ike.types import NAT_KEEPALIVE, Datagram, UdpAddress
from ike.window import RequestWindow, ResponseWindow

_MANY_IDS = 2**31
_FLAGS: dict[tuple[bool, bool], int] = {  # by whether we initiated, and whether it is a response
    (False, False): 0,
    (False, True): int(HeaderFlag.RESPONSE),
    (True, False): int(HeaderFlag.INITIATOR),
    (True, True): int(HeaderFlag.INITIATOR | HeaderFlag.RESPONSE),
}
_TELLS_WINDOW = frozenset(
    {ExchangeType.IKE_AUTH, ExchangeType.CREATE_CHILD_SA, ExchangeType.INFORMATIONAL}
)


class Channel:
    """See the module.

    The first message of ours that can carry it tells the peer the size of our window; until then
    it is 1 (RFC 7296 §2.3), for a rekeyed IKE SA too (§2.18).

    Attributes:
        local: where our messages go out, and come in.
        remote: where the peer is.
        follows: whether `local` and `remote` are those of the last authenticated message
            (RFC 7296 §2.23).
        heard_at: when the last authenticated message came, in the caller's seconds.
        sent_at: when something was last taken from the outbox.
        fragmentation: whether both ends can put messages in fragments (RFC 7383).
        vendor_ids: what the peer's implementation says it is.
        http_certificates: whether the peer would fetch certificates (RFC 7296 §3.6).
        outbox: datagrams to be sent, for the owner to take.
        iv_runs: where the IVs began in each process that had the IKE SA, this one last.
        discarded: why a message was thrown away, for the owner to take.
    """

    def __init__(
        self,
        role: Role,
        initiator_spi: int,
        local: UdpAddress,
        remote: UdpAddress,
        settings: Settings,
        random_bytes: RandomBytes,
        now: float,
    ) -> None:
        self.role = role
        self.initiator_spi = initiator_spi
        self.responder_spi = 0
        self.local = local
        self.remote = remote
        self.heard_at = now
        self.follows = True
        self.fragmentation = False
        self.vendor_ids: tuple[bytes, ...] = ()
        self.http_certificates = False
        self._random_bytes = random_bytes
        self._fragment_size = settings.fragment_size
        self._window = settings.window
        self.outbox: list[Datagram] = []
        self.sent_at = now
        self.iv_runs: tuple[int, ...] = (0,)
        self.discarded: Discard | None = None
        self._requests = RequestWindow(settings.retransmission, settings.window)
        self._responses = ResponseWindow()
        self._protection: Protection | None = None
        self._reassembly = Reassembly()

    def secure(self, suite: IkeSuite, keys: IkeKeys) -> None:
        """Protect all that follows with the keys."""
        self._protection = Protection.by(
            suite, keys, self.role, self._random_bytes, self.iv_runs[-1]
        )

    def snapshot(self, now: float) -> ChannelRecord:
        """Describe it for another process (`ike.state`)."""
        return ChannelRecord(
            self.role,
            self.initiator_spi,
            self.responder_spi,
            self.local,
            self.remote,
            now - self.heard_at,
            now - self.sent_at,
            self.follows,
            self.fragmentation,
            self.vendor_ids,
            self.http_certificates,
            self.iv_runs,
            self._requests.snapshot(now),
            self._responses.snapshot(),
            self._reassembly.snapshot(),
        )

    @classmethod
    def restore(
        cls,
        record: ChannelRecord,
        suite: IkeSuite,
        keys: IkeKeys,
        settings: Settings,
        random_bytes: RandomBytes,
        now: float,
    ) -> Channel:
        """Make the one that `snapshot` described, with IVs of its own.

        Raises:
            StateError: it has changed process too often.
        """
        channel = cls(
            record.role,
            record.initiator_spi,
            record.local,
            record.remote,
            settings,
            random_bytes,
            now - record.heard_ago,
        )
        channel.responder_spi = record.responder_spi
        channel.sent_at = now - record.sent_ago
        channel.follows = record.follows
        channel.fragmentation = record.fragmentation
        channel.vendor_ids = record.vendor_ids
        channel.http_certificates = record.http_certificates
        channel.iv_runs = (*record.iv_runs, draw_run(record.iv_runs, random_bytes))
        channel.secure(suite, keys)
        channel._requests.restore(record.requests, now)
        channel._responses.restore(record.responses)
        channel._reassembly.restore(record.partial)
        return channel

    @property
    def own_spi(self) -> int:
        """Our SPI."""
        return self.initiator_spi if self.role is Role.INITIATOR else self.responder_spi

    def expects_spis(self, header: Header) -> bool:
        """Tell whether a header's SPIs are ours; the responder's may be new to us."""
        return header.initiator_spi == self.initiator_spi and (
            header.responder_spi == self.responder_spi or not self.responder_spi
        )

    @property
    def has_room(self) -> bool:
        """Whether the peer's window has room for another request of ours."""
        return self._requests.has_room

    @property
    def next_id(self) -> int:
        """The message id of our next request."""
        return self._requests.next_id

    @property
    def ids_run_out(self) -> bool:
        """Whether most message ids are used up, in one of the directions (RFC 7296 §2.2)."""
        return max(self._requests.next_id, self._responses.expected_id) > _MANY_IDS

    @property
    def lowest_outstanding(self) -> int:
        """The lowest message id of our requests without an answer, or the next one."""
        return self._requests.lowest

    def is_in_order(self, header: Header) -> bool:
        """Tell whether all requests of the peer's before this one are answered."""
        return header.message_id == self._responses.expected_id

    @property
    def retransmissions(self) -> int:
        """How often a request of ours went out again."""
        return self._requests.retransmissions

    @property
    def peer_window(self) -> int:
        """How many requests we may have in flight (RFC 7296 §2.3)."""
        return self._requests.size

    @property
    def deadline(self) -> float | None:
        """When `advance` wants to be called."""
        return self._requests.deadline

    def request(self, exchange_type: int, payloads: Sequence[Payload], now: float) -> bytes:
        """Send a request, protected once there are keys; give its (first) packet.

        The caller has seen to it that there is room for it.
        """
        packets = self._build(exchange_type, self._requests.next_id, False, payloads)
        self._requests.open(exchange_type, packets, now)
        self._send(packets, self.local, self.remote)
        return packets[0]

    def change_request(self, exchange_type: int, payloads: Sequence[Payload], now: float) -> bytes:
        """Send the outstanding IKE_SA_INIT request in another form, with the same id."""
        packets = self._build(exchange_type, self._requests.next_id - 1, False, payloads)
        self._requests.replace(packets, now)
        self._send(packets, self.local, self.remote)
        return packets[0]

    def announce(self, exchange_type: int, payloads: Sequence[Payload]) -> None:
        """Send a request once, expecting nothing: the IKE SA ends with it."""
        packets = self._build(exchange_type, self._requests.next_id, False, payloads)
        self._requests.next_id += 1
        self._send(packets, self.local, self.remote)

    def respond(self, received: Received, payloads: Sequence[Payload]) -> bytes:
        """Answer a request, and remember the answer; give its (first) packet."""
        header = received.header
        packets = self._build(header.exchange_type, header.message_id, True, payloads)
        self._responses.answered(header.message_id, received.packet, packets)
        self._send(packets, received.local, received.remote)
        return packets[0]

    def forget_request(self) -> None:
        """Stop sending what is outstanding."""
        self._requests.clear()

    def repeat(self, datagram: Datagram, message_id: int) -> bool:
        """Answer a request that was answered before; tell whether it was one."""
        packets = self._responses.again(message_id, datagram.payload)
        self._send(packets, datagram.destination, datagram.source)
        return bool(packets)

    def receive(self, datagram: Datagram, header: Header, now: float) -> Received | None:
        """Take a message whose SPIs are ours; None if there is nothing to be done about it.

        Raises:
            ParseError: what is outside the encryption is malformed: nobody we know sent it.
        """
        if header.from_initiator is (self.role is Role.INITIATOR):
            return None  # our own message, reflected
        packet, path = datagram.payload, (datagram.destination, datagram.source)
        if header.is_response:
            if not self._requests.expects(header.message_id, header.exchange_type):
                return None
        elif not self._responses.accepts(header.message_id):
            self.repeat(datagram, header.message_id)
            return None
        message = Message.parse(packet, header)
        last = message.payloads[-1] if message.payloads else None
        if header.exchange_type == ExchangeType.IKE_INTERMEDIATE and len(message.payloads) > 1:
            return None  # nothing belongs outside of what AUTH will cover (RFC 9242 §3.3.2)
        if header.exchange_type == ExchangeType.IKE_SA_INIT or not isinstance(
            last, (Encrypted, EncryptedFragment)
        ):
            return Received(header, message.payloads, packet, *path, authenticated=False)
        try:
            opened = self._open(header, packet, last)
        except IntegrityError:
            self.discarded = Discard.INTEGRITY_FAILED
            return None
        if opened is None:
            return None
        self._authenticated(datagram, header, now)
        if opened.error is not None:
            self.discarded = Discard.INVALID_SYNTAX
        self._note_abilities(opened.payloads)
        return Received(
            header,
            opened.payloads,
            opened.packet,
            *path,
            authenticated=True,
            error=opened.error,
            plaintext=opened.plaintext,
        )

    def _open(
        self, header: Header, packet: bytes, payload: Encrypted | EncryptedFragment
    ) -> Opened | None:
        if self._protection is None:
            raise IntegrityError
        if isinstance(payload, EncryptedFragment) and not self.fragmentation:
            return None
        return open_message(self._protection, self._reassembly, header, packet, payload)

    def _note_abilities(self, payloads: Sequence[Payload]) -> None:
        notify = find_notify(payloads, NotifyType.SET_WINDOW_SIZE)
        if notify is not None and len(notify.data) == 4:
            self._requests.allow(int.from_bytes(notify.data, "big"))
        if find_notify(payloads, NotifyType.HTTP_CERT_LOOKUP_SUPPORTED) is not None:
            self.http_certificates = True

    def _tell_window(self, exchange_type: int) -> tuple[Payload, ...]:
        if self._responses.size == self._window or exchange_type not in _TELLS_WINDOW:
            return ()
        self._responses.size = self._window
        return (Notify(NotifyType.SET_WINDOW_SIZE, u32(self._window)),)

    def take(self, now: float) -> list[Datagram]:
        """Take what is to be sent."""
        taken = drain(self.outbox)
        if taken:
            self.sent_at = now
        return taken

    def relocate(self, local: IPv4Address, now: float) -> None:
        """Send from another address of ours, what is outstanding as soon as `advance` is called."""
        self.local = UdpAddress(local, self.local.port)
        self._requests.hurry(now)

    def keep_nat_alive(self) -> None:
        """Have a NAT see something (RFC 3948 §2.3)."""
        self._send((NAT_KEEPALIVE,), self.local, self.remote)

    def advance(self, now: float) -> bool:
        """Retransmit what is due; tell whether the peer has had all its tries."""
        if self._requests.gave_up(now):
            return True
        self._send(self._requests.due(now), self.local, self.remote)
        return False

    def _authenticated(self, datagram: Datagram, header: Header, now: float) -> None:
        self.heard_at = now
        if self.follows:
            self.local = datagram.destination
            self.remote = datagram.source
        self._reassembly.discard(header.message_id, header.is_response)
        if header.is_response:
            self._requests.answered(header.message_id)

    def _send(self, packets: tuple[bytes, ...], local: UdpAddress, remote: UdpAddress) -> None:
        self.outbox += [Datagram(local, remote, packet) for packet in packets]

    def _build(
        self, exchange_type: int, message_id: int, response: bool, payloads: Sequence[Payload]
    ) -> tuple[bytes, ...]:
        flags = _FLAGS[self.role is Role.INITIATOR, response]
        header = Header(
            self.initiator_spi, self.responder_spi, 0, exchange_type, flags, message_id, 0
        )
        if self._protection is None:
            return (Message(header, tuple(payloads)).serialize(),)
        size = self._fragment_size if self.fragmentation else 0
        return self._protection.seal(header, (*payloads, *self._tell_window(exchange_type)), size)
