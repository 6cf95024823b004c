"""Programs that stand in for `simple_switch_grpc` where its failures are the point."""

import shutil
import sys
from pathlib import Path

import pytest

from bmv2.simple_switch import SimpleSwitchError, find_installation
from bmv2.simple_switch.installation import contract_hash

HELP = "--load-modules arg\\n--thrift-port arg"
CONTRACT = contract_hash()


@pytest.fixture
def make_program(tmp_path):
    """Make a program that answers --help and --version, and else runs Python code.

    The code has `address`, a (host, port) to listen on.
    """

    def make(code: str = "", help_text: str = HELP, version: str = "1.15.5", name: str = "bmv2"):
        path: Path = tmp_path / name
        path.write_text(
            f"#!{sys.executable}\n"
            "import socket, sys, time\n"
            "if '--help' in sys.argv: sys.exit(print('''" + help_text + "'''))\n"
            f"if '--version' in sys.argv: sys.exit(print('{version}'))\n"
            "where = sys.argv[sys.argv.index('--grpc-server-addr') + 1]\n"
            "address = (where.split(':')[0], int(where.split(':')[1]))\n" + code
        )
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def make_extern(tmp_path):
    def make(contract: str = CONTRACT, bmv2: str = "1.15.5") -> Path:
        path: Path = tmp_path / "extern.so"
        path.write_bytes(
            b"\x7fELF...\0p4ipsec-esp-extern contract=%s bmv2=%s;\0..."
            % (contract.encode(), bmv2.encode())
        )
        return path

    return make


@pytest.fixture
def real_bmv2():
    """The bmv2 of this machine, with the extern for it; skips where there is none."""
    if shutil.which("simple_switch_grpc") is None:
        pytest.skip("bmv2 is not installed: install p4lang-bmv2, or build behavioral-model with PI")
    try:
        return find_installation()
    except SimpleSwitchError as error:
        pytest.skip(str(error))
