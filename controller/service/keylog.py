"""Key logs for Wireshark, in files that nobody else can read. A debugging aid, off by default."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from controller.file_access import open_ours


class KeyLog:
    """Appends lines to a file of mode 0600; made if it is not there.

    Raises:
        OSError: the file can't be opened, belongs to somebody else, or others can read it.
    """

    def __init__(self, path: Path | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._descriptor = None if path is None else open_ours(path, flags)

    @property
    def write(self) -> Callable[[str], None] | None:
        """What takes a line, without its end; None where nothing is to be logged."""
        return self._write if self._descriptor is not None else None

    def _write(self, line: str) -> None:
        assert self._descriptor is not None
        os.write(self._descriptor, line.encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
