"""The codec: whatever is read is written, and read again as the same.

The first byte says what the rest is: 0 a whole message, else a chain of payloads that begins with
one of that type, which is what comes out of the encryption.
"""

from __future__ import annotations

from fuzz.handshake import record
from ike.codec.chain import parse_chain, serialize_chain
from ike.codec.errors import ParseError
from ike.codec.message import Message

MAX_LENGTH = 4096


def one_input(data: bytes) -> None:
    """Read, write, read again.

    Raises:
        AssertionError: it is not the same any more.
    """
    if not data:
        return
    try:
        if data[0]:
            payloads = parse_chain(data, data[0], 1, len(data))
        else:
            payloads = Message.parse(data[1:]).payloads
    except ParseError:
        return
    written = serialize_chain(payloads)
    first = payloads[0].payload_type if payloads else 0
    again = parse_chain(written, first, 0, len(written))
    assert again == payloads, f"{payloads} is {again} when it is read again"
    assert serialize_chain(again) == written


def seeds() -> list[bytes]:
    """Give the messages of real exchanges, and what is inside their encryption."""
    messages = record()
    whole = [b"\0" + packet for packet, _, _ in messages]
    return whole + [bytes([first]) + plain for _, first, plain in messages if first]
