"""The lab as a whole: built, looked at, and removed without a trace."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Collection
from pathlib import Path

from tests.interop.lab.capture import Capture
from tests.interop.lab.errors import LabError
from tests.interop.lab.namespace import Namespace, names_starting_with
from tests.interop.lab.network import Network
from tests.interop.lab.requirements import require
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Options, Retransmission
from tests.interop.lab.topology import (
    CORE,
    CORE_BRIDGE,
    SITE_A,
    Site,
    lab_id_of,
    namespace_prefix,
)
from tests.interop.lab.waiting import wait_for

RUN_ROOT = Path("/run/p4ipsec-lab")


class Lab:
    """One lab by its id. Several can stand side by side: each has names and files of its own.

    Everything that it starts lives in its namespaces, so `down` finds it all there, whoever
    started it and however that one ended.
    """

    def __init__(self, lab_id: str, run_root: Path = RUN_ROOT) -> None:
        self.id = lab_id
        self.network = Network(lab_id)
        self.run = run_root / lab_id

    def __getitem__(self, machine: str) -> Namespace:
        """Return the namespace of a machine: ``host-a``, ``router``, ``core``, ..."""
        return self.network[machine]

    @property
    def is_up(self) -> bool:
        """Whether any part of it is there."""
        return bool(self._namespaces()) or self.run.exists()

    def up(self, p4_sites: Collection[Site] = (SITE_A,)) -> None:
        """Build the network. Routers forward; nothing has IPsec yet.

        Args:
            p4_sites: the sites whose router is a P4 switch, so that its ports are left bare.

        Raises:
            LabError: tools are missing, it stands already, or building failed; in that case
                nothing is left behind.
        """
        require()
        if self.is_up:
            raise LabError(f"lab {self.id} stands already: take it down first")
        self.run.mkdir(parents=True, mode=0o755)
        try:
            self.network.build(p4_sites)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove every trace: processes, namespaces, files. Fine if there is none."""
        namespaces = self._namespaces()
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            if self._end_processes(namespaces, number, patience):
                break
        for namespace in namespaces:
            namespace.delete()
        shutil.rmtree(self.run, ignore_errors=True)
        if self.run.parent.is_dir() and not any(self.run.parent.iterdir()):
            self.run.parent.rmdir()

    def strongswan(
        self,
        machine: str,
        *,
        log_keys: bool = False,
        retransmission: Retransmission | None = None,
        options: Options = (),
    ) -> StrongSwan:
        """Return the strongSwan of a machine, not started by this."""
        return StrongSwan(
            self[machine],
            self.run / f"strongswan-{machine}",
            log_keys=log_keys,
            retransmission=retransmission,
            options=options,
        )

    def capture(self, name: str) -> Capture:
        """Return a capture of all that crosses the core, to run as a context manager."""
        return Capture(self[CORE], CORE_BRIDGE, self.run / f"{name}.pcap")

    def _namespaces(self) -> list[Namespace]:
        return [Namespace(name) for name in names_starting_with(namespace_prefix(self.id))]

    @staticmethod
    def _end_processes(
        namespaces: list[Namespace], number: signal.Signals, patience: float
    ) -> bool:
        def alive() -> list[int]:
            return [pid for namespace in namespaces for pid in namespace.pids()]

        for pid in alive():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        try:
            wait_for(lambda: not alive(), "processes ended", timeout=patience, interval=0.05)
        except LabError:
            return False
        return True


def standing_labs(run_root: Path = RUN_ROOT) -> list[str]:
    """Return the ids of all labs of which anything is there, sorted."""
    found = {lab_id_of(name) for name in names_starting_with("p4l-")}
    if run_root.is_dir():
        found |= {entry.name for entry in run_root.iterdir()}
    return sorted(lab_id for lab_id in found if lab_id is not None)
