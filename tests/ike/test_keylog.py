"""Key log lines for Wireshark: off unless asked for, read by tshark where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ike_network import LEFT, RIGHT, Network, left_peer
from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import Packet
from scapy.utils import wrpcap

from ike import keylog
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished


def logged() -> tuple[Network, list[str]]:
    network, lines = Network(), []
    network.left.endpoint = Endpoint(
        [left_peer()], random_bytes=network.random.randbytes, secrets_log=lines.append
    )
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(2)
    return network, lines


def test_one_line_an_ike_sa() -> None:
    network, lines = logged()
    assert len(lines) == 2
    fields = lines[0].split(",")
    assert len(fields) == 8
    assert fields[0] == network.sent[0].payload[:8].hex()
    assert fields[1] == network.sent[1].payload[8:16].hex()
    assert len(fields[2]) == len(fields[3]) == 2 * 36


def test_nothing_secret_in_what_is_shown() -> None:
    network, lines = logged()
    made = network.left.one(ChildSaEstablished)
    shown = repr(network.left.log) + repr(network.left.endpoint.ike_sas())
    for secret in (made.key_in, made.key_out, made.salt_in):
        assert secret.reveal().hex() not in shown
        assert repr(secret.reveal()) not in shown
    assert lines[0].split(",")[2] not in shown


def test_the_esp_line() -> None:
    network, _ = logged()
    made = network.left.one(ChildSaEstablished)
    line = keylog.esp_line(LEFT, RIGHT, made.spi_out, made.encryption, made.key_out, made.salt_out)
    assert line.startswith(f'"IPv4","192.0.2.1","192.0.2.2","0x{made.spi_out:08x}","AES-GCM')
    assert made.key_out.reveal().hex() + made.salt_out.reveal().hex() in line


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is missing")


def tshark(folder: Path, packets: list[Packet], options: tuple[str, ...] = (), **keys: str) -> str:
    """Dissect packets with key tables in a profile of its own."""
    for name, text in keys.items():
        (folder / name).write_text(text + "\n")
    capture = folder / "capture.pcap"
    wrpcap(str(capture), packets)
    environment = {
        "WIRESHARK_CONFIG_DIR": str(folder),
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }
    result = subprocess.run(
        ["tshark", "-r", str(capture), "-V", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


@needs_tshark
def test_tshark_decrypts_ike_and_finds_nothing_malformed(tmp_path: Path) -> None:
    network, lines = logged()
    packets = [
        IP(src=str(d.source.address), dst=str(d.destination.address))
        / UDP(sport=d.source.port, dport=d.destination.port)
        / ((bytes(4) if d.source.port == 4500 else b"") + d.payload)
        for d in network.sent
    ]
    text = tshark(tmp_path, packets, ikev2_decryption_table="\n".join(lines))
    assert "Malformed" not in text
    encrypted = sum(d.payload[18] != 34 for d in network.sent)
    assert encrypted == 6
    assert text.count("Decrypted Data") == encrypted
    assert text.count("[correct]") == encrypted


@needs_tshark
def test_tshark_decrypts_esp(tmp_path: Path) -> None:
    network, _ = logged()
    made = network.left.one(ChildSaEstablished)
    outer = IP(src=str(LEFT), dst=str(RIGHT))
    association = SecurityAssociation(
        ESP,
        spi=made.spi_out,
        crypt_algo="AES-GCM",
        crypt_key=made.key_out.reveal() + made.salt_out.reveal(),
        tunnel_header=outer,
    )
    inner = IP(src="10.1.0.1", dst="10.2.0.1") / UDP(sport=1234, dport=4321) / b"payload"
    line = keylog.esp_line(LEFT, RIGHT, made.spi_out, made.encryption, made.key_out, made.salt_out)
    options = (
        "-o",
        "esp.enable_encryption_decode:TRUE",
        "-o",
        "esp.enable_authentication_check:TRUE",
    )
    text = tshark(tmp_path, [association.encrypt(inner)], options, esp_sa=line)
    assert "Src: 10.1.0.1" in text
    assert "Src Port: 1234" in text
