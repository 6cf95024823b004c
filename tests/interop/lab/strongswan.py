"""A strongSwan of its own in a namespace: charon with ESP in user space, driven by swanctl."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.interop.lab.daemon import Daemon
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace, run_checked
from tests.interop.lab.requirements import find
from tests.interop.lab.sas import ChildSa, IkeSa, parse_list_sas
from tests.interop.lab.swanctl_conf import (
    Connection,
    Options,
    Retransmission,
    strongswan_conf,
    swanctl_conf,
)
from tests.interop.lab.waiting import wait_for


class StrongSwan:
    """One charon-systemd, its configuration, its vici socket and its log in one directory.

    kernel-libipsec forces UDP encapsulation, never starts IKE on traffic, and sends in the
    clear whatever has a route and no SA: before it has an SA it is a legacy peer.
    """

    def __init__(
        self,
        namespace: Namespace,
        run: Path,
        *,
        log_keys: bool = False,
        retransmission: Retransmission | None = None,
        options: Options = (),
        quiet: bool = False,
    ) -> None:
        self.namespace = namespace
        self.directory = run
        self.log_path = run / "charon.log"
        self.socket = run / "charon.vici"
        self._log_keys = log_keys
        self._retransmission = retransmission or Retransmission()
        self._options = options
        self._quiet = quiet
        self._daemon = Daemon(namespace, "charon-systemd", run)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make charon and swanctl use this instance's files."""
        return {
            "STRONGSWAN_CONF": str(self.directory / "strongswan.conf"),
            "SWANCTL_DIR": str(self.directory),
        }

    @property
    def running(self) -> bool:
        """Whether charon lives."""
        return self._daemon.running

    @property
    def log(self) -> str:
        """What charon has logged."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def pid(self) -> int | None:
        """The process id of charon, or None if it does not run."""
        return self._daemon.pid

    @property
    def version(self) -> str:
        """The version that the running charon says it is."""
        return self.swanctl("--version", "--daemon").removeprefix("strongSwan ").split()[0]

    def start(self, *connections: Connection) -> None:
        """Start charon and load the connections.

        Raises:
            LabError: it did not start; with the end of its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_settings()
        self._start()
        self.load(*connections)

    def restart(self) -> None:
        """Start charon again with what it had loaded, after `stop` or `kill`."""
        self._start()
        self.swanctl("--load-all", "--noprompt")

    def load(self, *connections: Connection) -> None:
        """Replace the loaded connections and secrets. SAs that are up stay up."""
        self._write("swanctl.conf", swanctl_conf(connections))
        self.swanctl("--load-all", "--noprompt", "--clear")

    def reload_settings(self, options: Options) -> None:
        """Change the daemon's own settings, of those that it reads while it runs."""
        self._options = options
        self._write_settings()
        self.swanctl("--reload-settings")

    def add_credential(self, kind: str, name: str, pem: bytes) -> None:
        """Put a file where `load` finds it: kind "x509", "x509ca" or "private"."""
        directory = self.directory / kind
        directory.mkdir(mode=0o700, exist_ok=True)
        path = directory / name
        path.touch(mode=0o600)
        path.write_bytes(pem)

    def forget_credentials(self) -> None:
        """Remove all that `add_credential` has put there."""
        for kind in ("x509", "x509ca", "private"):
            shutil.rmtree(self.directory / kind, ignore_errors=True)

    def stop(self) -> None:
        """End charon in order: it deletes its SAs at the peers."""
        self._daemon.stop()

    def kill(self) -> None:
        """End charon as a crash does: peers hear nothing. What it left in the kernel goes too."""
        self._daemon.kill()
        self._forget_tunnel_routes()
        self.socket.unlink(missing_ok=True)

    def initiate(self, child: str, *, timeout: float = 10.0) -> None:
        """Bring a CHILD_SA up, and the IKE SA that it needs. `timeout` in seconds.

        Raises:
            LabError: it failed; with what charon said.
        """
        self.swanctl("--initiate", "--child", child, "--timeout", f"{timeout:.0f}")

    def terminate_ike(self, name: str) -> None:
        """Delete the IKE SAs of a connection, and their children."""
        self.swanctl("--terminate", "--ike", name, "--timeout", "10")

    def terminate_child(self, name: str) -> None:
        """Delete the CHILD_SAs of that name."""
        self.swanctl("--terminate", "--child", name, "--timeout", "10")

    def rekey_child(self, name: str) -> None:
        """Rekey the CHILD_SAs of that name."""
        self.swanctl("--rekey", "--child", name)

    def rekey_ike(self, name: str) -> None:
        """Rekey the IKE SAs of a connection."""
        self.swanctl("--rekey", "--ike", name)

    def list_sas(self) -> tuple[IkeSa, ...]:
        """Return the IKE SAs and their children, with the traffic that each carried."""
        return parse_list_sas(self.swanctl("--list-sas", "--pretty"))

    def installed_children(self, name: str | None = None) -> tuple[ChildSa, ...]:
        """Return the CHILD_SAs that carry traffic, of one name or of all."""
        return tuple(
            child
            for ike_sa in self.list_sas()
            if ike_sa.state == "ESTABLISHED"
            for child in ike_sa.children
            if child.state == "INSTALLED" and name in (None, child.name)
        )

    def wait_for_child(self, name: str, *, timeout: float = 10.0) -> ChildSa:
        """Wait until a CHILD_SA of that name is installed, and return the first.

        Raises:
            WaitTimeoutError: it was not there within `timeout` seconds.
        """
        return wait_for(
            lambda: self.installed_children(name), f"CHILD_SA {name} installed", timeout=timeout
        )[0]

    def wait_for_no_sa(self, *, timeout: float = 10.0) -> None:
        """Wait until no SA is left.

        Raises:
            WaitTimeoutError: one was left after `timeout` seconds.
        """
        wait_for(lambda: not self.list_sas(), "no SA left at strongSwan", timeout=timeout)

    def swanctl(self, *arguments: str) -> str:
        """Run swanctl on this instance, and return what it prints.

        Raises:
            LabError: it failed; with what charon said.
        """
        program = find("swanctl")
        if program is None:
            raise LabError("swanctl not found: apt-get install strongswan-swanctl")
        return run_checked([program, *arguments], env={**os.environ, **self.environment})

    def _start(self) -> None:
        program = find("charon-systemd")
        if program is None:
            raise LabError("charon-systemd not found: apt-get install charon-systemd")
        self.socket.unlink(missing_ok=True)
        self._daemon.start([program], env=self.environment, ready=self._answers)

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self.swanctl("--stats")
        except LabError:
            return False
        return True

    def _forget_tunnel_routes(self) -> None:
        # The TUN device dies with charon and takes table 220 along; the rule that leads to the
        # table stays, and a new charon adds it again.
        while "lookup 220" in self.namespace.ip("rule", "show"):
            self.namespace.ip("rule", "delete", "table", "220")

    def _write_settings(self) -> None:
        self._write(
            "strongswan.conf",
            strongswan_conf(
                socket=self.socket,
                log=self.log_path,
                log_keys=self._log_keys,
                retransmission=self._retransmission,
                options=self._options,
                quiet=self._quiet,
            ),
        )

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    def remove(self) -> None:
        """Kill charon and delete all its files."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
