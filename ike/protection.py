"""What keys do to messages: the Encrypted payload (RFC 7296 §3.14), whole or in fragments."""

from __future__ import annotations

from collections.abc import Sequence

from ike.codec.chain import generic_header, serialize_chain
from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.errors import ParseError
from ike.codec.header import HEADER_LENGTH, Header
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import PayloadType
from ike.crypto.keys import IkeKeys
from ike.crypto.message_cipher import MessageCipher, message_cipher
from ike.crypto.random import RandomBytes
from ike.crypto.suites import IkeSuite
from ike.events import Role
from ike.fragments import Fragment, split

_GENERIC_HEADER = 4  # bytes
_FRAGMENT_NUMBERS = 4


class Protection:
    """Both directions of one IKE SA's messages.

    Args:
        send: what protects ours.
        receive: what protects the peer's.
    """

    def __init__(self, send: MessageCipher, receive: MessageCipher) -> None:
        self._send = send
        self._receive = receive

    @classmethod
    def by(
        cls, suite: IkeSuite, keys: IkeKeys, role: Role, random_bytes: RandomBytes, iv_run: int
    ) -> Protection:
        """Protect messages by the keys of an IKE SA, at the end with that role.

        `iv_run` says where our IVs begin: see `ike.state.iv`.
        """
        initiator, responder = (
            message_cipher(
                suite.encryption,
                suite.key_bits,
                key.reveal(),
                suite.integrity_spec,
                integrity_key.reveal(),
                random_bytes,
                iv_run,
            )
            for key, integrity_key in ((keys.sk_ei, keys.sk_ai), (keys.sk_er, keys.sk_ar))
        )
        if role is Role.INITIATOR:
            return cls(initiator, responder)
        return cls(responder, initiator)

    def seal(
        self, header: Header, payloads: Sequence[Payload], fragment_size: int
    ) -> tuple[bytes, ...]:
        """Write a message: one packet, or several if it is longer than `fragment_size` bytes.

        With a `fragment_size` of 0 it is always one.

        Raises:
            ValueError: there would be too many fragments.
        """
        plaintext = serialize_chain(payloads)
        first = payloads[0].payload_type if payloads else PayloadType.NONE
        if not fragment_size or self._length(len(plaintext)) <= fragment_size:
            return (self._seal_one(header, PayloadType.SK, first, b"", plaintext),)
        chunks = split(plaintext, self._chunk_size(fragment_size))
        return tuple(
            self._seal_one(
                header,
                PayloadType.SKF,
                first if number == 1 else PayloadType.NONE,
                u16(number) + u16(len(chunks)),
                chunk,
            )
            for number, chunk in enumerate(chunks, 1)
        )

    def open(self, packet: bytes, payload: Encrypted) -> bytes:
        """Check and decrypt a whole message's payloads, without their padding.

        Raises:
            IntegrityError: the ICV is wrong.
            ParseError: the padding is.
        """
        return self._open(packet, payload.body)

    def open_fragment(self, packet: bytes, payload: EncryptedFragment) -> Fragment:
        """Check and decrypt one fragment.

        Raises:
            IntegrityError: the ICV is wrong.
            ParseError: the padding is.
        """
        chunk = self._open(packet, payload.body)
        return Fragment(payload.first_payload, payload.number, payload.total, chunk, packet)

    def _open(self, packet: bytes, body: bytes) -> bytes:
        plaintext = self._receive.open(packet[: len(packet) - len(body)], body)
        if not plaintext or plaintext[-1] + 1 > len(plaintext):
            raise ParseError("SK", 0, "the padding is longer than what it pads")
        return plaintext[: len(plaintext) - 1 - plaintext[-1]]

    def _missing(self, length: int) -> int:
        """Tell how many bytes fill the cipher's block, after the pad length byte."""
        return -(length + 1) % self._send.block_length

    def _length(self, length: int, numbers: int = 0) -> int:
        padded = length + self._missing(length) + 1
        return HEADER_LENGTH + _GENERIC_HEADER + numbers + padded + self._send.overhead

    def _chunk_size(self, fragment_size: int) -> int:
        room = fragment_size - self._length(0, _FRAGMENT_NUMBERS)
        return max(room - room % self._send.block_length, 1)

    def _seal_one(
        self,
        header: Header,
        payload_type: PayloadType,
        first: int,
        numbers: bytes,
        plaintext: bytes,
    ) -> bytes:
        missing = self._missing(len(plaintext))
        padded = plaintext + bytes(missing) + missing.to_bytes(1, "big")
        body_length = len(numbers) + len(padded) + self._send.overhead
        total = HEADER_LENGTH + _GENERIC_HEADER + body_length
        # RFC 5282 §5.1, RFC 7383 §2.5.1: all that comes before the IV.
        associated = (
            header.serialize_for(payload_type, total) + generic_header(first, body_length) + numbers
        )
        return associated + self._send.seal(associated, padded)
