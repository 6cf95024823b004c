"""The prompt of `make lab`: commands named after the machines, and a guide to them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.interop.lab.lab import Lab
from tests.interop.lab.router import Router
from tests.interop.lab.scenario import CHILD, CONNECTION
from tests.interop.lab.topology import CORE, CORE_BRIDGE, MACHINES, SITE_B, SITE_C

_ROOT = Path(__file__).parents[3]


def guide(lab: Lab) -> str:
    """Return what a newcomer to the prompt has to know."""
    host_b, host_c = SITE_B.host_address, SITE_C.host_address
    return f"""
Lab {lab.id!r} stands.

  host-a ---- router ----+           +---- gateway ---- host-b
  10.1.0.2    P4 switch  |   core    |     strongSwan   10.2.0.2
              passive    +-----------+
              mode           192.0.2.0/24
                                     +---- legacy ----- host-c
                                           no IPsec     10.3.0.2

Each machine is a command that runs another one in it; alone it opens a shell there.

  host-a ping {host_b}                  ESP to the strongSwan gateway
  host-a ping {host_c}                  dropped for 10 s, then in the clear
  p4ipsec show crypto optional          who is still sent to in the clear
  p4ipsec show crypto ipsec sa          our SAs, with their counters
  swanctl --list-sas                    the gateway's side of them
  swanctl --terminate --ike {CONNECTION}      delete them from the gateway's side
  swanctl --initiate --child {CHILD}      and let the gateway bring them up
  core tcpdump -ni {CORE_BRIDGE}                  what an eavesdropper on the core sees
  host-b iperf3 -s -D                   then: host-a iperf3 -c {host_b}
  lab upgrade                           legacy gets strongSwan; the next retry finds it
  lab downgrade                         and loses it again, without a word to its peer
  lab status                            what runs, and where its log is

Files and logs: {lab.run}. Leave with exit; the lab stands until `make lab-clean`.
"""


def write_commands(lab: Lab, router: Router) -> Path:
    """Write the prompt's commands into a folder of the lab, and return it."""
    folder = lab.run / "bin"
    folder.mkdir(exist_ok=True)
    for machine in MACHINES:
        inside = shlex.join(lab[machine].command())
        _script(folder / machine, f'[ $# -gt 0 ] || set -- bash\nexec {inside} "$@"')
    gateway = lab.strongswan(SITE_B.router)
    variables = shlex.join(f"{name}={value}" for name, value in gateway.environment.items())
    _script(folder / "swanctl", f'exec env {variables} /usr/sbin/swanctl "$@"')
    _script(folder / "p4ipsec", f'exec {shlex.join(router.cli_command())} "$@"')
    module = [sys.executable, "-m", "tests.interop.lab"]
    _script(
        folder / "lab",
        f"cd {shlex.quote(str(_ROOT))}\n"
        f'command=$1; shift; exec {shlex.join(module)} "$command" --id {lab.id} "$@"',
    )
    return folder


def open_shell(lab: Lab, router: Router) -> None:
    """Open a shell with the lab's commands on its PATH, and return when it is left."""
    folder = write_commands(lab, router)
    startup = lab.run / "bashrc"
    startup.write_text(
        "[ -f ~/.bashrc ] && . ~/.bashrc\n"
        f"PATH={shlex.quote(str(folder))}:$PATH\n"
        f"PS1='({lab.id}) \\W\\$ '\n"
    )
    variables = {
        "P4L_ID": lab.id,
        "P4L_RUN": str(lab.run),
        "P4L_CORE": lab[CORE].name,
        "P4L_BRIDGE": CORE_BRIDGE,
    }
    subprocess.run(
        ["bash", "--rcfile", str(startup), "-i"], env={**os.environ, **variables}, check=False
    )


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
