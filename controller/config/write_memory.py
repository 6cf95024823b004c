"""``write memory``: the running passive-mode settings, saved into the configuration file.

Only the two values are changed, where they stand; comments, order and everything else stay.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from controller.config.document import parse_document
from controller.config.loader import MAX_FILE_SIZE
from controller.config.problems import ConfigError
from controller.file_access import replace_file

SECTION = "crypto_ipsec_optional"


class WriteMemoryError(Exception):
    """The file can't be changed, and is as it was. The text is one sentence."""


def with_passive_mode(text: str, *, enabled: bool, retry: int) -> str:
    """Return the configuration with these settings of ``crypto_ipsec_optional``.

    Args:
        text: a configuration file.
        enabled: whether passive mode is on.
        retry: seconds.

    Raises:
        WriteMemoryError: it isn't a configuration, or the section is written in a way that can't
            be changed without changing more, such as an alias.
    """
    settings = {"enabled": "true" if enabled else "false", "retry": str(retry)}
    try:
        before = parse_document(text, "configuration").data
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (ConfigError, yaml.YAMLError):
        raise WriteMemoryError("the file is no longer a valid configuration") from None
    if not isinstance(root, yaml.MappingNode) or not isinstance(before, dict):
        raise WriteMemoryError("the file is no longer a valid configuration")
    changed = _apply(text, root, settings)
    try:
        after = parse_document(changed, "configuration").data
    except ConfigError:
        after = None
    section = before.get(SECTION)
    kept = section if isinstance(section, dict) else {}
    if after != {**before, SECTION: {**kept, **settings}}:
        raise WriteMemoryError(
            f"{SECTION} is written in a way that can't be changed in place: edit it by hand"
        )
    return changed


def write_memory(path: Path, *, enabled: bool, retry: int) -> None:
    """Save the settings into a file, all or nothing; its mode and owner stay.

    Raises:
        WriteMemoryError: the file is as it was.
    """
    try:
        target = path.resolve(strict=True)
        with target.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_FILE_SIZE + 1)
        if len(content) > MAX_FILE_SIZE:
            raise WriteMemoryError(f"{path} is larger than {MAX_FILE_SIZE:,} bytes")
        changed = with_passive_mode(content.decode(), enabled=enabled, retry=retry).encode()
        if changed != content:
            replace_file(target, changed, like=status)
    except UnicodeDecodeError:
        raise WriteMemoryError(f"{path} is no longer UTF-8") from None
    except WriteMemoryError as error:
        raise WriteMemoryError(f"{path}: {error}") from None
    except OSError as error:
        raise WriteMemoryError(f"{path} can't be written: {error.strerror}") from None


def _apply(text: str, root: yaml.MappingNode, settings: dict[str, str]) -> str:
    section = next((value for key, value in root.value if key.value == SECTION), None)
    if section is None:
        if root.flow_style:
            raise WriteMemoryError(f"the file has no {SECTION} and is one line: add it by hand")
        # Before a document's end mark, and anything after it, if there is one.
        end = root.end_mark.index
        head, tail = text[:end].rstrip() + "\n", text[end:]
        lines = "".join(f"  {name}: {value}\n" for name, value in settings.items())
        return f"{head}\n{SECTION}:\n{lines}{tail}"
    if isinstance(section, yaml.MappingNode) and section.value:
        return _change(text, section, settings)
    written = ", ".join(f"{name}: {value}" for name, value in settings.items())
    start, end = section.start_mark.index, section.end_mark.index
    return f"{text[:start]}{'' if end > start else ' '}{{{written}}}{text[end:]}"


def _change(text: str, section: yaml.MappingNode, settings: dict[str, str]) -> str:
    edits: list[tuple[int, int, str]] = []
    missing = dict(settings)
    for key, value in section.value:
        if key.value in settings:
            start, end = value.start_mark.index, value.end_mark.index
            written = missing.pop(key.value, settings[key.value])
            edits.append((start, end, written if end > start else f" {written}"))
    first = section.value[0][0].start_mark
    separator = ", " if section.flow_style else "\n" + " " * first.column
    added = "".join(f"{name}: {value}{separator}" for name, value in missing.items())
    edits.append((first.index, first.index, added))
    # From the end on, so that the places before stay right.
    for start, end, written in sorted(edits, reverse=True):
        text = f"{text[:start]}{written}{text[end:]}"
    return text
