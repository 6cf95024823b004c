"""``p4ipsec``, the command: what runs here, and a client of the running controller."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command with the arguments of the process."""
    # gRPC's core writes notes of its own to standard error; what matters comes as errors.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from controller.cli.app import app

    app()
