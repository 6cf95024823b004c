"""A line of ``monitor``."""

from __future__ import annotations

from datetime import datetime

from controller.status import LogMessage


def render(message: LogMessage) -> str:
    """Write a message with its local time, such as ``12:00:00.250 WARNING: ...``."""
    at = datetime.fromtimestamp(message.time).astimezone()
    stamp = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
    about = f"{message.packet_type}: " if message.packet_type else ""
    return f"{stamp} {message.severity.upper()}: {about}{message.text}"
