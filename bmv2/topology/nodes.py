"""Mininet's nodes: a P4 router with its controller, and a router that knows no IPsec."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from mininet.node import Node, Switch

P4RUNTIME_PORT = 9559
START_TIMEOUT = 60.0  # seconds; bmv2 takes some of them on a busy machine
STOP_TIMEOUT = 15.0  # seconds; the controller says goodbye to its peers
_ROOT = Path(__file__).resolve().parents[2]


class RouterError(Exception):
    """A router did not come up; the text says why, and what to do."""


def find_p4ipsec() -> str:
    """Find the command: $P4IPSEC, or that of the repository's environment, or on the PATH.

    Raises:
        RouterError: it is nowhere.
    """
    venv = _ROOT / ".venv" / "bin" / "p4ipsec"
    found = os.environ.get("P4IPSEC") or (str(venv) if venv.exists() else shutil.which("p4ipsec"))
    if not found:
        raise RouterError("p4ipsec is not there: run `make setup` first, or set P4IPSEC")
    return found


class P4Router(Switch):  # type: ignore[misc]  # Mininet has no types
    """A P4 switch in a network namespace of its own, and its controller.

    Its ports are Mininet's: `r1-eth1` is port 1, `r1-eth2` port 2, and so on.

    Args:
        name: of the node.
        config: the text for `p4ipsec run`.
        directory: where its files and logs go.
        target: `embedded`, or `bmv2` for simple_switch_grpc.
        options: Mininet's.
    """

    def __init__(
        self, name: str, config: str, directory: Path, target: str = "embedded", **options: Any
    ) -> None:
        super().__init__(name, **options | {"inNamespace": True})
        self.config_text = config
        self.directory = directory
        self.target = target
        self.api = directory / "api.sock"
        self._switch: subprocess.Popen[bytes] | None = None
        self._controller: subprocess.Popen[bytes] | None = None

    def start(self, controllers: Any) -> None:
        """Start the switch and the controller. Mininet's own controllers are none of ours.

        Raises:
            RouterError: one of them did not come up; with the end of its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.cmd("ip link set lo up")  # what Mininet does for hosts only
        ports = [
            word
            for port, interface in sorted(self.ports_by_number().items())
            for word in ("--port", f"{port}={interface}")
        ]
        address = f"127.0.0.1:{P4RUNTIME_PORT}"
        self._switch = self._spawn(
            "switch", "switch", self.target, "--grpc-address", address, *ports
        )
        self._wait("switch", self._switch, self._switch_is_up)
        self.start_controller()
        # `r1 p4ipsec show crypto optional` at Mininet's prompt.
        self.cmd(f"export P4IPSEC_API={self.api} PATH={Path(find_p4ipsec()).parent}:$PATH")

    def ports_by_number(self) -> dict[int, str]:
        """Return the interfaces by their port's number; the loopback is none."""
        return {port: str(intf) for port, intf in self.intfs.items() if str(intf) != "lo"}

    def start_controller(self, config: str | None = None) -> None:
        """Start the controller; without a configuration, with the one it had.

        Raises:
            RouterError: it did not come up.
        """
        self.config_text = config or self.config_text
        path = self.directory / "router.yaml"
        path.touch(mode=0o600)
        path.write_text(self.config_text)
        self._controller = self._spawn("controller", "run", "--config", str(path))
        self._wait("controller", self._controller, self._controller_is_up)

    def stop_controller(self) -> None:
        """End the controller; the switch goes on."""
        _end(self._controller)
        self._controller = None

    def kill_controller(self) -> None:
        """End the controller without giving it time for anything; the switch goes on."""
        if self._controller is not None:
            self._controller.kill()
            self._controller.wait()
        self._controller = None

    def reconfigure(self, config: str) -> None:
        """Have the running controller take another configuration, as an operator would.

        Raises:
            RouterError: it refuses it.
        """
        path = self.directory / "router.yaml"
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(config)
        checked = subprocess.run(
            [find_p4ipsec(), "check", str(new)], capture_output=True, text=True, check=False
        )
        if checked.returncode:
            raise RouterError(checked.stdout + checked.stderr)
        new.rename(path)
        self.config_text = config
        if self._controller is not None:
            self._controller.send_signal(signal.SIGHUP)

    def p4ipsec(self, *arguments: str) -> str:
        """Run an operator's command, and give what it prints.

        Raises:
            RouterError: it failed; with what it said.
        """
        done = subprocess.run(
            [find_p4ipsec(), *arguments],
            env=os.environ | {"P4IPSEC_API": str(self.api)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RouterError((done.stdout + done.stderr).strip())
        return done.stdout

    def stop(self, deleteIntfs: bool = True) -> None:  # noqa: N803  # Mininet's name
        """End the controller, which deletes its SAs at the peers, and then the switch."""
        self.stop_controller()
        _end(self._switch)
        self._switch = None
        super().stop(deleteIntfs)

    def _spawn(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.directory / f"{what}.log").open("ab")
        with log:
            return self.popen(  # type: ignore[no-any-return]  # Mininet has no types
                [find_p4ipsec(), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait(self, what: str, process: subprocess.Popen[bytes], is_up: Any) -> None:
        end = time.monotonic() + START_TIMEOUT
        while not is_up():
            if process.poll() is not None or time.monotonic() > end:
                log = (self.directory / f"{what}.log").read_text(errors="replace")
                raise RouterError(f"the {what} of {self.name} did not come up:\n{log[-2000:]}")
            time.sleep(0.1)

    def _switch_is_up(self) -> bool:
        # The port is in the node's network namespace, where this process is not.
        listening = self.cmd(f"ss -Hltn sport = :{P4RUNTIME_PORT}")
        return bool(listening.strip())

    def _controller_is_up(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.api))
            except OSError:
                return False
        try:
            self.p4ipsec("show", "crypto", "optional")
        except RouterError:
            return False
        return True


class LinuxRouter(Node):  # type: ignore[misc]  # Mininet has no types
    """A router that has no IPsec: the kernel forwards."""

    def config(self, **params: Any) -> Any:
        """Let the kernel forward."""
        result = super().config(**params)
        self.cmd("sysctl -qw net.ipv4.ip_forward=1")
        return result


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End a process: with SIGTERM, and with SIGKILL if it does not listen."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
