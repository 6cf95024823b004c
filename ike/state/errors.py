"""Why an exported state can't be imported."""

from __future__ import annotations


class StateError(Exception):
    """The exported state can't be used; nothing of it has been. `str` is for an operator."""


class UnknownVersionError(StateError):
    """It has a format that this version does not know."""

    def __init__(self, version: bytes, known: bytes) -> None:
        super().__init__(
            f"the state has the format {version.hex()}, this version reads {known.hex()} alone"
        )


class UnsealError(StateError):
    """It was sealed with another key, or has been changed."""

    def __init__(self) -> None:
        super().__init__("the state was sealed with another key, or has been changed")
