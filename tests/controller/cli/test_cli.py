"""``p4ipsec``, against a real API server."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from controller.cli.app import app
from controller.cli.connection import parse_address
from controller.config.scalars import Endpoint
from controller.status import LogMessage
from tests.controller.api.memory_backend import PEER, RunningServer, serving, unix

EXAMPLE = Path(__file__).parents[3] / "examples" / "seed.yaml"
P4IPSEC = (sys.executable, "-m", "controller.cli")

Run = Callable[..., Result]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with serving(unix(tmp_path)) as running:
        yield running


@pytest.fixture
def run(server: RunningServer) -> Run:
    def invoke(*arguments: str) -> Result:
        environment = {"P4IPSEC_API": str(server.endpoint), "COLUMNS": "200"}
        return CliRunner(env=environment).invoke(app, list(arguments))

    return invoke


# --- show ---------------------------------------------------------------------------------


def test_pm9_show_crypto_optional(server: RunningServer, run: Run) -> None:
    result = run("show", "crypto", "optional")
    assert result.exit_code == 0
    assert result.stdout.startswith("Passive mode enabled. IPSec is currently insecure.\n")
    assert "10.3.0.5" in result.stdout
    server.backend.optional = dataclasses.replace(server.backend.optional, enabled=False)
    assert run("show", "crypto", "optional").stdout == "Passive mode disabled.\n"


@pytest.mark.parametrize(
    ("words", "text", "key"),
    [
        ("crypto optional", "Passive mode enabled", "destinations"),
        ("crypto map", 'Crypto Map IPv4 "xauthmap" 10 ipsec-isakmp', "crypto_maps"),
        ("crypto ipsec sa", "interface: Ethernet1/0", "ipsec_sas"),
        ("crypto isakmp sa", "IPv4 Crypto ISAKMP SA", "isakmp_sas"),
        ("crypto isakmp sa detail", "Peer 209.165.202.145 from 209.165.202.147", "peers"),
        ("crypto pki certificates", "Associated Trustpoints: routers", "certificates"),
        ("switch", "connected, primary", "drops"),
    ],
)
def test_every_show_command_as_text_and_as_json(run: Run, words: str, text: str, key: str) -> None:
    result = run("show", *words.split())
    assert result.exit_code == 0
    assert text in result.stdout
    document = json.loads(run("show", *words.split(), "--json").stdout)
    assert document[key]


def test_control_characters_of_a_peer_do_not_reach_the_terminal(
    server: RunningServer, run: Run
) -> None:
    types = (dataclasses.replace(server.backend.optional.packet_types[0], last_failure="\x1b[2Jx"),)
    server.backend.optional = dataclasses.replace(server.backend.optional, packet_types=types)
    result = run("show", "crypto", "optional")
    assert "\x1b" not in result.stdout
    assert "\\x1b[2Jx" in result.stdout


# --- clear and configure ------------------------------------------------------------------


def test_clear_crypto_sa(server: RunningServer, run: Run) -> None:
    assert run("clear", "crypto", "sa").stdout == "2 pairs of SAs cleared.\n"
    assert run("clear", "crypto", "sa", "peer", str(PEER)).stdout == "1 pair of SAs cleared.\n"
    assert server.backend.calls == [("clear", None), ("clear", PEER)]


def test_clear_crypto_sa_with_an_unknown_peer(run: Run) -> None:
    result = run("clear", "crypto", "sa", "peer", "1.2.3.4")
    assert result.exit_code == 1
    assert result.stderr == "error: 1.2.3.4 is not a peer of any crypto map\n"


def test_clear_crypto_sa_with_a_peer_that_is_no_address(server: RunningServer, run: Run) -> None:
    result = run("clear", "crypto", "sa", "peer", "1.2.3")
    assert result.exit_code == 2
    assert "expected an IPv4 address" in result.stderr
    assert server.backend.calls == []


def test_pm10_crypto_ipsec_optional_and_no(server: RunningServer, run: Run) -> None:
    server.backend.messages_after_switching = []
    assert run("crypto", "ipsec", "optional").stdout == ""
    server.backend.messages_after_switching = ["remember 'write memory'"]
    assert run("no", "crypto", "ipsec", "optional").stdout == "remember 'write memory'\n"
    assert server.backend.calls == [("passive mode", True), ("passive mode", False)]


def test_pm4_retry_is_set_and_reset_without_changing_the_mode(
    server: RunningServer, run: Run
) -> None:
    assert run("crypto", "ipsec", "optional", "retry", "60").stdout == ""
    assert run("no", "crypto", "ipsec", "optional", "retry").exit_code == 0
    assert run("no", "crypto", "ipsec", "optional", "retry", "60").exit_code == 0
    assert server.backend.calls == [("retry", 60.0), ("retry", 300.0), ("retry", 300.0)]


def test_pm4_retry_while_off_says_that_it_has_no_effect_yet(
    server: RunningServer, run: Run
) -> None:
    server.backend.optional = dataclasses.replace(server.backend.optional, enabled=False)
    assert "takes effect after" in run("crypto", "ipsec", "optional", "retry", "60").stdout


@pytest.mark.parametrize("seconds", ["0", "86401", "-1", "soon"])
def test_pm4_retry_out_of_range(server: RunningServer, run: Run, seconds: str) -> None:
    result = run("crypto", "ipsec", "optional", "retry", seconds)
    assert result.exit_code == 2
    assert server.backend.calls == []


def test_pm10_write_memory(server: RunningServer, run: Run) -> None:
    result = run("write", "memory")
    assert result.stdout == "Building configuration...\n[OK] /etc/p4ipsec/r1.yaml\n"
    server.backend.saves_to = None
    result = run("write", "memory")
    assert result.exit_code == 1
    assert "Permission denied" in result.stderr


# --- where the controller is --------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "endpoint"),
    [
        ("/run/x.sock", Endpoint(path="/run/x.sock")),
        ("./x.sock", Endpoint(path="./x.sock")),
        ("unix:x.sock", Endpoint(path="x.sock")),
        ("127.0.0.1:50051", Endpoint(host="127.0.0.1", port=50051)),
        ("[::1]:50051", Endpoint(host="::1", port=50051)),
    ],
)
def test_addresses(word: str, endpoint: Endpoint) -> None:
    assert parse_address(word) == endpoint


def test_socket_option_stands_anywhere_and_wins_over_the_environment(
    server: RunningServer,
) -> None:
    runner = CliRunner(env={"P4IPSEC_API": "/nowhere.sock"})
    at = ["--socket", server.endpoint.path]
    for arguments in (
        [*at, "show", "switch"],
        ["show", "switch", *at],
        ["crypto", "ipsec", "optional", *at, "retry", "60"],
        ["crypto", "ipsec", "optional", "retry", "60", *at],
    ):
        assert runner.invoke(app, arguments).exit_code == 0, arguments
    assert runner.invoke(app, ["show", "switch"]).exit_code == 3


def test_no_controller_is_one_sentence_and_its_own_exit_code(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["show", "switch", "--socket", str(tmp_path / "x.sock")])
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr == (
        f"error: the controller is not running at unix:{tmp_path}/x.sock:"
        " start it with 'p4ipsec run -c FILE', or say where it is with --socket\n"
    )


def test_switch_that_is_gone_is_refused_not_missing(server: RunningServer, run: Run) -> None:
    server.backend.switch_is_gone = True
    result = run("show", "crypto", "optional")
    assert result.exit_code == 1
    assert result.stderr == "error: the switch at 127.0.0.1:9559 doesn't answer\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--socket", "nonsense", "show", "switch"],
        ["--tls-certificate", "x", "show", "switch"],
        ["--tls-certificate", "x", "--tls-key", "y", "show", "switch"],
    ],
)
def test_wrong_connection_options_are_usage_errors(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


# --- commands without a controller --------------------------------------------------------


def test_pm12_check_of_the_seed_s_example() -> None:
    result = CliRunner().invoke(app, ["check", str(EXAMPLE)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == f"{EXAMPLE}: valid"
    assert "1 crypto map entry, 1 packet type, 1 peer; passive mode on" in result.stdout


def test_check_tells_every_error_with_its_line_and_field(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    text = EXAMPLE.read_text().replace("enabled: true", "enabled: maybe").replace("port: 1", "p: 1")
    file.write_text(text)
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    line = text.splitlines().index("  enabled: maybe") + 1
    assert f"error: {file}:{line}:12: crypto_ipsec_optional.enabled: " in result.stderr
    assert "interfaces.Ethernet1/0" in result.stderr
    assert result.stdout == ""
    document = json.loads(CliRunner().invoke(app, ["check", str(file), "--json"]).stdout)
    assert document["valid"] is False
    assert {error["line"] for error in document["errors"]} >= {line}
    assert set(document["errors"][0]) == {"file", "line", "column", "field", "message"}


def test_check_of_a_missing_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path / "none.yaml")])
    assert result.exit_code == 1
    assert "can't be read: No such file" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "veth1"], "write NUMBER=INTERFACE"),
        (["--port", "1=a", "--port", "1=b"], "given twice"),
        (["--tls-key", "x"], "go together"),
        (["--tls-client-ca", "x"], "needs --tls-certificate"),
    ],
)
@pytest.mark.parametrize("target", ["embedded", "bmv2"])
def test_switch_refuses_wrong_options(target: str, arguments: list[str], reason: str) -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["switch", target, *arguments])
    assert result.exit_code == 2
    assert reason in result.stderr


def test_version() -> None:
    for arguments in (["version"], ["--version"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        assert result.stdout.startswith("p4ipsec 0.")


def test_help_names_the_commands() -> None:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["show", "crypto", "--help"])
    assert result.exit_code == 0
    assert "optional" in result.stdout


@pytest.mark.slow
def test_every_command_has_help() -> None:
    pending = [()]
    seen = []
    while pending:
        words = pending.pop()
        result = CliRunner(env={"COLUMNS": "120"}).invoke(app, [*words, "--help"])
        assert result.exit_code == 0, words
        seen.append(words)
        if "Commands" in result.stdout:
            commands = result.stdout.split("Commands", 1)[1].splitlines()[1:]
            names = [
                line.split()[1] for line in commands if line.startswith("│ ") and line[2] != " "
            ]
            assert names
            pending += [(*words, name) for name in names]
    assert ("show", "crypto", "isakmp", "sa") in seen
    assert ("no", "crypto", "ipsec", "optional", "retry") in seen


# --- as processes -------------------------------------------------------------------------


def test_a_process_of_its_own(server: RunningServer) -> None:
    command = [*P4IPSEC, "show", "crypto", "optional", "--socket", server.endpoint.path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0
    assert result.stdout.startswith("Passive mode enabled. IPSec is currently insecure.\n")
    assert result.stderr == ""


@pytest.mark.slow
def test_pm7_monitor_follows_until_interrupted(server: RunningServer) -> None:
    text = "Security warning: crypto ipsec optional is configured"
    server.publish(LogMessage(1.0, "warning", text))
    command = [*P4IPSEC, "monitor", "--json", "--socket", server.endpoint.path]
    with (
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Shells have what they start in the background ignore it, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
        ExitStack() as cleanup,
    ):
        cleanup.callback(process.kill)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["text"] == text
        server.publish(LogMessage(2.0, "info", "later", "xauthmap 10 192 line 1"))
        assert json.loads(process.stdout.readline()) == {
            "time": 2.0,
            "severity": "info",
            "text": "later",
            "packet_type": "xauthmap 10 192 line 1",
        }
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_switch_embedded_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/switch.sock"
    command = [*P4IPSEC, "switch", "embedded", "--grpc-address", address, "--log-format", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        assert address in line["event"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_switch_bmv2_says_how_to_get_bmv2(tmp_path: Path) -> None:
    arguments = ["switch", "bmv2", "--simple-switch", str(tmp_path / "none")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: simple_switch_grpc is not at {tmp_path}/none: install")


@pytest.mark.slow
def test_switch_embedded_says_why_a_port_cannot_be_opened() -> None:
    command = [*P4IPSEC, "switch", "embedded", "--port", "1=none-such", "--grpc-address"]
    result = subprocess.run([*command, "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
