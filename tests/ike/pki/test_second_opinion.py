"""Our path validation beside that of `cryptography`: on what both accept, they agree."""

from __future__ import annotations

from datetime import datetime

import pytest
from authority import DAY, NOW, YEAR, Authority, Issued, general_name, key_usage
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from ike.pki import CertificateError, RevocationPolicy, TrustStore, verify
from ike.types import Identity

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0")


def library_accepts(root: Authority, sent: list[Issued], host: str, at: datetime) -> bool:
    leaf_policy = ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    verifier = (
        PolicyBuilder()
        .store(Store([root.certificate]))
        .time(at)
        .max_chain_depth(6)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf_policy)
        .build_server_verifier(x509.DNSName(host))
    )
    try:
        verifier.verify(sent[0].certificate, [each.certificate for each in sent[1:]])
    except VerificationError:
        return False
    return True


def we_accept(root: Authority, sent: list[Issued], host: str, at: datetime) -> bool:
    trust = TrustStore.from_pem(root.pem, revocation=RevocationPolicy.OFF)
    try:
        verify(trust, [each.der for each in sent], Identity.from_text(host), at)
    except CertificateError:
        return False
    return True


def constraints(permitted: str) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints([general_name(permitted)], None), True


CASES: dict[str, tuple[bool, dict[str, object]]] = {
    "plain": (True, {}),
    "expired CA": (False, {"not_after": NOW - DAY}),
    "CA of the future": (False, {"not_before": NOW + DAY}),
    "no CA": (False, {"ca": False}),
    "no keyCertSign": (False, {"usage": key_usage("crl_sign")}),
    "unknown critical extension": (False, {"extensions": [(UNKNOWN, True)]}),
    "unknown extension": (True, {"extensions": [(UNKNOWN, False)]}),
    "path length": (True, {"path_length": 0}),
    "name permitted": (True, {"extensions": [constraints("example")]}),
    "name not permitted": (False, {"extensions": [constraints("example.net")]}),
}


@pytest.mark.parametrize(("expected", "options"), CASES.values(), ids=CASES.keys())
def test_intermediates(expected: bool, options: dict[str, object]) -> None:
    root = Authority()
    sub = root.authority(**options)
    leaf = sub.issue(names=["gw1.example"], purposes=[SERVER])
    for sent, host, at, right in (
        ([leaf, sub], "gw1.example", NOW, expected),
        ([leaf], "gw1.example", NOW, False),
        ([leaf, sub], "gw2.example", NOW, False),
        ([leaf, sub], "gw1.example", NOW + 2 * YEAR, False),
        ([leaf, Authority("O=example, CN=Sub")], "gw1.example", NOW, False),
    ):
        assert library_accepts(root, sent, host, at) is right
        assert we_accept(root, sent, host, at) is right


def test_path_lengths() -> None:
    for length in (0, 1, 2):
        root = Authority()
        top = root.authority("CN=1", path_length=length)
        middle = top.authority("CN=2")
        bottom = middle.authority("CN=3")
        leaf = bottom.issue(names=["gw1.example"], purposes=[SERVER])
        sent = [leaf, bottom, middle, top]
        assert library_accepts(root, sent, "gw1.example", NOW) is (length >= 2)
        assert we_accept(root, sent, "gw1.example", NOW) is (length >= 2)
