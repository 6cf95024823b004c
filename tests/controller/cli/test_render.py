"""What the commands print, compared whole with golden files (UPDATE_GOLDEN=1 writes them)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from controller.cli.render import (
    crypto_map,
    crypto_optional,
    ipsec_sa,
    isakmp_detail,
    isakmp_sa,
    message,
    pki,
    switch,
)
from controller.cli.render.json import list_to_json, to_json
from controller.cli.render.text import duration, table
from controller.status import LogMessage, SwitchStatus
from tests.controller.api.memory_backend import (
    CERTIFICATES,
    IPSEC_SAS,
    ISAKMP_DETAIL,
    ISAKMP_SAS,
    MAPS,
    OPTIONAL,
    SWITCH,
)

GOLDEN = Path(__file__).parent / "golden"

FULL = dataclasses.replace(OPTIONAL, unlisted_destinations=1, unlisted_sources=20)
TWO_MAPS = (
    MAPS[0],
    dataclasses.replace(
        MAPS[0], sequence=20, kind="ipsec-manual", lines=("permit ip any any", "permit tcp any any")
    ),
    dataclasses.replace(
        MAPS[0], sequence=30, lifetime_kilobytes=4_608_000, lifetime_packets=1_000_000
    ),
    dataclasses.replace(MAPS[0], name="branch", interfaces=("Ethernet2/0", "Ethernet3/0")),
)
MANUAL = dataclasses.replace(
    IPSEC_SAS[0], encapsulated=False, rekey_in=None, source="manual", interface="Ethernet2/0"
)

TEXTS = {
    "crypto_optional.txt": crypto_optional.render(OPTIONAL),
    "crypto_optional_full.txt": crypto_optional.render(FULL),
    "crypto_optional.json": to_json(OPTIONAL),
    "crypto_map.txt": crypto_map.render(TWO_MAPS),
    "crypto_map.json": list_to_json("crypto_maps", MAPS),
    "ipsec_sa.txt": ipsec_sa.render((*IPSEC_SAS, MANUAL)),
    "ipsec_sa.json": list_to_json("ipsec_sas", IPSEC_SAS),
    "isakmp_sa.txt": isakmp_sa.render(ISAKMP_SAS),
    "isakmp_sa.json": list_to_json("isakmp_sas", ISAKMP_SAS),
    "isakmp_detail.txt": isakmp_detail.render(ISAKMP_DETAIL),
    "isakmp_detail.json": to_json(ISAKMP_DETAIL),
    "pki.txt": pki.render(CERTIFICATES),
    "pki.json": list_to_json("certificates", CERTIFICATES),
    "switch.txt": switch.render(SWITCH),
    "switch.json": to_json(SWITCH),
}


@pytest.mark.parametrize("name", TEXTS)
def test_golden(name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(TEXTS[name] + "\n")
    assert TEXTS[name] + "\n" == path.read_text()


def test_every_golden_file_is_tested() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(TEXTS)


def test_pm9_disabled_is_the_seed_s_line_and_nothing_else() -> None:
    status = dataclasses.replace(OPTIONAL, enabled=False, destinations=(), sources=())
    assert crypto_optional.render(status) == "Passive mode disabled."


def test_pm9_enabled_begins_with_the_seed_s_line() -> None:
    first, *rest = crypto_optional.render(OPTIONAL).splitlines()
    assert first == "Passive mode enabled. IPSec is currently insecure."
    assert any("10.3.0.5" in line for line in rest)


def test_pm9_enabled_without_clear_traffic() -> None:
    status = dataclasses.replace(OPTIONAL, destinations=(), sources=(), packet_types=())
    assert crypto_optional.render(status).splitlines() == [
        "Passive mode enabled. IPSec is currently insecure.",
        "",
        "No packets are being sent in the clear.",
    ]


def test_nothing_to_show() -> None:
    assert crypto_map.render(()) == "No crypto maps found."
    assert ipsec_sa.render(()) == "No SAs found."
    assert isakmp_sa.render(()).splitlines()[0] == "IPv4 Crypto ISAKMP SA (IKEv2)"


@pytest.mark.parametrize(
    ("connected", "primary", "expected"),
    [(False, False, "not connected"), (True, False, "another controller is primary")],
)
def test_switch_that_cannot_be_written(connected: bool, primary: bool, expected: str) -> None:
    status = SwitchStatus("127.0.0.1:9559", 1, connected, primary, 1, ())
    text = switch.render(status)
    assert expected in text
    assert "1 table entry" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "00:00:00"),
        (0.9, "00:00:00"),
        (86_399, "23:59:59"),
        (86_400, "1d00h"),
        (604_799, "6d23h"),
        (17 * 86_400, "2w3d"),
    ],
)
def test_durations_as_on_ios(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_columns_line_up() -> None:
    assert table(("A", "Bcd"), [("long", "1"), ("x", "22")], right=frozenset({1})) == [
        "  A     Bcd",
        "  long    1",
        "  x      22",
    ]


def test_message_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    line = LogMessage(1_700_000_000.25, "warning", "IKE attempt failed: no answer", "m 10 a line 1")
    assert message.render(line) == (
        "2023-11-14 22:13:20.250 WARNING: m 10 a line 1: IKE attempt failed: no answer"
    )
    monkeypatch.undo()
    time.tzset()
