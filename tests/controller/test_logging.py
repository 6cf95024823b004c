"""The log: one line an event, and nothing in it that doesn't belong there."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from controller.logging import LogFormat, LogLevel, configure_logging
from ike.printable import printable
from ike.types import Secret


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(log_format: LogFormat, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(log_format, level, stream)
    return stream


@pytest.mark.parametrize("log_format", LogFormat)
def test_secrets_and_bytes_are_never_written(log_format: LogFormat) -> None:
    stream = logged(log_format)
    key = b"sixteen byte key"
    structlog.get_logger("x").info("event", key=Secret(key), raw=key, nested={"a": [Secret(key)]})
    text = stream.getvalue()
    assert "<16 bytes>" in text
    for form in (key.decode(), key.hex(), repr(key)):
        assert form not in text


def test_traceback_shows_no_local_variables() -> None:
    for log_format in LogFormat:
        stream = logged(log_format)
        try:
            preshared = "hunter2-in-a-local"
            raise ValueError("bad")
        except ValueError:
            structlog.get_logger("x").exception("failed")
        assert preshared not in stream.getvalue()
        assert "ValueError" in stream.getvalue()


def test_json_is_one_object_a_line() -> None:
    stream = logged(LogFormat.JSON)
    structlog.get_logger("x").warning("first\nsecond", packet_type="m 10")
    logging.getLogger("library").warning("from %s", "elsewhere")
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first["event"] == "first\\nsecond"
    assert (first["level"], first["packet_type"]) == ("warning", "m 10")
    assert second["event"] == "from elsewhere"
    assert "timestamp" in first


def test_text_escapes_what_could_forge_a_line() -> None:
    stream = logged(LogFormat.TEXT)
    structlog.get_logger("x").info("a\nb\x1b[31m")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_level_and_noisy_libraries() -> None:
    stream = logged(LogFormat.TEXT, LogLevel.DEBUG)
    logging.getLogger("finsy").info("a table entry with its key")
    structlog.get_logger("x").debug("ours")
    assert "table entry" not in stream.getvalue()
    assert "ours" in stream.getvalue()
    stream = logged(LogFormat.TEXT, LogLevel.WARNING)
    structlog.get_logger("x").info("too low")
    assert stream.getvalue() == ""


@given(st.text())
def test_printable_text_is_printable_and_printable_text_stays(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text
