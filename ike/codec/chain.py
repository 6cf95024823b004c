"""The chain of payloads that makes up a message (RFC 7296 §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from struct import Struct
from typing import TypeVar

from ike.codec.authentication import Authentication
from ike.codec.certificate import Certificate, CertificateRequest
from ike.codec.configuration import Configuration
from ike.codec.delete import Delete
from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.nonce import Nonce
from ike.codec.notify import Notify
from ike.codec.payload import Payload, UnknownPayload
from ike.codec.reader import Reader
from ike.codec.registry import PayloadType, value_name
from ike.codec.security_association import SecurityAssociation
from ike.codec.traffic_selector import TrafficSelectorsInitiator, TrafficSelectorsResponder
from ike.codec.vendor_id import VendorId

MAX_PAYLOADS = 128
_CRITICAL = 0x80
_HEADER = Struct("!BBH")  # next payload, flags, length
_GENERIC_HEADER = _HEADER.size
_NO_NEXT_PAYLOAD = int(PayloadType.NONE)

_PARSERS: dict[int, Callable[[Reader], Payload]] = {
    PayloadType.SA: SecurityAssociation.parse,
    PayloadType.KE: KeyExchangePayload.parse,
    PayloadType.IDI: IdentificationInitiator.parse,
    PayloadType.IDR: IdentificationResponder.parse,
    PayloadType.CERT: Certificate.parse,
    PayloadType.CERTREQ: CertificateRequest.parse,
    PayloadType.AUTH: Authentication.parse,
    PayloadType.NONCE: Nonce.parse,
    PayloadType.NOTIFY: Notify.parse,
    PayloadType.DELETE: Delete.parse,
    PayloadType.VENDOR_ID: VendorId.parse,
    PayloadType.TSI: TrafficSelectorsInitiator.parse,
    PayloadType.TSR: TrafficSelectorsResponder.parse,
    PayloadType.CP: Configuration.parse,
}

_ENCRYPTED: dict[int, Callable[[int, Reader], Payload]] = {
    PayloadType.SK: Encrypted.parse,
    PayloadType.SKF: EncryptedFragment.parse,
}


def parse_chain(data: bytes, first: int, start: int, end: int) -> tuple[Payload, ...]:
    """Read the payloads in ``data[start:end]``, the first of which has type `first`.

    An encrypted payload ends the chain: its "next payload" is that of the first one inside.

    Raises:
        ParseError: a payload is malformed, there are more than 128, or bytes are left over.
    """
    payloads: list[Payload] = []
    reader = Reader(data, "payload chain", start, end)
    payload_type = first
    while payload_type != _NO_NEXT_PAYLOAD:
        if len(payloads) == MAX_PAYLOADS:
            raise reader.error(f"more than {MAX_PAYLOADS} payloads")
        following, flags, length = reader.unpack(_HEADER)
        if length < _GENERIC_HEADER:
            raise reader.error(f"a payload of {length} bytes, {_GENERIC_HEADER} is the least")
        body = reader.block(value_name(PayloadType, payload_type), length - _GENERIC_HEADER)
        parse = _PARSERS.get(payload_type)
        if parse is not None:
            payloads.append(parse(body))
        elif payload_type in _ENCRYPTED:
            payloads.append(_ENCRYPTED[payload_type](following, body))
            break
        else:
            critical = bool(flags & _CRITICAL)
            payloads.append(UnknownPayload.parse(payload_type, critical, body))
        payload_type = following
    reader.finish()
    return tuple(payloads)


def serialize_chain(payloads: Sequence[Payload]) -> bytes:
    """Write payloads one after another, each naming the type of its successor."""
    if not payloads:
        return b""
    parts = [_serialize_one(p, following.payload_type) for p, following in pairwise(payloads)]
    last = payloads[-1]
    following = (
        last.first_payload if isinstance(last, (Encrypted, EncryptedFragment)) else _NO_NEXT_PAYLOAD
    )
    parts.append(_serialize_one(last, following))
    return b"".join(parts)


def generic_header(following: int, body_length: int) -> bytes:
    """Write a payload's generic header, for a body of `body_length` bytes."""
    return _HEADER.pack(following, 0, _GENERIC_HEADER + body_length)


def _serialize_one(payload: Payload, following: int) -> bytes:
    body = payload.serialize()
    flags = _CRITICAL if isinstance(payload, UnknownPayload) and payload.critical else 0
    return _HEADER.pack(following, flags, _GENERIC_HEADER + len(body)) + body


P = TypeVar("P")


def find(payloads: Iterable[Payload], kind: type[P]) -> P | None:
    """Return the first payload of a kind, None if there is none."""
    for payload in payloads:
        if isinstance(payload, kind):
            return payload
    return None


def find_notify(payloads: Iterable[Payload], notify_type: int) -> Notify | None:
    """Return the first notify of a type, None if there is none."""
    for payload in payloads:
        if isinstance(payload, Notify) and payload.notify_type == notify_type:
            return payload
    return None


def notifies(payloads: Iterable[Payload]) -> tuple[Notify, ...]:
    """Return all notifies."""
    return tuple(p for p in payloads if isinstance(p, Notify))


def unsupported_critical(payloads: Iterable[Payload]) -> UnknownPayload | None:
    """Return the first unknown payload that must not be passed over (RFC 7296 §2.5)."""
    for payload in payloads:
        if isinstance(payload, UnknownPayload) and payload.critical:
            return payload
    return None
