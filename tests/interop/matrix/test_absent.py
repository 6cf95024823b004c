"""What the table says that strongSwan has not, it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.interop.lab.errors import LabError
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.matrix.absent import ABSENT, Absent
from tests.interop.matrix.pair import their_connection

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(
    "absent",
    [pytest.param(absent, id=absent.cell.what) for absent in ABSENT if absent.refused],
)
def test_strongswan_refuses(strongswan: StrongSwan, absent: Absent) -> None:
    refused = dict(absent.refused)
    connection = their_connection()
    if "proposals" in refused:
        connection = replace(connection, proposals=(refused["proposals"],))
    else:
        connection = replace(connection, local_auth=absent.refused)
    with pytest.raises(LabError, match="invalid value for"):
        strongswan.load(connection)
