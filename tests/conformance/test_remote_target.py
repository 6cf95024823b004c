"""``--target grpc://host:port``: a switch that is running, its ports reached by interfaces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:9559"  # in a network namespace of its own

SCRIPT = """
set -e
ip link set lo up
for port in 1 2 3; do
    ip link add switch$port type veth peer name host$port
    for end in switch$port host$port; do
        echo 1 > /proc/sys/net/ipv6/conf/$end/disable_ipv6
        ip link set $end up
    done
done
{python} -m controller.cli switch embedded --grpc-address {address} \
    --port 1=switch1 --port 2=switch2 --port 3=switch3 &
switch=$!
trap 'kill $switch' EXIT
{python} -m pytest -q tests/conformance --target grpc://{address} \
    --port 1=host1 --port 2=host2 --port 3=host3 -k "{tests}"
"""
TESTS = [
    "test_forwards_byte_for_byte",
    "test_arp_goes_to_the_controller",
    "test_packet_out_without_interface_is_routed",
    "test_sequence_numbers_and_ivs_count",
    "test_retry_due_is_reported",
    "UNKNOWN_PORT",
]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="network interfaces need root")
def test_suite_runs_on_interfaces():
    script = SCRIPT.format(python=sys.executable, address=ADDRESS, tests=" or ".join(TESTS))
    command = ["unshare", "--net", "bash", "-c", script]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(TESTS)} passed" in done.stdout
