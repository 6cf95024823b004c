"""How to take back one update, for the batches that are all-or-nothing (§12.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class Undo:
    """What takes an update back. Run in reverse order, undos restore what was there."""

    __slots__ = ("_restore",)
    NOTHING: ClassVar[Undo]

    def __init__(self, restore: Callable[[], None]) -> None:
        self._restore = restore

    def run(self) -> None:
        """Take the update back; it cannot fail while nothing else has changed since."""
        self._restore()

    def after(self, earlier: Undo) -> Undo:
        """The undo of two updates, of which this one was done last."""

        def both() -> None:
            self.run()
            earlier.run()

        return Undo(both)


Undo.NOTHING = Undo(lambda: None)
