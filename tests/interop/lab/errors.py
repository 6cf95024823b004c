"""What goes wrong in the lab, in sentences that say what to do."""

from __future__ import annotations


class LabError(Exception):
    """The lab can't do what was asked; the message says why and what helps."""


class WaitTimeoutError(LabError):
    """Something that was waited for did not come about in time."""
