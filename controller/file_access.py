"""Files that the controller writes: who may read them, and what a crash leaves of them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def open_ours(path: Path, flags: int) -> int:
    """Open a file that nobody else can read, and return its descriptor; links are not followed.

    Args:
        path: the file; where the flags make it, it gets mode 0600.
        flags: of open(2).

    Raises:
        OSError: it can't be opened, belongs to somebody else, or others can read it.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    status = os.fstat(descriptor)
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        os.close(descriptor)
        raise PermissionError(f"{path} must be ours, with mode 0600")
    return descriptor


def replace_file(path: Path, content: bytes, like: os.stat_result | None = None) -> None:
    """Write a file anew: after a crash it has either the old content or this one.

    Args:
        path: the file; a link is replaced, not followed.
        content: all of it.
        like: whose mode and owner it gets; None: ours, with mode 0600.

    Raises:
        OSError: it can't be written, and is as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            if like is not None:
                os.fchmod(descriptor, like.st_mode & 0o7777)
                if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, like.st_uid, like.st_gid)
            file.flush()
            os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Have a rename in a folder outlive a crash."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
