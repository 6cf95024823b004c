"""Load a configuration file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pydantic import ValidationError

from controller.config.consistency import check_consistency
from controller.config.document import Document, parse_document
from controller.config.files import LoadContext, is_world_readable
from controller.config.models import Config
from controller.config.problems import ConfigError, Problem
from controller.config.references import check_references
from controller.config.validation import problems_of

MAX_FILE_SIZE = 4 * 1024 * 1024  # bytes


def parse_config(text: str, file: str = "configuration", directory: Path | None = None) -> Config:
    """Read a configuration from text.

    Args:
        text: YAML.
        file: what to call it in problems.
        directory: where relative paths begin; the working directory if None.

    Raises:
        ConfigError: with every error there is.
    """
    document = parse_document(text, file)
    problems = [*document.problems, *check_references(document)]
    try:
        config = Config.model_validate(document.data, context=LoadContext(directory or Path()))
    except ValidationError as error:
        raise ConfigError(problems + problems_of(error, Config, document)) from None
    config._document = document
    problems += check_consistency(config)
    if problems:
        raise ConfigError(problems)
    return config


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file, and the key files that it names.

    Raises:
        ConfigError: with every error there is; also when the file can't be read, is larger than
            4 MiB, or is not UTF-8.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(name, 0, 0, "", f"can't be read: {reason}")]) from None
    if len(content) > MAX_FILE_SIZE:
        message = f"larger than {MAX_FILE_SIZE:,} bytes"
        raise ConfigError([Problem(name, 0, 0, "", message)])
    config = parse_config(_decode(content, name), name, Path(name).parent)
    config._warnings = _exposed_keys(config, stat.S_IMODE(mode))
    return config


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError([Problem(name, line, column, "", "expected UTF-8")]) from None


def _exposed_keys(config: Config, mode: int) -> tuple[Problem, ...]:
    """Warn of keys in a file that every user of the machine may read."""
    if not is_world_readable(mode):
        return ()
    document: Document = config.document
    paths: list[tuple[str | int, ...]] = [
        ("isakmp", "keys", index, "key")
        for index, entry in enumerate(config.isakmp.keys)
        if entry.key is not None
    ]
    paths += [
        ("isakmp", "profiles", name, "ppk", "key")
        for name, profile in config.isakmp.profiles.items()
        if profile.ppk is not None and profile.ppk.key is not None
    ]
    for name, entries in config.crypto_maps.items():
        for sequence, entry in entries.items():
            keys = entry.set_session_key
            for direction in ("inbound", "outbound") if keys else ():
                if getattr(keys, direction).key is not None:
                    where = ("crypto_maps", name, str(sequence), "set_session_key", direction)
                    paths.append((*where, "key"))
    message = f"a key in a file that every user can read (mode {mode:04o}); chmod 600 it"
    return tuple(document.problem(path, message) for path in paths)
