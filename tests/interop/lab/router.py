"""Our router in its namespace: a switch on the two ports, and its controller."""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.key_tables import KeyTables
from tests.interop.lab.namespace import Namespace, run_checked
from tests.interop.lab.router_config import PORTS, RouterConfig
from tests.interop.lab.sockets import listens_on_tcp
from tests.interop.lab.target import target
from tests.interop.lab.waiting import wait_for

P4RUNTIME_PORT = 9559
_LOADED = "configuration loaded"


class Router:
    """The switch and the controller, each a process of its own that can be killed alone."""

    def __init__(self, namespace: Namespace, run: Path, *, log_keys: bool = False) -> None:
        self._log_keys = log_keys
        self.namespace = namespace
        self.directory = run
        self.socket = run / "api.sock"
        self.config_path = run / "router.yaml"
        self.keys = KeyTables(run / "keys" / "ikev2_decryption_table", run / "keys" / "esp_sa")
        self.switch = Daemon(namespace, "switch", run)
        self.controller = Daemon(namespace, "controller", run)

    def start(self, config: RouterConfig) -> None:
        """Start the switch, then the controller with this configuration.

        Raises:
            LabError: one of them did not come up; with the end of its log.
        """
        self.start_switch()
        self.start_controller(config)

    def start_switch(self) -> None:
        """Start the switch on the namespace's two ports."""
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = [word for name, port in PORTS.items() for word in ("--port", f"{port}={name}")]
        self.switch.start(
            [
                *p4ipsec("switch", target(), *ports),
                *("--grpc-address", f"127.0.0.1:{P4RUNTIME_PORT}"),
            ],
            ready=lambda: listens_on_tcp(self.namespace, P4RUNTIME_PORT),
            timeout=60.0,
        )

    def start_controller(self, config: RouterConfig | None = None) -> None:
        """Start the controller; without a configuration, with the one it had."""
        if config is not None:
            self._configure(config)
        self.keys.ike.parent.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self.controller.start(
            p4ipsec("run", "--config", str(self.config_path)),
            ready=self._answers,
            timeout=60.0,
        )

    def reload(self, config: RouterConfig) -> None:
        """Have the running controller go over to another configuration.

        Raises:
            LabError: it did not within some seconds.
        """
        self._configure(config)
        before = len(self.logged_at(_LOADED))
        self.controller.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.logged_at(_LOADED)) > before, _LOADED)

    def _configure(self, config: RouterConfig) -> None:
        self.config_path.touch(mode=0o600)
        self.config_path.write_text(
            config.text(
                switch=f"127.0.0.1:{P4RUNTIME_PORT}",
                api_socket=self.socket,
                keys=self.keys if self._log_keys else None,
            )
        )

    def stop(self) -> None:
        """End both in order: the controller deletes its SAs at the peers first."""
        self.controller.stop()
        self.switch.stop()

    def cli_command(self, *arguments: str) -> list[str]:
        """Return the command line of the operator's command on this router."""
        return p4ipsec("--socket", str(self.socket), *arguments)

    def cli(self, *arguments: str) -> str:
        """Run an operator's command and return what it prints.

        Raises:
            LabError: it failed; with what it said.
        """
        return run_checked(self.cli_command(*arguments))

    def show(self, *what: str) -> Any:
        """Return what ``p4ipsec show WHAT --json`` says, parsed."""
        return json.loads(self.cli("show", *what, "--json"))

    def logged_at(self, text: str) -> list[float]:
        """Return when the controller logged lines with this text, in seconds (Unix)."""
        return [
            datetime.fromisoformat(line.split()[0]).timestamp()  # local time, without a zone
            for line in self.controller.log.splitlines()
            if text in line
        ]

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self.cli("show", "crypto", "optional")
        except LabError:
            return False
        return True


def p4ipsec(*arguments: str) -> list[str]:
    """Return a command line of the project's command."""
    return [str(Path(sys.executable).with_name("p4ipsec")), *arguments]
