"""``/usr/bin/python3 -m bmv2.topology``: start the network, then a prompt or a check."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

try:
    from mininet.clean import cleanup
    from mininet.log import info, setLogLevel
except ModuleNotFoundError:
    sys.exit("error: Mininet is missing: apt-get install mininet, and use /usr/bin/python3")

from bmv2.topology.migration import make_network, prepare
from bmv2.topology.nodes import RouterError
from bmv2.topology.prompt import GUIDE, Prompt
from bmv2.topology.walkthrough import Step, Walkthrough


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bmv2.topology", description="A network to migrate to IPsec, in Mininet."
    )
    parser.add_argument(
        "--target",
        choices=["auto", "embedded", "bmv2"],
        default=os.environ.get("TARGET") or "auto",
        help="the switch of the P4 routers; auto: bmv2 where it is installed (default: auto)",
    )
    parser.add_argument("--test", action="store_true", help="walk through a migration, and end")
    parser.add_argument("--json", action="store_true", help="with --test: one JSON line a step")
    parser.add_argument("--clean", action="store_true", help="remove what a killed run has left")
    return parser.parse_args()


def _check_machine(target: str) -> None:
    if os.geteuid() != 0:
        sys.exit("error: Mininet needs root: sudo make mininet")
    for tool, package in (("ethtool", "ethtool"), ("tcpdump", "tcpdump"), ("ping", "iputils-ping")):
        if shutil.which(tool) is None:
            sys.exit(f"error: {tool} is missing: apt-get install {package}")
    if target == "bmv2" and shutil.which("simple_switch_grpc") is None:
        sys.exit("error: simple_switch_grpc is missing; --target embedded needs nothing installed")


def main() -> int:
    """Run, and return the exit code: 1 if a step of the check failed or a router did not start."""
    arguments = _arguments()
    if arguments.clean:
        cleanup()
        return 0
    target = arguments.target
    if target == "auto":
        target = "bmv2" if shutil.which("simple_switch_grpc") else "embedded"
    _check_machine(target)
    setLogLevel("warning" if arguments.test else "info")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the network is taken down
    directory = Path(tempfile.mkdtemp(prefix="p4ipsec-mininet-"))
    net = make_network(directory, target)
    failed = True
    try:
        prepare(net)
        net.start()
        if arguments.test:
            report = _print_json if arguments.json else _print_text
            failed = not Walkthrough(net, report).run()
        else:
            info(f"{GUIDE}\nSwitch: {target}. Files and logs: {directory}\n\n")
            Prompt(net)
            failed = False
    except RouterError as problem:
        print(f"error: {problem}", file=sys.stderr)
    finally:
        net.stop()
        if failed:
            print(f"logs: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return int(failed)


def _print_text(step: Step) -> None:
    print(f"{'ok  ' if step.passed else 'FAIL'}  {step.what}: {step.detail}", flush=True)


def _print_json(step: Step) -> None:
    print(json.dumps(asdict(step)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
