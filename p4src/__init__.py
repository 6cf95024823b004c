"""The P4 program and what p4c makes of it."""

from p4src.artefacts import JSON_PATH, P4INFO_PATH, sources_hash

__all__ = ["JSON_PATH", "P4INFO_PATH", "sources_hash"]
