"""Negotiations that have to fail, and the reason that the engine gives for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network

import pytest

from ike.config import PeerConfig, TrustedCertificate
from ike.events import AttemptFailed, ChildSaEstablished, FailureReason, PeerRefused
from ike.pki import RevocationPolicy, TrustStore
from ike.types import Identity
from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import CHILD
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Connection
from tests.interop.matrix.cells import By, cell
from tests.interop.matrix.certificates import pki
from tests.interop.matrix.pair import (
    ESP,
    IKE,
    QUICK,
    our_child,
    our_peer,
    paired,
    selector,
    their_connection,
)

pytestmark = pytest.mark.interop


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pair of configurations that do not fit, and what the engine calls it.

    `as_initiator`: where strongSwan is the one that sees it, and does not tell it all.
    """

    what: str
    reason: FailureReason
    configure: Callable[[StrongSwan], tuple[PeerConfig, Connection]]
    as_initiator: FailureReason | None = None


def _wrong_key(_: StrongSwan) -> tuple[PeerConfig, Connection]:
    return our_peer(), their_connection(preshared_key="another key")


def _no_common_ike_proposal(_: StrongSwan) -> tuple[PeerConfig, Connection]:
    return our_peer(IKE), their_connection("aes128-sha256-prfsha256-ecp256")


def _no_common_esp_proposal(_: StrongSwan) -> tuple[PeerConfig, Connection]:
    return our_peer(esp=ESP), their_connection(esp="aes128-sha256")


def _other_selectors(_: StrongSwan) -> tuple[PeerConfig, Connection]:
    child = our_child(local_selectors=(selector(IPv4Network("10.77.0.0/24")),))
    return our_peer(children=(child,)), their_connection()


def _other_identity(_: StrongSwan) -> tuple[PeerConfig, Connection]:
    ours = our_peer(remote_identity=Identity.from_text("gateway.example"))
    return ours, their_connection(local_id="stranger.example")


def _revoked(strongswan: StrongSwan) -> tuple[PeerConfig, Connection]:
    certificates = pki("p256")
    certificates.install(strongswan)
    crl = certificates.crl(revoked=[certificates.theirs])
    trust = TrustStore.from_pem(
        certificates.root.pem, crls=[crl], revocation=RevocationPolicy.REQUIRED
    )
    ours = our_peer(
        local_authentication=certificates.credential(),
        remote_authentication=TrustedCertificate(trust),
    )
    theirs = their_connection(
        local_auth=(("auth", "pubkey"), ("certs", "gateway.pem")),
        remote_auth=(("auth", "pubkey"), ("cacerts", "root.pem")),
    )
    return ours, theirs


_REFUSALS = [
    Refusal("another pre-shared key", FailureReason.AUTHENTICATION_FAILED, _wrong_key),
    Refusal("no common IKE proposal", FailureReason.NO_PROPOSAL_CHOSEN, _no_common_ike_proposal),
    Refusal("no common ESP proposal", FailureReason.NO_PROPOSAL_CHOSEN, _no_common_esp_proposal),
    Refusal("selectors that do not meet", FailureReason.TS_UNACCEPTABLE, _other_selectors),
    Refusal(
        "another identity",
        FailureReason.IDENTITY_MISMATCH,
        _other_identity,
        # It has no connection for the name that we ask for.
        as_initiator=FailureReason.AUTHENTICATION_FAILED,
    ),
    Refusal("strongSwan's certificate is revoked", FailureReason.CERTIFICATE_REVOKED, _revoked),
]


@pytest.mark.parametrize(
    ("refusal", "by"),
    [
        pytest.param(
            *(refusal, by),
            marks=cell("Refusal, with its reason", refusal.what, by),
            id=f"{refusal.what}-{by}",
        )
        for refusal in _REFUSALS
        for by in By
    ],
)
def test_refusal(matrix_lab: Lab, strongswan: StrongSwan, refusal: Refusal, by: By) -> None:
    ours, theirs = refusal.configure(strongswan)
    expected = refusal.reason
    # What is not authenticated ends no attempt: it is the reason once nothing better has come.
    with paired(matrix_lab, strongswan, ours, theirs, settings=QUICK) as pair:
        if by is By.ENGINE:
            expected = refusal.as_initiator or expected
            pair.engine.initiate(CHILD)
            told: AttemptFailed | PeerRefused = pair.engine.wait_for(AttemptFailed)
        else:
            with pytest.raises(LabError):
                strongswan.initiate(CHILD)
            told = pair.engine.wait_for(PeerRefused)
        assert told.reason is expected
        assert told.detail
        assert pair.engine.seen(ChildSaEstablished) == []
