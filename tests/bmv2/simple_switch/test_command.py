"""The options of the embedded switch as bmv2's command line."""

from pathlib import Path

import pytest

from bmv2.simple_switch import Installation, SimpleSwitchError
from bmv2.simple_switch.command import check_options, command_line, resolve_address
from bmv2.switch_options import SwitchOptions, TlsFiles, parse_port_spec

INSTALLATION = Installation(Path("/usr/bin/simple_switch_grpc"), Path("/e.so"), "1.15.5", True)


def test_all_options():
    options = SwitchOptions(
        grpc_addresses=("127.0.0.1:9559",),
        device_id=7,
        ports=(parse_port_spec("1=veth1"), parse_port_spec("2=veth2")),
        cpu_port=509,
    )
    command = command_line(INSTALLATION, options, "127.0.0.1:9559", 9090)
    assert " ".join(command) == (
        "/usr/bin/simple_switch_grpc --no-p4 --log-console --log-level info --device-id 7"
        " --interface 1@veth1 --interface 2@veth2 --thrift-port 9090"
        " -- --grpc-server-addr 127.0.0.1:9559 --cpu-port 509 --load-modules /e.so"
    )


def test_tls():
    tls = TlsFiles(Path("/c.pem"), Path("/k.pem"), Path("/ca.pem"))
    command = " ".join(command_line(INSTALLATION, SwitchOptions(tls=tls), "a:1", None))
    assert "--thrift-port" not in command
    assert command.endswith(
        "--grpc-server-ssl --grpc-server-cert /c.pem --grpc-server-key /k.pem"
        " --grpc-server-cacert /ca.pem --grpc-server-with-client-auth"
    )
    command = " ".join(
        command_line(INSTALLATION, SwitchOptions(tls=TlsFiles(tls.certificate, tls.private_key)),
                     "a:1", None)
    )  # fmt: skip
    assert "client-auth" not in command


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (SwitchOptions(grpc_addresses=("a:1", "b:2")), "one address only: leave out b:2"),
        (SwitchOptions(cpu_port=0), "CPU port cannot be 0"),
        (SwitchOptions(ports=(parse_port_spec("1=none-such"),)), "no network interface none-such"),
        (SwitchOptions(ports=(parse_port_spec("1=tap:t"),)), "makes no TAP devices"),
        (SwitchOptions(tls=TlsFiles(Path("/none"), Path("/none"))), "/none cannot be read"),
    ],
)
def test_what_bmv2_does_not_have(options, sentence):
    with pytest.raises(SimpleSwitchError, match=sentence):
        check_options(options)


def test_interface_that_is_down(monkeypatch, tmp_path):
    (tmp_path / "veth1").mkdir()
    (tmp_path / "veth1" / "flags").write_text("0x1002\n")
    monkeypatch.setattr("bmv2.simple_switch.command.INTERFACES", tmp_path)
    with pytest.raises(SimpleSwitchError, match="is down; ip link set veth1 up"):
        check_options(SwitchOptions(ports=(parse_port_spec("1=veth1"),)))


def test_interface_that_is_there():
    check_options(SwitchOptions(ports=(parse_port_spec("1=lo"),)))


def test_port_0_becomes_a_free_one():
    host, _, port = resolve_address("127.0.0.1:0").rpartition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    assert resolve_address("127.0.0.1:9559") == "127.0.0.1:9559"
    assert resolve_address("unix:/run/s") == "unix:/run/s"
    with pytest.raises(SimpleSwitchError, match=r"203\.0\.113\.1:0"):
        resolve_address("203.0.113.1:0")
