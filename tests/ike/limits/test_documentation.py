"""docs/ike-limits.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from limits.bound import bound_of

from ike import fragments
from ike.config import Settings

_PAGE = (Path(__file__).parents[3] / "docs" / "ike-limits.md").read_text()
_SETTING = re.compile(r"^\|[^|]*\| (twice )?`(\w+)` \| ([\d.]+) \|", re.MULTILINE)
_MIB = 1024 * 1024


def test_defaults() -> None:
    rows = _SETTING.findall(_PAGE)
    assert len(rows) >= 8
    for twice, name, default in rows:
        value = getattr(Settings(), name)
        assert (2 * value if twice else value) == type(value)(default), name
    assert str(fragments.MAX_HELD) in _PAGE
    assert fragments.MAX_FRAGMENTS == 128


def test_sums() -> None:
    strangers = bound_of(Settings(), 0) / _MIB
    assert f"{strangers:.0f} MiB" in _PAGE
    assert f"{bound_of(Settings(), 1) / _MIB - strangers:.0f} MiB" in _PAGE
