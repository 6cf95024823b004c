"""``p4ipsec``, the command: what runs here, and a client of the running controller."""

from __future__ import annotations


def main() -> None:
    """Run the command with the arguments of the process."""
    from controller.cli.app import app

    app()
