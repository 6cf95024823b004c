"""Every measurement that needs the lab runs to its end, with hardly anything measured."""

from __future__ import annotations

import json

import pytest

from benchmarks import charon_handshake, targets, tunnel
from benchmarks.switch import measurement
from benchmarks.switch.cases import CASES
from benchmarks.tunnel.runs import CLEAR, IN_UDP, LINUX, PLAIN, RAW, STRONGSWAN
from benchmarks.tunnel.traffic import Effort
from ike.config import KeyExchange
from tests.interop.lab.target import BMV2, EMBEDDED

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


@pytest.mark.parametrize("switch", [EMBEDDED, BMV2])
def test_switch(switch: str, capsys: pytest.CaptureFixture[str]) -> None:
    if switch == BMV2 and (reason := targets.why_no_bmv2()):
        pytest.skip(reason)
    told: list[str] = []
    cases = CASES if switch == EMBEDDED else (CASES[0], CASES[-1])
    rows = list(
        measurement.measurements(
            seconds=0.02,
            rounds=1,
            sizes=(64,),
            switches=(switch,),
            cases=cases,
            progress=told.append,
        )
    )
    assert [row.case for row in rows] == [case.name for case in cases]
    assert told == [f"{switch}: {case.name}" for case in cases]
    assert all(row.packets_per_second > 0 and row.microseconds > 0 for row in rows)
    assert json.loads(measurement.as_json(rows))[0]["target"] == switch
    measurement.print_table(rows)
    assert "ESP in UDP, in" in capsys.readouterr().out


def test_tunnel(capsys: pytest.CaptureFixture[str]) -> None:
    results = tunnel.measurements(
        effort=Effort(size=200_000, first_rate=32_000, pings=5),
        switches=(EMBEDDED,),
        in_the_clear=False,
    )
    ways = [(row.router, row.way) for row in results.traffic]
    assert ways == [
        (LINUX, CLEAR),
        (STRONGSWAN, IN_UDP),
        (EMBEDDED, PLAIN),
        (EMBEDDED, IN_UDP),
        (EMBEDDED, PLAIN),
        (EMBEDDED, CLEAR),
        (EMBEDDED, RAW),
        (EMBEDDED, IN_UDP),
    ]
    assert all(
        row.forth > 0 and row.back > 0 and row.packets_per_second > 0 for row in results.traffic
    )
    (moments,) = results.moments
    assert 0 < moments.first_encrypted < 5
    assert moments.lost_at_restart == 0
    assert json.loads(tunnel.as_json(results))["traffic"][-1]["way"] == IN_UDP
    tunnel.print_table(results)
    assert PLAIN in capsys.readouterr().out
