"""Files that the controller writes: key logs, the state, and the configuration itself."""

import os
from pathlib import Path

import pytest

from controller.file_access import replace_file
from controller.service.keylog import KeyLog


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "there", b"content")
    assert names(tmp_path) == ["there"]


def test_another_file_s_mode_is_taken_over(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(0o640)
    replace_file(path, b"after", like=path.stat())
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"after", 0o640)
    replace_file(path, b"ours")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"ours", 0o600)
    assert names(tmp_path) == ["file"]


def test_a_key_log_is_ours_alone_and_goes_on(tmp_path):
    path = tmp_path / "keys"
    for line in ("one", "two"):
        with KeyLog(path) as log:
            assert log.write is not None
            log.write(line)
    assert path.read_text() == "one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_log_that_others_can_read_or_that_is_a_link_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.touch(mode=0o644)
    with pytest.raises(PermissionError, match="must be ours, with mode 0600"):
        KeyLog(path)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        KeyLog(tmp_path / "link")
    with KeyLog(None) as log:
        assert log.write is None
