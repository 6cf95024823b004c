"""tshark as a judge: does a capture hold what it should, decrypted with exported keys?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.interop.lab.key_tables import KeyTables
from tests.interop.lab.namespace import run_checked

_ERROR = 0x800000  # PI_ERROR of Wireshark's expert information
_PREFERENCES = (
    "esp.enable_encryption_decode:TRUE",
    "esp.enable_authentication_check:TRUE",
    "ip.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
)
_FIELDS = (
    "frame.number",
    "frame.protocols",
    "esp.icv_good",
    "esp.icv_bad",
    "isakmp.exchangetype",
    "isakmp.enc.decrypted",
    "_ws.expert.severity",
    "_ws.expert.message",
    "_ws.malformed",
)
_IKE_SA_INIT = "34"
_SEPARATOR = "\t"
_AGGREGATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Report:
    """What a capture holds. All counts are packets."""

    packets: int
    ike_messages: int  # IKE_SA_INIT included
    ike_encrypted: int  # all but IKE_SA_INIT
    ike_decrypted: int  # of the encrypted, those that a key of the table opened
    esp: int
    esp_decrypted: int  # those whose ICV is right
    esp_bad_icv: int
    esp_inside_udp: int  # RFC 3948
    clear: int  # packets that match the caller's filter and are not inside ESP
    errors: tuple[str, ...]  # malformed packets and the like: "packet 3: what tshark says"
    protocols: Counter[str]  # how many packets have each innermost protocol

    @property
    def all_decrypted(self) -> bool:
        """Whether every encrypted packet was opened with the keys, and there was ESP."""
        return (
            self.esp == self.esp_decrypted > 0
            and self.ike_decrypted == self.ike_encrypted
            and not self.esp_bad_icv
        )


def judge(pcap: Path, keys: KeyTables | None = None, clear_filter: str = "") -> Report:
    """Read a capture with tshark.

    Args:
        pcap: the capture.
        keys: decrypt IKE and ESP with these; None: leave them closed.
        clear_filter: a display filter of packets that must not be seen in the clear, such as
            ``ip.addr == 10.1.0.0/24``; empty: count none.

    Raises:
        LabError: tshark failed.
    """
    with tempfile.TemporaryDirectory(prefix="p4l-judge-") as directory:
        config = Path(directory)
        if keys is not None:
            shutil.copy(keys.ike, config / "ikev2_decryption_table")
            shutil.copy(keys.esp, config / "esp_sa")
        rows = _rows(pcap, config)
        clear = _count(pcap, config, f"({clear_filter}) && !esp") if clear_filter else 0
    return _report(rows, clear)


def packet_times(pcap: Path, display_filter: str) -> list[float]:
    """Return when each packet that matches a display filter was captured, in seconds (Unix).

    Raises:
        LabError: tshark failed, or does not understand the filter.
    """
    with tempfile.TemporaryDirectory(prefix="p4l-judge-") as directory:
        output = _tshark(
            pcap, Path(directory), "-Y", display_filter, "-T", "fields", "-e", "frame.time_epoch"
        )
    return [float(line) for line in output.splitlines()]


def _report(rows: list[dict[str, list[str]]], clear: int) -> Report:
    counts: Counter[str] = Counter()
    protocols: Counter[str] = Counter()
    errors: list[str] = []
    for row in rows:
        layers = row["frame.protocols"][0].split(":") if row["frame.protocols"] else []
        protocols[next((name for name in reversed(layers) if name != "data"), "")] += 1
        if "isakmp" in layers:
            counts["ike"] += 1
            if row["isakmp.exchangetype"][:1] != [_IKE_SA_INIT]:
                counts["ike encrypted"] += 1
                counts["ike decrypted"] += bool(row["isakmp.enc.decrypted"])
        if "esp" in layers:
            counts["esp"] += 1
            counts["esp in udp"] += "udpencap" in layers
            counts["esp good"] += _is_set(row["esp.icv_good"])
            counts["esp bad"] += _is_set(row["esp.icv_bad"])
        errors += _errors(row)
    return Report(
        packets=len(rows),
        ike_messages=counts["ike"],
        ike_encrypted=counts["ike encrypted"],
        ike_decrypted=counts["ike decrypted"],
        esp=counts["esp"],
        esp_decrypted=counts["esp good"],
        esp_bad_icv=counts["esp bad"],
        esp_inside_udp=counts["esp in udp"],
        clear=clear,
        errors=tuple(errors),
        protocols=protocols,
    )


def _is_set(values: list[str]) -> bool:
    return any(value in ("1", "True") for value in values)


def _errors(row: dict[str, list[str]]) -> list[str]:
    number = row["frame.number"][0]
    found = [
        message
        for severity, message in zip(
            row["_ws.expert.severity"], row["_ws.expert.message"], strict=False
        )
        if int(severity) >= _ERROR
    ]
    if row["_ws.malformed"] and not found:
        found.append("malformed")
    return [f"packet {number}: {message}" for message in found]


def _rows(pcap: Path, config: Path) -> list[dict[str, list[str]]]:
    fields = [word for name in _FIELDS for word in ("-e", name)]
    layout = ["-E", f"separator={_SEPARATOR}", "-E", f"aggregator={_AGGREGATOR}"]
    output = _tshark(pcap, config, "-T", "fields", *fields, *layout)
    return [
        {
            name: [value for value in cell.split(_AGGREGATOR) if value]
            for name, cell in zip(_FIELDS, line.split(_SEPARATOR), strict=True)
        }
        for line in output.splitlines()
    ]


def _count(pcap: Path, config: Path, display_filter: str) -> int:
    output = _tshark(pcap, config, "-Y", display_filter, "-T", "fields", "-e", "frame.number")
    return len(output.splitlines())


def _tshark(pcap: Path, config: Path, *arguments: str) -> str:
    preferences = [word for setting in _PREFERENCES for word in ("-o", setting)]
    return run_checked(
        ["tshark", "-n", "-2", "-r", str(pcap), *preferences, *arguments],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(config)},
        timeout=120.0,
    )
