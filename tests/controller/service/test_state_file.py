"""The file that keeps the IKE SAs over a restart of the controller."""

import os
from pathlib import Path

import pytest

from controller.service.state_file import StateFile


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_saved_is_loaded_and_ours_alone(tmp_path):
    path = tmp_path / "state"
    file = StateFile(path)
    assert file.load() is None
    for blob in (b"one", b"another"):
        file.save(blob)
        assert file.load() == blob
    assert mode(path) == mode(tmp_path / "state.key") == 0o600
    assert len(file.key) == 32
    assert sorted(os.listdir(tmp_path)) == ["state", "state.key"]
    file.remove()
    file.remove()
    assert file.load() is None


def test_the_key_and_the_secret_stay_the_same(tmp_path):
    one, two = StateFile(tmp_path / "state"), StateFile(tmp_path / "state")
    other = StateFile(tmp_path / "other")
    assert one.key == two.key != other.key
    assert one.qcd_secret == two.qcd_secret != other.qcd_secret
    assert one.qcd_secret != one.key


@pytest.mark.parametrize("name", ["state", "state.key"])
def test_what_others_can_read_is_refused(tmp_path, name):
    StateFile(tmp_path / "state").save(b"blob")
    (tmp_path / name).chmod(0o640)
    with pytest.raises(PermissionError, match="0600"):
        StateFile(tmp_path / "state").load()


def test_a_link_is_not_followed(tmp_path):
    file = StateFile(tmp_path / "state")
    target = tmp_path / "target"
    target.write_bytes(b"x")
    target.chmod(0o600)
    (tmp_path / "state").symlink_to(target)
    with pytest.raises(OSError):
        file.load()
    file.save(b"new")
    assert target.read_bytes() == b"x"
    assert file.load() == b"new"


def test_a_key_of_another_length_is_refused(tmp_path):
    (tmp_path / "state.key").write_bytes(b"short")
    (tmp_path / "state.key").chmod(0o600)
    with pytest.raises(OSError, match="32 bytes"):
        StateFile(tmp_path / "state")


def test_a_state_that_cannot_be_used_is_set_aside(tmp_path):
    file = StateFile(tmp_path / "state")
    file.save(b"bad")
    file.set_aside()
    file.set_aside()
    assert file.load() is None
    assert (tmp_path / "state.bad").read_bytes() == b"bad"
