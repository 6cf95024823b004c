"""The controller's enumerations are those of the P4 program."""

import re
from enum import IntEnum

import pytest

from controller.p4runtime import codec, ordering
from controller.p4runtime.capabilities import ESP_ENCRYPTION, ESP_INTEGRITY
from controller.p4runtime.enums import DropReason, PuntReason, ReportCell
from p4src.artefacts import SOURCE_DIR


def members_of(file: str, name: str) -> dict[str, int]:
    source = (SOURCE_DIR / file).read_text()
    body = re.search(rf"enum bit<8> {name} \{{(.*?)\}}", source, re.DOTALL)
    assert body, f"no enum {name} in {file}"
    without_comments = re.sub(r"//.*", "", body[1])
    return {key: int(value) for key, value in re.findall(r"(\w+)\s*=\s*(\d+)", without_comments)}


@pytest.mark.parametrize(
    ("file", "enum"),
    [("headers.p4", PuntReason), ("metadata.p4", DropReason)],
)
def test_numbers_are_those_of_the_program(file: str, enum: type[IntEnum]) -> None:
    assert {member.name: member.value for member in enum} == members_of(file, enum.__name__)


def test_algorithms_are_those_of_the_program() -> None:
    ciphers = {encryption.name: encryption.value for encryption, _ in ESP_ENCRYPTION}
    assert ciphers == members_of("esp_cipher.p4", "EspEncryption")
    integrity = {"NONE": 0} | {one.name: one.value for one in ESP_INTEGRITY}
    assert integrity == members_of("esp_cipher.p4", "EspIntegrity")


def test_report_cells_are_those_of_the_program() -> None:
    source = (SOURCE_DIR / "report.p4").read_text()
    cells = dict(re.findall(r"#define REPORT_(\w+)\s+(\d+)", source))
    assert {cell.name: str(cell.value) for cell in ReportCell} == cells


def test_every_table_of_the_program_has_its_place_in_the_order() -> None:
    schema = codec.load_schema()
    assert {table.alias for table in schema.tables} == set(ordering.TABLES)


def test_every_meter_of_the_program_is_known() -> None:
    schema = codec.load_schema()
    assert {meter.alias for meter in schema.meters} == set(codec.METERS)
