"""Agreements whose keys wait for additional key exchanges (RFC 9370 §2.2.4).

CREATE_CHILD_SA brings all but the keys when IKE_FOLLOWUP_KE exchanges follow it. What it brings
is in the subclasses; no draft can be used before the last key exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from ike.codec.chain import find_notify
from ike.codec.errors import ParseError
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import NotifyType
from ike.config import KeyExchange
from ike.crypto.key_exchange import PrivateValue
from ike.types import Secret

_MAX_LINK = 1024  # bytes of the responder's that we send back


@dataclass(frozen=True, slots=True)
class Draft:
    """An agreement but for its keys.

    Args:
        methods: the additional key exchanges that are still to come.
        shared: the secrets so far.
        link: what the responder knows it by.
        private: as initiator, our half of the key exchange under way.
    """

    methods: tuple[KeyExchange, ...]
    shared: tuple[Secret, ...]
    link: bytes = b""
    private: PrivateValue | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All secrets, once no key exchange is missing."""
        assert not self.methods
        return self.shared

    def after(self, shared: Secret) -> Self:
        """Go on after the next key exchange."""
        secrets = (*self.shared, shared)
        return replace(self, methods=self.methods[1:], shared=secrets, private=None)

    def linked(self, payloads: Sequence[Payload]) -> Self:
        """Take the responder's link, if more key exchanges follow.

        Raises:
            ParseError: there is none, or it is too long.
        """
        if not self.methods:
            return self
        notify = find_notify(payloads, NotifyType.ADDITIONAL_KEY_EXCHANGE)
        if notify is None:
            raise ParseError("ADDITIONAL_KEY_EXCHANGE", 0, f"missing before {self.methods[0].name}")
        if len(notify.data) > _MAX_LINK:
            raise ParseError("ADDITIONAL_KEY_EXCHANGE", 0, f"{len(notify.data)} bytes")
        return replace(self, link=notify.data)

    @property
    def link_payloads(self) -> tuple[Payload, ...]:
        """Tell the other end that more key exchanges follow, and by what it is known."""
        return (Notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, self.link),) if self.methods else ()
