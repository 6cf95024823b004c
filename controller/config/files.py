"""Files that the configuration names: where they are, and reading those with keys in them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from controller.config.scalars import shown, text

MAX_KEY_FILE = 4096  # bytes
MAX_PRIVATE_FILE = 64 * 1024  # bytes
MAX_PUBLIC_FILE = 8 * 1024 * 1024  # bytes; CRLs grow


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What the validators have to know beyond the value: where relative paths begin."""

    directory: Path


def is_world_readable(mode: int) -> bool:
    """Tell whether every user of the machine may read a file of this mode."""
    return bool(mode & stat.S_IROTH)


def resolve(value: object, info: ValidationInfo) -> Path:
    """Read a path; a relative one begins at the directory of the configuration file."""
    word = str(value) if isinstance(value, Path) else text(value)
    if not word or "\0" in word:
        raise ValueError("expected a path")
    directory = info.context.directory if isinstance(info.context, LoadContext) else Path()
    return directory / word


def _existing(value: object, info: ValidationInfo) -> Path:
    path = resolve(value, info)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise _unreadable(path, error) from None


def _private(value: object, info: ValidationInfo) -> Path:
    path = _existing(value, info)
    _refuse_exposed(path, path.stat().st_mode)
    return path


def _unreadable(path: Path, error: OSError) -> ValueError:
    return ValueError(f"{shown(str(path))} can't be read: {error.strerror}")


def _refuse_exposed(path: Path, mode: int) -> None:
    if is_world_readable(mode):
        raise ValueError(
            f"{shown(str(path))} can be read by every user (mode {stat.S_IMODE(mode):04o}); "
            "chmod 600 it"
        )


def _read(path: Path, limit: int, *, private: bool) -> bytes:
    name = shown(str(path))
    try:
        # Not blocking, so that a FIFO does not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError(f"{name} is not a regular file")
        if private:
            _refuse_exposed(path, mode)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name} is larger than {limit:,} bytes")
    if not content.strip():
        raise ValueError(f"{name} is empty")
    return content


def read_key_file(path: Path) -> bytes:
    """Read a file that holds a key.

    Returns:
        Its bytes, without the line end at the end.

    Raises:
        ValueError: it can't be read, is no regular file, is empty, is larger than 4,096 bytes,
            or every user of the machine may read it.
    """
    content = _read(path, MAX_KEY_FILE, private=True)
    return content.removesuffix(b"\n").removesuffix(b"\r")


def read_private_file(path: Path) -> bytes:
    """Read a private key's file as it is.

    Raises:
        ValueError: as for `read_key_file`, but for 64 KiB.
    """
    return _read(path, MAX_PRIVATE_FILE, private=True)


def read_public_file(path: Path) -> bytes:
    """Read a file of certificates, a CRL or an OCSP response as it is.

    Raises:
        ValueError: it can't be read, is no regular file, is empty, or is larger than 8 MiB.
    """
    return _read(path, MAX_PUBLIC_FILE, private=False)


OutputPath = Annotated[Path, BeforeValidator(resolve)]
InputPath = Annotated[Path, BeforeValidator(_existing)]
PrivatePath = Annotated[Path, BeforeValidator(_private)]
