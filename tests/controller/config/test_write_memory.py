"""PM-10, ``write memory``: the two settings change in the file, and nothing else does."""

from __future__ import annotations

import difflib
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.document import parse_document
from controller.config.loader import load_config
from controller.config.write_memory import WriteMemoryError, with_passive_mode, write_memory

EXAMPLE = Path(__file__).parents[3] / "examples" / "seed.yaml"

WRITTEN = {
    "in place": (
        "a: 1\ncrypto_ipsec_optional:\n  enabled: true   # for now\n  retry: 60\nb: 2  # c\n",
        "a: 1\ncrypto_ipsec_optional:\n  enabled: false   # for now\n  retry: 300\nb: 2  # c\n",
    ),
    "one is missing": (
        "crypto_ipsec_optional:\n    # why\n    enabled: yes\nb: 2\n",
        "crypto_ipsec_optional:\n    # why\n    retry: 300\n    enabled: false\nb: 2\n",
    ),
    "flow style": (
        "crypto_ipsec_optional: {enabled: true, retry: 60}  # x\n",
        "crypto_ipsec_optional: {enabled: false, retry: 300}  # x\n",
    ),
    "flow style, one is missing": (
        "crypto_ipsec_optional: { enabled: 'on' }\n",
        "crypto_ipsec_optional: { retry: 300, enabled: false }\n",
    ),
    "flow style, empty": (
        "crypto_ipsec_optional: {}\nb: 2\n",
        "crypto_ipsec_optional: {enabled: false, retry: 300}\nb: 2\n",
    ),
    "no value": (
        "crypto_ipsec_optional:\nb: 2\n",
        "crypto_ipsec_optional: {enabled: false, retry: 300}\nb: 2\n",
    ),
    "no section": (
        "a: 1\nb:\n  - 2  # two\n",
        "a: 1\nb:\n  - 2  # two\n\ncrypto_ipsec_optional:\n  enabled: false\n  retry: 300\n",
    ),
    "no section, no line end": (
        "a: 1",
        "a: 1\n\ncrypto_ipsec_optional:\n  enabled: false\n  retry: 300\n",
    ),
    "no section, end mark": (
        "---\na: 1\n...\n",
        "---\na: 1\n\ncrypto_ipsec_optional:\n  enabled: false\n  retry: 300\n...\n",
    ),
    "setting without value": (
        "crypto_ipsec_optional:\n  enabled:\n  retry: 60\n",
        "crypto_ipsec_optional:\n  enabled: false\n  retry: 300\n",
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_pm10_each_way_of_writing_it(name: str) -> None:
    before, after = WRITTEN[name]
    assert with_passive_mode(before, enabled=False, retry=300) == after


@pytest.mark.parametrize(
    "text",
    [
        "x: &x {enabled: true}\ncrypto_ipsec_optional: *x\n",
        "x: &x true\ncrypto_ipsec_optional:\n  enabled: *x\n  retry: 60\n",
        "crypto_ipsec_optional:\n  enabled: &y true\nz: *y\n",
        "{a: 1}\n",
        "- a\n",
        "a: [\n",
        "",
    ],
)
def test_pm10_what_cannot_be_changed_in_place_is_left_alone(text: str) -> None:
    with pytest.raises(WriteMemoryError):
        with_passive_mode(text, enabled=False, retry=300)


@pytest.mark.slow
@settings(deadline=None)
@given(st.booleans(), st.integers(1, 86_400), st.booleans(), st.integers(1, 86_400))
def test_pm10_saving_again_and_again_gives_the_last_settings(
    enabled: bool, retry: int, then_enabled: bool, then_retry: int
) -> None:
    text = EXAMPLE.read_text()
    once = with_passive_mode(text, enabled=enabled, retry=retry)
    twice = with_passive_mode(once, enabled=then_enabled, retry=then_retry)
    assert twice == with_passive_mode(text, enabled=then_enabled, retry=then_retry)
    data = parse_document(twice, "f").data
    assert isinstance(data, dict)
    assert data["crypto_ipsec_optional"] == {
        "enabled": "true" if then_enabled else "false",
        "retry": str(then_retry),
    }


def test_pm10_file_keeps_its_comments_mode_and_link(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_bytes(EXAMPLE.read_bytes())
    real.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    write_memory(link, enabled=False, retry=60)
    config = load_config(real)
    assert config.crypto_ipsec_optional.enabled is False
    assert config.crypto_ipsec_optional.retry == 60
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert link.is_symlink()
    changes = [
        line
        for line in difflib.unified_diff(
            EXAMPLE.read_text().splitlines(), real.read_text().splitlines(), n=0, lineterm=""
        )
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]
    assert changes == ["-  enabled: true", "+  retry: 60", "+  enabled: false"]
    assert list(tmp_path.iterdir()) in ([real, link], [link, real])


def test_pm10_file_that_is_gone_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(WriteMemoryError, match=r"none\.yaml can't be written: No such file"):
        write_memory(tmp_path / "none.yaml", enabled=True, retry=60)
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"\xff")
    with pytest.raises(WriteMemoryError, match="no longer UTF-8"):
        write_memory(broken, enabled=True, retry=60)
    assert broken.read_bytes() == b"\xff"
