"""What the channel passes on of a message."""

from __future__ import annotations

from dataclasses import dataclass

from ike.codec.chain import unsupported_critical
from ike.codec.errors import ParseError
from ike.codec.header import Header
from ike.codec.payload import Payload
from ike.types import UdpAddress


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the peer's that has passed the window and, with `authenticated`, the ICV.

    It came from `remote` to `local`: there the answer goes. `error` says that it is malformed all
    the same; then there are no payloads. `plaintext` is what the payloads were read from, without
    padding.
    """

    header: Header
    payloads: tuple[Payload, ...]
    packet: bytes
    local: UdpAddress
    remote: UdpAddress
    authenticated: bool
    error: ParseError | None = None
    plaintext: bytes = b""

    def readable(self, exchange: str) -> tuple[Payload, ...]:
        """Return the payloads of an answer in that exchange.

        Raises:
            ParseError: the message is malformed, or has a critical payload of an unknown type.
        """
        if self.error is not None:
            raise self.error
        if unsupported_critical(self.payloads):
            raise ParseError(exchange, 0, "a critical payload of an unknown type")
        return self.payloads
