"""Every measurement that needs no root runs to its end, with hardly anything measured."""

from __future__ import annotations

import json

import pytest

from benchmarks import datapath, ike_handshake, ike_profile, p4runtime_writes, targets
from ike.config import KeyExchange
from tests.interop.lab.target import BMV2, EMBEDDED

METHODS = (KeyExchange.CURVE25519,)


def test_datapath(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(datapath.measurements(seconds=0.001, sizes=(64,), policies=16))
    assert [row.case for row in rows] == [
        "AES-GCM encrypt, raw",
        "AES-GCM decrypt, raw",
        "clear",
        "ESP out",
        "ESP in",
        "clear, back",
        "clear, new flows, 16 policies",
    ]
    assert all(row.packets_per_second > 0 for row in rows)
    assert json.loads(datapath.as_json(rows))[3]["case"] == "ESP out"
    datapath.print_table(rows)
    assert "ESP out" in capsys.readouterr().out


def test_ike_handshake(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ike_handshake.measurements(count=2, methods=METHODS)
    assert [row.role for row in rows] == ["initiator", "responder"]
    assert all(row.cpu_ms > 0 and row.memory > 0 for row in rows)
    assert json.loads(ike_handshake.as_json(rows))[0]["key_exchange"] == "CURVE25519"
    ike_handshake.print_table(rows)
    assert "CURVE25519" in capsys.readouterr().out


def test_ike_profile(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ike_profile.measurements(count=2, methods=METHODS)
    assert {"cryptography", "ike.codec", "rest of ike"} <= {row.part for row in rows}
    assert sum(row.share for row in rows) == pytest.approx(1, abs=0.01)
    assert json.loads(ike_profile.as_json(rows))[0]["key_exchange"] == "CURVE25519"
    ike_profile.print_table(rows)
    assert "CURVE25519" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("switch", [EMBEDDED, BMV2])
def test_p4runtime_writes(switch: str, capsys: pytest.CaptureFixture[str]) -> None:
    if switch == BMV2 and (reason := targets.why_no_bmv2()):
        pytest.skip(reason)
    told: list[str] = []
    rows = p4runtime_writes.measurements(
        most=4, batch_sizes=(1, 2), switches=(switch,), progress=told.append
    )
    assert told == [f"{switch}: routes", f"{switch}: pairs of SAs"]
    assert [(row.what, row.batch_size) for row in rows] == [
        ("routes", 1),
        ("routes", 2),
        ("pairs of SAs", 1),
        ("pairs of SAs", 2),
    ]
    assert all(row.installed_per_second > 0 and row.removed_per_second > 0 for row in rows)
    assert json.loads(p4runtime_writes.as_json(rows))[2]["target"] == switch
    p4runtime_writes.print_table(rows)
    assert "pairs of SAs" in capsys.readouterr().out
