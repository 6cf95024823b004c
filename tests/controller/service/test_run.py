"""`p4ipsec run` as a process: a switch, a configuration file, the API, and signals."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.simulation.topology import site

pytestmark = pytest.mark.slow
P4IPSEC = (sys.executable, "-m", "controller.cli")
PATIENCE = 20.0  # seconds


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Processes:
    """A switch and a controller in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "r1.yaml"
        self.log = folder / "run.log"
        self.switch = self._start("switch", "embedded", "--grpc-address", f"unix:{folder}/s.sock")
        self.write()
        self.controller: subprocess.Popen[bytes] | None = None

    def write(self, extra: str = "", **options: bool) -> None:
        text = site(1, peers={2: []}, optional=True).replace(
            "'127.0.0.1:9559'", f"'unix:{self.folder}/s.sock'"
        )
        self.config.write_text(f"{text}api: {{listen: ['unix:{self.folder}/c.sock']}}\n{extra}")
        self.config.chmod(0o600)

    def run(self, *arguments: str) -> None:
        self.controller = self._start("run", "-c", str(self.config), *arguments)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with open(self.log, "ab") as log:
            return subprocess.Popen([*P4IPSEC, *arguments], stdout=log, stderr=log)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*P4IPSEC, "--socket", f"unix:{self.folder}/c.sock", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def connected(self) -> bool:
        shown = self.cli("show", "switch", "--json")
        return shown.returncode == 0 and json.loads(shown.stdout)["connected"]

    def logged(self, text: str) -> bool:
        return text in self.log.read_text()

    def stop(self) -> None:
        for process in (self.controller, self.switch):
            if process is not None:
                process.kill()
                process.wait()


@pytest.fixture
def processes() -> Iterator[Processes]:
    # Not pytest's own path, which can be too long for a Unix socket.
    with tempfile.TemporaryDirectory() as name:
        started = Processes(Path(name))
        yield started
        started.stop()


def test_runs_shows_reloads_and_ends_on_sigterm(processes):
    processes.run()
    wait_for(processes.connected, "no connection to the switch")
    shown = processes.cli("show", "crypto", "optional")
    assert shown.stdout.startswith("Passive mode enabled. IPSec is currently insecure.\n")

    # PM-10, and what it asks for.
    told = processes.cli("no", "crypto", "ipsec", "optional")
    assert told.returncode == 0
    assert "write memory" in told.stdout
    assert processes.cli("show", "crypto", "optional").stdout == "Passive mode disabled.\n"
    assert processes.cli("write", "memory").returncode == 0
    assert "enabled: false" in processes.config.read_text()

    # A file with errors changes nothing; a good one is taken over.
    good = processes.config.read_text()
    processes.config.write_text(good.replace("set_peer: 10.0.0.2", "set_peer: nobody"))
    processes.controller.send_signal(signal.SIGHUP)
    wait_for(lambda: processes.logged("configuration not loaded"), "no word of the error")
    assert processes.logged("set_peer")
    processes.config.write_text(good.replace("retry: 300", "retry: 77"))
    processes.controller.send_signal(signal.SIGHUP)
    wait_for(lambda: processes.logged("configuration loaded"), "not reloaded")
    optional = json.loads(processes.cli("show", "crypto", "optional", "--json").stdout)
    assert optional["retry"] == 77

    processes.controller.send_signal(signal.SIGTERM)
    assert processes.controller.wait(PATIENCE) == 0
    assert not (processes.folder / "c.sock").exists()
    assert not processes.logged("Traceback")
    assert processes.cli("show", "switch").returncode == 3


def test_a_switch_that_comes_later_or_comes_back_is_found(processes):
    processes.switch.kill()
    processes.switch.wait()
    processes.run()
    wait_for(lambda: processes.logged("no switch at"), "no word of the missing switch")
    refused = processes.cli("no", "crypto", "ipsec", "optional")
    assert refused.returncode == 1
    assert "doesn't answer" in refused.stderr
    socket = f"unix:{processes.folder}/s.sock"
    processes.switch = processes._start("switch", "embedded", "--grpc-address", socket)
    wait_for(processes.connected, "the switch is not found")
    assert processes.cli("show", "crypto", "optional").stdout == "Passive mode disabled.\n"


def test_key_logs_are_for_us_alone(processes):
    processes.write(f"debug: {{ike_keylog_file: {processes.folder}/ike.keys}}\n")
    processes.run()
    wait_for(processes.connected, "no connection to the switch")
    assert (processes.folder / "ike.keys").stat().st_mode & 0o777 == 0o600
    assert processes.logged("keys are written to files")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("debug: {ike_keylog_file: /dev/null}\n", "mode 0600"),
        ("hostnmae: x\n", "did you mean 'hostname'"),
    ],
)
def test_what_cannot_start_says_why_in_a_line_and_fails(processes, extra, said):
    processes.write(extra)
    processes.run()
    assert processes.controller.wait(PATIENCE) == 1
    assert processes.logged(said)
    assert not processes.logged("Traceback")
    assert os.path.exists(processes.config)


def test_the_process_keeps_its_state_and_starts_with_it(processes):
    path = processes.folder / "state"
    processes.write(f"controller: {{state_file: '{path}'}}\n")
    path.write_bytes(b"nonsense")
    path.chmod(0o600)
    processes.run("--leave-sas")
    wait_for(processes.connected, "no connection to the switch")
    assert processes.logged("not carried on")
    wait_for(path.exists, "no state kept")
    assert (processes.folder / "state.bad").read_bytes() == b"nonsense"
    processes.controller.send_signal(signal.SIGTERM)
    assert processes.controller.wait(PATIENCE) == 0
    assert path.exists()
    processes.run()
    wait_for(processes.connected, "no connection to the switch")
    shown = processes.cli("show", "crypto", "isakmp", "sa", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout) is not None
    processes.controller.send_signal(signal.SIGTERM)
    assert processes.controller.wait(PATIENCE) == 0
    assert not path.exists(), "the SAs are deleted, and the file with them"
    assert not processes.logged("Traceback")
