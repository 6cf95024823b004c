"""Every measurement that needs the lab runs to its end, with hardly anything measured."""

from __future__ import annotations

import json

import pytest

from benchmarks import charon_handshake
from ike.config import KeyExchange

pytestmark = pytest.mark.interop


def test_charon_handshake(capsys: pytest.CaptureFixture[str]) -> None:
    rows = charon_handshake.measurements(count=20, methods=(KeyExchange.CURVE25519,))
    assert [(row.child_sa, row.who, row.role) for row in rows] == [
        (True, "engine", "initiator"),
        (True, "charon", "responder"),
        (True, "engine", "responder"),
        (True, "charon", "initiator"),
        (False, "engine", "initiator"),
        (False, "charon", "responder"),
    ]
    assert json.loads(charon_handshake.as_json(rows))[0]["key_exchange"] == "CURVE25519"
    charon_handshake.print_table(rows)
    assert "CURVE25519" in capsys.readouterr().out
