"""The IKE SAs in a file, sealed with a key in the file beside it. Both are ours alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ike.config import Prf
from ike.crypto.prf import compute
from ike.state.seal import KEY_LENGTH, MAX_LENGTH
from ike.types import Secret


class StateFile:
    """See the module. The key is made where there is none.

    Args:
        path: of the state; the key has the same path and ".key".

    Raises:
        OSError: the key can't be read or made, belongs to somebody else, or others can read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        key_path = path.with_name(path.name + ".key")
        try:
            key = _read(key_path, KEY_LENGTH + 1)
        except FileNotFoundError:
            key = os.urandom(KEY_LENGTH)
            _write(key_path, key)
        if len(key) != KEY_LENGTH:
            raise OSError(f"{key_path}: a key has {KEY_LENGTH} bytes, not {len(key)}")
        self.key = Secret(key)

    @classmethod
    def of(cls, path: Path | None) -> StateFile | None:
        """Open the one that is configured; None where none is.

        Raises:
            OSError: as for the constructor.
        """
        return None if path is None else cls(path)

    @property
    def qcd_secret(self) -> Secret:
        """What tokens of quick crash detection are made with: it outlives us as the key does."""
        return Secret(compute(Prf.HMAC_SHA2_256, self.key.reveal(), b"quick crash detection"))

    def load(self) -> bytes | None:
        """Read the state; None if there is none.

        Raises:
            OSError: it can't be read, belongs to somebody else, or others can read it.
        """
        try:
            return _read(self.path, MAX_LENGTH + 1)
        except FileNotFoundError:
            return None

    def save(self, blob: bytes) -> None:
        """Write the state: after a crash, the file has either the old one or this one.

        Raises:
            OSError: it can't be written.
        """
        _write(self.path, blob)

    def remove(self) -> None:
        """Forget the state."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep a state that can't be used for somebody to look at, out of the way."""
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_name(self.path.name + ".bad"))


def _read(path: Path, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            raise PermissionError(f"{path} must be ours, with mode 0600")
        return file.read(limit)


def _write(path: Path, data: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
