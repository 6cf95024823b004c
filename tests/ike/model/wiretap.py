"""What a listener on the wire can hold against the engine: ids and IVs used twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from ike.codec.header import Header
from ike.codec.registry import ExchangeType, PayloadType
from ike.types import Datagram

_BODY = 32  # the IKE header and the generic header of SK or SKF
_FRAGMENT_NUMBERS = 4


@dataclass
class Wiretap:
    """Sees every datagram that an endpoint sends; `iv_length` in bytes."""

    iv_length: int
    _messages: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    _ivs: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def hear(self, datagram: Datagram) -> None:
        """Check one: whatever goes out again is bitwise identical (RFC 7296 §2.1, §2.2)."""
        packet = datagram.payload
        header = Header.parse(packet)
        assert header.length == len(packet)
        if header.next_payload not in (PayloadType.SK, PayloadType.SKF):
            assert header.exchange_type == ExchangeType.IKE_SA_INIT or header.is_response, (
                "a request without protection"
            )
            return
        sa = (header.initiator_spi, header.responder_spi, header.from_initiator)
        fragment = packet[_BODY:][:_FRAGMENT_NUMBERS]
        if header.next_payload == PayloadType.SK:
            fragment = b""
        message = (*sa, header.is_response, header.message_id, fragment)
        assert self._messages.setdefault(message, packet) == packet, (
            f"message {header.message_id} of {header.initiator_spi:016x} says two things"
        )
        # The keys after IKE_INTERMEDIATE are others, under the same SPIs (RFC 9370 §2.2.2).
        phase = header.message_id if header.exchange_type == ExchangeType.IKE_INTERMEDIATE else 0
        iv = packet[_BODY + len(fragment) :][: self.iv_length]
        assert self._ivs.setdefault((*sa, phase, iv), packet) == packet, "an IV is used twice"
