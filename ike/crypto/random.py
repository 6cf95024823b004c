"""Where randomness comes from: whoever makes the engine gives it."""

from __future__ import annotations

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Gives that many cryptographically secure random bytes; deterministic in tests."""
