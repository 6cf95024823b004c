"""Waiting for the outside world: poll until it is so, or say what never came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.interop.lab.errors import WaitTimeoutError

T = TypeVar("T")


def wait_for(
    probe: Callable[[], T], what: str, *, timeout: float = 10.0, interval: float = 0.02
) -> T:
    """Call `probe` until it returns something true, and return that.

    Args:
        probe: looks at the world; false means "not yet".
        what: what is waited for, for the error's message.
        timeout: seconds until it is given up.
        interval: seconds between two looks.

    Raises:
        WaitTimeoutError: `timeout` seconds went by.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)
