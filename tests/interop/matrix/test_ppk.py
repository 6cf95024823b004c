"""Postquantum preshared keys (RFC 8784): both have one, one can do without, none falls back."""

from __future__ import annotations

import pytest

from ike.config import Ppk
from ike.events import (
    AttemptFailed,
    ChildSaEstablished,
    FailureReason,
    IkeSaEstablished,
    PeerRefused,
)
from ike.types import Secret
from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import CHILD
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Options
from tests.interop.matrix.cells import By, both_ways, cell
from tests.interop.matrix.pair import PEER, our_peer, paired, their_connection

pytestmark = pytest.mark.interop

AREA = "PPK (RFC 8784)"
NAME, KEY = "dG9wIHNlY3JldA", bytes(range(32))
OPTIONAL = Ppk(NAME.encode(), Secret(KEY))
REQUIRED = Ppk(NAME.encode(), Secret(KEY), required=True)
THEIRS_REQUIRED: Options = (("ppk_required", "yes"),)


@both_ways(AREA, "required at both ends")
def test_required(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    theirs = their_connection(ppk=(NAME, KEY), options=THEIRS_REQUIRED)
    with paired(matrix_lab, strongswan, our_peer(ppk=REQUIRED), theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@both_ways(AREA, "optional at both ends")
def test_optional(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    theirs = their_connection(ppk=(NAME, KEY))
    with paired(matrix_lab, strongswan, our_peer(ppk=OPTIONAL), theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@both_ways(AREA, "optional here, none there")
def test_only_ours(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    with paired(matrix_lab, strongswan, our_peer(ppk=OPTIONAL), their_connection()) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@both_ways(AREA, "none here, optional there")
def test_only_theirs(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    theirs = their_connection(ppk=(NAME, KEY))
    with paired(matrix_lab, strongswan, our_peer(), theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@cell(AREA, "another name, optional", By.STRONGSWAN)
def test_another_name(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    """The initiator's NO_PPK_AUTH is what we take; strongSwan never does if it has one itself."""
    theirs = their_connection(ppk=("another", KEY))
    with paired(matrix_lab, strongswan, our_peer(ppk=OPTIONAL), theirs) as pair:
        pair.establish(By.STRONGSWAN)
        pair.ping_both_ways()


@both_ways(AREA, "another key is refused")
def test_another_key(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    theirs = their_connection(ppk=(NAME, bytes(32)))
    with paired(matrix_lab, strongswan, our_peer(ppk=OPTIONAL), theirs) as pair:
        if by is By.ENGINE:
            pair.engine.initiate(CHILD)
            failed = pair.engine.wait_for(AttemptFailed)
            assert failed.reason is FailureReason.AUTHENTICATION_FAILED
        else:
            with pytest.raises(LabError):
                strongswan.initiate(CHILD)
            assert pair.engine.wait_for(PeerRefused).reason is FailureReason.AUTHENTICATION_FAILED


@cell(AREA, "required here, none there: refused", By.STRONGSWAN)
def test_required_here(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    with paired(matrix_lab, strongswan, our_peer(ppk=REQUIRED), their_connection()) as pair:
        with pytest.raises(LabError):
            strongswan.initiate(CHILD)
        assert "is required" in pair.engine.wait_for(PeerRefused).detail


@cell(AREA, "required there, none here: refused", By.ENGINE)
def test_required_there(matrix_lab: Lab, strongswan: StrongSwan) -> None:
    theirs = their_connection(ppk=(NAME, KEY), options=THEIRS_REQUIRED)
    with paired(matrix_lab, strongswan, our_peer(), theirs) as pair:
        pair.engine.initiate(CHILD)
        failed = pair.engine.wait_for(AttemptFailed)
        assert failed.reason is FailureReason.AUTHENTICATION_FAILED


@both_ways(AREA, "rekeyed IKE SA")
def test_rekey(matrix_lab: Lab, strongswan: StrongSwan, by: By) -> None:
    """The keys of the new IKE SA come from SK_d, with the PPK in it (RFC 7296 §2.18)."""
    theirs = their_connection(ppk=(NAME, KEY), options=THEIRS_REQUIRED)
    with paired(matrix_lab, strongswan, our_peer(ppk=REQUIRED), theirs) as pair:
        pair.establish(by)
        pair.engine.rekey_ike(PEER)
        pair.engine.wait_for(IkeSaEstablished, count=2)
        pair.engine.rekey_child(CHILD)
        pair.engine.wait_for(ChildSaEstablished, count=2)
        pair.ping_both_ways()
