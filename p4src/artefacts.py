"""Where the compiled P4 program lies, and whether it was made from the sources beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

SOURCE_DIR = Path(__file__).parent
BUILD_DIR = SOURCE_DIR / "build"
MAIN_SOURCE = SOURCE_DIR / "p4ipsec.p4"
JSON_PATH = BUILD_DIR / "p4ipsec.json"
P4INFO_PATH = BUILD_DIR / "p4ipsec.p4info.txtpb"
MANIFEST_PATH = BUILD_DIR / "manifest.json"


def sources_hash() -> str:
    """Return the SHA-256, in hex, over the names and contents of all ``.p4`` files."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE_DIR.glob("*.p4")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
