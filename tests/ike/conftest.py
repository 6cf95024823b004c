from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import NotifyType
from ike.exchanges import ike_sa_init

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def without_childless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A responder that does not know RFC 6023."""
    build = ike_sa_init.InitAnswer

    def answer(agreement: object, peers: object, payloads: tuple[Payload, ...]) -> object:
        kept = tuple(
            p
            for p in payloads
            if not isinstance(p, Notify) or p.notify_type != NotifyType.CHILDLESS_IKEV2_SUPPORTED
        )
        return build(agreement, peers, kept)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(ike_sa_init, "InitAnswer", answer)
