"""Everything that is done to a message, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from mutation.chain import Chain, Raw
from mutation.tampering import Keys, Opened, rewritten

from ike.codec.header import HEADER_LENGTH
from ike.codec.registry import ExchangeType, PayloadType

UNKNOWN = 200
_CRITICAL = 0x80
_OTHER_TYPES = (1, 33, 34, 41, 42, 44, 46, 47, 53)  # IKEv1's among them


class Effect(Enum):
    """What RFC 7296 says of a mutation in a protected message."""

    NONE = auto()  # the receiver does not care
    MALFORMED = auto()  # INVALID_SYNTAX (§2.21)
    UNKNOWN_CRITICAL = auto()  # UNSUPPORTED_CRITICAL_PAYLOAD (§2.5)
    OPEN = auto()  # depends on what it hits


@dataclass(frozen=True)
class Mutation:
    """One changed message; `name` says how it was changed, `in_header` where."""

    name: str
    effect: Effect
    packet: bytes
    in_header: bool = False


def mutations(keys: Keys, opened: Opened) -> Iterator[Mutation]:
    """Give all of a message."""
    for mutation in _of_header(keys, opened):
        yield replace(mutation, in_header=True)
    for name, effect, chain in _of_chain(opened.chain):
        yield Mutation(name, effect, rewritten(keys, opened, chain))


def blind(packet: bytes) -> Iterator[Mutation]:
    """Give those for which nobody needs a key."""
    for at in range(HEADER_LENGTH):
        changed = packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1 :]
        yield Mutation(f"header byte {at}", Effect.OPEN, changed, in_header=True)
    for cut in (0, 1, 27, 28, 32, len(packet) - 1):
        yield Mutation(f"cut to {cut}", Effect.OPEN, packet[:cut], in_header=True)


def _of_chain(chain: Chain) -> Iterator[tuple[str, Effect, Chain]]:
    for index, raw in enumerate(chain):
        before, after = chain[:index], chain[index + 1 :]
        where = f"payload {index} of type {raw.payload_type}"
        for name, effect, instead in _of_payload(raw):
            yield f"{where} {name}", effect, (*before, *instead, *after)
        if after:
            swapped = (*before, after[0], raw, *after[1:])
            yield f"{where} swapped with the next", Effect.NONE, swapped
    for critical, effect in ((0, Effect.NONE), (_CRITICAL, Effect.UNKNOWN_CRITICAL)):
        stranger = Raw(UNKNOWN, critical, b"anything")
        yield f"an unknown payload, flags {critical:#x}", effect, (stranger, *chain)
    yield "129 payloads", Effect.MALFORMED, (*chain, *[Raw(PayloadType.VENDOR_ID, 0, b"")] * 129)
    yield "none", Effect.OPEN, ()


def _of_payload(raw: Raw) -> Iterator[tuple[str, Effect, Chain]]:
    body, true = raw.body, 4 + len(raw.body)
    yield "dropped", Effect.OPEN, ()
    yield "twice", Effect.OPEN, (raw, raw)
    yield "reserved bits set", Effect.NONE, (replace(raw, flags=0x7F),)
    yield "critical", Effect.NONE, (replace(raw, flags=_CRITICAL),)
    yield "emptied", Effect.OPEN, (replace(raw, body=b""),)
    yield "halved", Effect.OPEN, (replace(raw, body=body[: len(body) // 2]),)
    yield "longer", Effect.OPEN, (replace(raw, body=body + b"\0"),)
    for length in (0, 3, 0xFFFF):
        yield f"length {length}", Effect.MALFORMED, (replace(raw, length=length),)
    for length in (true - 1, true + 1):
        yield f"length {length} for {true}", Effect.OPEN, (replace(raw, length=length),)
    yield "unknown", Effect.OPEN, (replace(raw, payload_type=UNKNOWN),)
    unknown = replace(raw, payload_type=UNKNOWN, flags=_CRITICAL)
    yield "unknown and critical", Effect.UNKNOWN_CRITICAL, (unknown,)
    for other in _OTHER_TYPES:
        yield f"as type {other}", Effect.OPEN, (replace(raw, payload_type=other),)
    for at in range(min(len(body), 8)):
        for value in {0xFF, body[at] ^ 1} - {body[at]}:
            changed = body[:at] + bytes([value]) + body[at + 1 :]
            yield f"byte {at} = {value}", Effect.OPEN, (replace(raw, body=changed),)


def _of_header(keys: Keys, opened: Opened) -> Iterator[Mutation]:
    header = opened.header
    for exchange_type in (*ExchangeType, 0, 33, 240, 255):
        if exchange_type != header.exchange_type:
            other = replace(header, exchange_type=exchange_type)
            packet = rewritten(keys, replace(opened, header=other), opened.chain)
            yield Mutation(f"exchange type {exchange_type}", Effect.OPEN, packet)
    for message_id in {header.message_id + 1, max(0, header.message_id - 1), 0xFFFFFFFF}:
        if message_id != header.message_id:
            other = replace(header, message_id=message_id)
            packet = rewritten(keys, replace(opened, header=other), opened.chain)
            yield Mutation(f"message id {message_id}", Effect.OPEN, packet)
    for name, other in (
        ("response flag", replace(header, flags=header.flags ^ 0x20)),
        ("reserved flags", replace(header, flags=header.flags | 0xC7)),
        ("minor version", replace(header, version=0x2F)),
    ):
        packet = rewritten(keys, replace(opened, header=other), opened.chain)
        effect = Effect.OPEN if name == "response flag" else Effect.NONE
        yield Mutation(name, effect, packet)
    if opened.protected and header.exchange_type != ExchangeType.IKE_AUTH:
        return  # the ICV is wrong, whatever the exchange
    yield from blind(rewritten(keys, opened, opened.chain))
