import finsy as fy
import pytest
from hypothesis import settings

from controller.p4runtime import codec

# A loaded machine is slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def schema() -> fy.P4Schema:
    return codec.load_schema()
