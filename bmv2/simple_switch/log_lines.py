"""bmv2's output: what is forwarded to our log, and what it means."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)

MAX_BURST = 50
"""Lines that are forwarded at once."""

LINES_PER_SECOND = 5.0
"""Lines that are forwarded in the long run: bmv2 writes one for every malformed packet."""

KEPT_LINES = 20

_LINE = re.compile(r"\[[\d:.]+\] \[bmv2\] \[([A-Z])\] (?:\[thread \d+\] )?(.*)", re.DOTALL)
_LEVELS = {
    "T": logging.DEBUG,
    "D": logging.DEBUG,
    "I": logging.INFO,
    "W": logging.WARNING,
    "E": logging.ERROR,
    "C": logging.CRITICAL,
    "O": logging.INFO,
}
_SKIPPED_MODULE = re.compile(r"WARNING: Skipping module: (?P<path>[^:]*): (?P<why>.*)")
_ADDING = re.compile(r"Adding interface (?P<name>\S+) as port (?P<port>\d+)")
_PORT_FAILED = "Add port operation failed"


class LogLines:
    """What `simple_switch_grpc` prints, line by line.

    Args:
        now: The time in seconds; it only goes forward.

    Attributes:
        last: The last lines.
        module_error: Why the extern was not loaded, in the dynamic loader's words.
        failed_port: The port that could not be opened, as ``NUMBER=INTERFACE``.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        self.module_error: str | None = None
        self.failed_port: str | None = None
        self._now = now
        self._budget = float(MAX_BURST)
        self._at = now()
        self._suppressed = 0
        self._adding: str | None = None

    def take(self, line: str) -> None:
        """Take a line: note what it tells, and log it unless there are too many."""
        self.last.append(line)
        if found := _SKIPPED_MODULE.match(line):
            self.module_error = found["why"]
        elif found := _ADDING.match(line):
            self._adding = f"{found['port']}={found['name']}"
        elif _PORT_FAILED in line and self._adding is not None:
            self.failed_port = self._adding
        if not self._allows():
            self._suppressed += 1
            return
        if self._suppressed:
            _log.warning("bmv2: %d more lines were left out", self._suppressed)
            self._suppressed = 0
        parsed = _LINE.fullmatch(line)
        if parsed is None:
            _log.info("bmv2: %s", line)
        else:
            _log.log(_LEVELS.get(parsed[1], logging.INFO), "bmv2: %s", parsed[2])

    def _allows(self) -> bool:
        now = self._now()
        self._budget = min(MAX_BURST, self._budget + (now - self._at) * LINES_PER_SECOND)
        self._at = now
        if self._budget < 1.0:
            return False
        self._budget -= 1.0
        return True
