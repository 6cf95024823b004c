"""A real bmv2 without interfaces."""

from __future__ import annotations

import subprocess
import tempfile

from bmv2.simple_switch import Installation
from bmv2.simple_switch.command import command_line, free_tcp_port
from bmv2.switch_options import SwitchOptions
from tests.conformance.client import DEVICE_ID, P4RuntimeSwitch
from tests.conformance.dataplane import DataPlane


class Bmv2Process:
    """`simple_switch_grpc` while it runs.

    Attributes:
        address: Where it serves P4Runtime.
        frames: Where it serves its gRPC data plane.
    """

    def __init__(self, installation: Installation) -> None:
        self.address = f"127.0.0.1:{free_tcp_port()}"
        self.frames = f"127.0.0.1:{free_tcp_port()}"
        thrift_port = free_tcp_port() if installation.has_thrift else None
        options = SwitchOptions(grpc_addresses=(self.address,), device_id=DEVICE_ID)
        command = command_line(installation, options, self.address, thrift_port)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open while the switch runs
        self._process = subprocess.Popen(
            [*command, "--dp-grpc-server-addr", self.frames],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


class Bmv2Switch(P4RuntimeSwitch):
    """A bmv2 of its own, with its stream and its data plane."""

    def __init__(self, installation: Installation) -> None:
        self._bmv2 = Bmv2Process(installation)
        super().__init__(self._bmv2.address, DataPlane(self._bmv2.frames, DEVICE_ID))

    def close(self) -> None:
        super().close()
        self._bmv2.close()
