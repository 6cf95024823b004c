"""bmv2 and the extern are found, and whatever does not go together is told in one sentence."""

import pytest

from bmv2.simple_switch import SimpleSwitchError, find_installation


def test_finds_what_goes_together(make_program, make_extern):
    program, extern = make_program(), make_extern()
    found = find_installation(program, extern)
    assert (found.program, found.extern) == (program, extern)
    assert (found.version, found.has_thrift) == ("1.15.5", True)


def test_without_thrift(make_program, make_extern):
    program = make_program(help_text="--load-modules arg")
    assert not find_installation(program, make_extern()).has_thrift


def test_an_extern_that_did_not_know_its_bmv2(make_program, make_extern):
    assert find_installation(make_program(), make_extern(bmv2="unknown"))


def refusal(*args) -> str:
    with pytest.raises(SimpleSwitchError) as caught:
        find_installation(*args)
    (sentence,) = str(caught.value).splitlines()
    return sentence


def test_no_bmv2(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    sentence = refusal()
    assert "simple_switch_grpc is not on the PATH" in sentence
    assert "p4lang-bmv2" in sentence
    assert "embedded switch" in sentence
    assert str(tmp_path / "x") in refusal(tmp_path / "x")


def test_bmv2_without_modules(make_program, make_extern):
    assert "without modules" in refusal(make_program(help_text="--help"), make_extern())


def test_bmv2_that_does_not_run(make_program, make_extern, tmp_path):
    program = make_program()
    program.write_text(
        "#!/bin/sh\necho 'libx.so.1: cannot open shared object file' >&2\nexit 127\n"
    )
    assert "libx.so.1" in refusal(program, make_extern())
    program.write_text("#!/nonexistent\n")
    assert "does not run" in refusal(program, make_extern())


def test_no_extern(make_program, tmp_path, monkeypatch):
    monkeypatch.setattr("bmv2.simple_switch.installation.EXTERN_PLACES", (tmp_path / "none",))
    sentence = refusal(make_program())
    assert "is not built" in sentence
    assert "cmake -S bmv2/extern" in sentence
    assert str(tmp_path / "x.so") in refusal(make_program(), tmp_path / "x.so")


def test_finds_the_extern_where_it_is_built(make_program, make_extern, tmp_path, monkeypatch):
    place = tmp_path / "build"
    place.mkdir()
    extern = make_extern().rename(place / "libp4ipsec_esp.so")
    monkeypatch.setattr("bmv2.simple_switch.installation.EXTERN_PLACES", (tmp_path, place))
    assert find_installation(make_program()).extern == extern


def test_something_else_than_the_extern(make_program, tmp_path):
    other = tmp_path / "other.so"
    other.write_bytes(b"\x7fELF")
    assert "is not the ESP extern" in refusal(make_program(), other)


def test_extern_for_another_contract(make_program, make_extern):
    sentence = refusal(make_program(), make_extern(contract="0" * 64))
    assert "other versions of p4src/esp_cipher.p4 and payload_parser.p4" in sentence
    assert "cmake" in sentence


def test_extern_for_another_bmv2(make_program, make_extern):
    sentence = refusal(make_program(), make_extern(bmv2="1.14.0"))
    assert "built for bmv2 1.14.0" in sentence
    assert "is 1.15.5" in sentence
