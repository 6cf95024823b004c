import finsy as fy
import pytest

from controller.p4runtime import codec


@pytest.fixture(scope="session")
def schema() -> fy.P4Schema:
    return codec.load_schema()
