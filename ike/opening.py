"""From an encrypted message to its payloads, by way of its fragments if it comes in some."""

from __future__ import annotations

from dataclasses import dataclass

from ike.codec.chain import parse_chain
from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.payload import Payload
from ike.fragments import Reassembly, Whole
from ike.protection import Protection


@dataclass(frozen=True, slots=True)
class Opened:
    """What a message with a good ICV holds; with an `error` it is malformed all the same.

    `packet` is that of its first fragment, `plaintext` what the payloads were read from.
    """

    payloads: tuple[Payload, ...]
    packet: bytes
    plaintext: bytes = b""
    error: ParseError | None = None


def open_message(
    protection: Protection,
    reassembly: Reassembly,
    header: Header,
    packet: bytes,
    payload: Encrypted | EncryptedFragment,
) -> Opened | None:
    """Decrypt a message; None while fragments of it are missing.

    Raises:
        IntegrityError: the ICV is wrong.
    """
    try:
        if isinstance(payload, Encrypted):
            plaintext = protection.open(packet, payload)
            whole: Whole | None = Whole(payload.first_payload, plaintext, packet)
        else:
            fragment = protection.open_fragment(packet, payload)
            whole = reassembly.add(header.message_id, header.is_response, fragment)
    except ParseError as error:
        return Opened((), packet, error=error)
    if whole is None:
        return None
    plaintext = whole.plaintext
    try:
        payloads = parse_chain(plaintext, whole.first_payload, 0, len(plaintext))
    except ParseError as error:
        return Opened((), whole.packet, error=error)
    return Opened(payloads, whole.packet, plaintext)
