"""What is wrong with bytes that cannot be read."""

from __future__ import annotations


class ParseError(ValueError):
    """Bytes that are not what RFC 7296 says they are.

    Attributes:
        payload: which payload or header, by its RFC name.
        offset: where in the message, in bytes from its start.
        why: what was found and what was expected.
    """

    def __init__(self, payload: str, offset: int, why: str) -> None:
        super().__init__(f"{payload} at byte {offset}: {why}")
        self.payload = payload
        self.offset = offset
        self.why = why
