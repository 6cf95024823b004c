"""What docs/deployment.md says of the tables is what the program has."""

import re
from pathlib import Path

from controller.p4runtime import codec

PAGE = Path(__file__).parents[2] / "docs" / "deployment.md"


def test_tables_of_the_page_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*?) \|(.*?)\|$", PAGE.read_text(), re.MULTILINE)
    written = {
        name: (int(size), re.findall(r"`(\w+)` (\w+)", match), "yes" in counted)
        for name, size, match, counted in rows
    }
    schema = codec.load_schema()
    assert written == {
        table.alias: (
            table.size,
            [(field.alias, field.match_type.name.lower()) for field in table.match_fields],
            table.direct_counter is not None,
        )
        for table in schema.tables
    }
