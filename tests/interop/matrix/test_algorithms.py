"""Every algorithm that both peers have, negotiated and used, whoever begins."""

from __future__ import annotations

import pytest

from tests.interop.lab.lab import Lab
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.matrix.cells import By, table
from tests.interop.matrix.pair import our_peer, paired, their_connection
from tests.interop.matrix.suites import AEADS, GROUPS, NULL, PRFS, UNAUTHENTICATED

pytestmark = pytest.mark.interop


def _negotiate(lab: Lab, strongswan: StrongSwan, ike: str, esp: str, by: By) -> None:
    ours, theirs = our_peer(ike, esp), their_connection(ike, esp)
    with paired(lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@table("IKE encryption and integrity", AEADS + UNAUTHENTICATED)
def test_ike_encryption(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"{value}-prfsha256-x25519", "aes256gcm16", by)


@table("IKE PRF", PRFS)
def test_prf(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"aes256gcm16-{value}-x25519", "aes256gcm16", by)


@table("Key exchange method", GROUPS)
def test_key_exchange(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"aes256gcm16-prfsha256-{value}", "aes256gcm16", by)


@table("ESP", AEADS + UNAUTHENTICATED + NULL)
def test_esp(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    """Echo requests go both ways through every suite."""
    _negotiate(matrix_lab, strongswan, "aes256gcm16-prfsha256-x25519", value, by)
