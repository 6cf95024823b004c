"""A trivial router program, to measure the project's by: Ethernet, IPv4, one table of routes.

``python -m benchmarks.plain_forwarding`` compiles it anew (`make p4` does too).
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
SOURCE_PATH = _FOLDER / "plain_forwarding.p4"
JSON_PATH = _FOLDER / "plain_forwarding.json"
P4INFO_PATH = _FOLDER / "plain_forwarding.p4info.txtpb"
MANIFEST_PATH = _FOLDER / "manifest.json"
