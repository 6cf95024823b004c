"""What `make lab` and `make lab-clean` run: the prompt, its commands, and no trace afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.lab.lab import Lab, standing_labs

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab_id() -> Iterator[str]:
    lab_id = f"t{os.getpid()}p"
    yield lab_id
    Lab(lab_id).down()


def command(*arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.interop.lab", *arguments],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prompt_and_its_commands(lab_id: str) -> None:
    told = command(
        "shell",
        "--id",
        lab_id,
        typed="""
host-a ping -q -c 10 -i 0.2 10.2.0.2
swanctl --list-sas
p4ipsec show crypto optional
host-a ping -q -c 2 -i 0.2 -W 1 10.3.0.2
lab upgrade
lab downgrade
exit
""",
    )
    assert "host-a ping 10.2.0.2" in told  # the guide
    assert "10 packets transmitted, " in told
    assert "10 packets transmitted, 0 received" not in told
    assert "INSTALLED, TUNNEL-in-UDP" in told
    assert "Passive mode enabled. IPSec is currently insecure." in told
    assert "2 packets transmitted, 0 received" in told  # the first 10 s: held
    assert "legacy runs strongSwan now" in told
    assert "still stands" in told

    assert lab_id in standing_labs()
    assert "controller               runs" in command("status", "--id", lab_id)
    assert command("shell", "--id", lab_id, typed="p4ipsec version\n").count("p4ipsec ") > 1
    command("down", "--id", lab_id)
    assert lab_id not in standing_labs()
    assert not Lab(lab_id).is_up
