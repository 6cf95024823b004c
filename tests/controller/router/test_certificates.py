"""Routers that authenticate by certificates, configured as trustpoints."""

from datetime import timedelta
from pathlib import Path

import pytest

from controller.router import show_isakmp, show_pki
from tests.ike.authority import DAY, NOW, YEAR, Authority, Issued
from tests.simulation.router import SimulatedRouter
from tests.simulation.topology import Sites, site


class Pki:
    """A CA and the certificates of two routers, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Authority("O=example, CN=Root")
        self.write("ca.pem", self.root.pem)

    def write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)

    def issue(self, number: int, name: str | None = None, **options: object) -> Issued:
        issued = self.root.issue(
            f"O=example, CN=r{number}", names=[name or f"r{number}.example.com"], **options
        )
        self.write(f"r{number}.pem", issued.chain_pem)
        self.write(f"r{number}.key", issued.key_pem)
        return issued

    def site(self, number: int, peer: int, more: str = "", method: str = "ecdsa-sig") -> str:
        text = site(number, peers={peer: []})
        trustpoint = (
            "crypto_pki_trustpoints:\n  lab:\n"
            f"    ca_file: {self.folder}/ca.pem\n"
            f"    certificate_file: {self.folder}/r{number}.pem\n"
            f"    key_file: {self.folder}/r{number}.key\n{more}"
        )
        profile = (
            "isakmp:\n  profiles:\n    peer:\n"
            f"      match_identity_address: 10.0.0.{peer}\n"
            f"      authentication: {method}\n"
            "      ca_trust_point: lab\n"
            f"      self_identity: r{number}.example.com\n"
            f"      identity: r{peer}.example.com\n"
        )
        return trustpoint + text.replace("isakmp:\n", profile)


@pytest.fixture
def pki(tmp_path) -> Pki:
    return Pki(tmp_path)


def negotiated(sites, left: str, right: str) -> Sites:
    two = sites(left, right)
    two.send(1, 2)
    two.run(40)
    return two


def only_failure(router: SimulatedRouter):
    (peer,) = show_isakmp.detail(router.control, router.clock.now).peers
    (failure,) = peer.failures
    assert any(failure.detail in logged for logged in router.log())
    return failure


def test_two_routers_trust_each_other_by_their_ca(sites, pki):
    pki.issue(1)
    pki.issue(2)
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1))
    assert two.exchange(1, 2)
    (sa,) = show_isakmp.detail(two.routers[1].control, two.now).sas
    assert sa.local_authentication.startswith("certificate O=example, CN=r1")
    assert sa.remote_authentication == "a certificate"
    assert (sa.local_identity, sa.remote_identity) == ("r1.example.com", "r2.example.com")


@pytest.mark.slow
def test_one_end_by_certificate_and_the_other_by_key(sites, pki):
    """RFC 7296 §2.15: the two directions need not use the same method."""
    pki.issue(1)
    pki.issue(2)
    left = pki.site(1, 2, method="{local: ecdsa-sig, remote: pre-share}")
    right = pki.site(2, 1, method="{local: pre-share, remote: signature}")
    assert negotiated(sites, left, right).exchange(1, 2)


def test_an_expired_certificate(sites, pki):
    pki.issue(1, not_after=NOW - DAY, not_before=NOW - YEAR)
    pki.issue(2)
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1))
    theirs = only_failure(two.routers[2])
    assert theirs.reason == "certificate expired"
    assert "2026-05-31" in theirs.detail
    assert "(configuration:" in theirs.detail
    ours = only_failure(two.routers[1])
    assert "AUTHENTICATION_FAILED to our identity r1.example.com and certificate" in ours.detail
    assert "valid until 2026-05-31" in ours.detail, "what we can know: which certificate it was"
    assert two.routers[1].log("certificate of trustpoint lab"), "and that it was ours that expired"


def test_a_revoked_certificate(sites, pki):
    gateway = pki.issue(1)
    pki.issue(2)
    pki.write("lab.crl", pki.root.crl(revoked=[gateway]))
    more = f"    crl_files: {pki.folder}/lab.crl\n    revocation_check: crl\n"
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1, more))
    theirs = only_failure(two.routers[2])
    assert theirs.reason == "certificate revoked"
    assert "r1.example.com" in theirs.detail
    assert only_failure(two.routers[1]).reason == "authentication failed"


@pytest.mark.slow
def test_no_word_on_revocation_where_one_is_required(sites, pki):
    pki.issue(1)
    pki.issue(2)
    more = "    revocation_check: crl\n"
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1, more))
    assert only_failure(two.routers[2]).reason == "certificate invalid"


def test_a_certificate_of_somebody_else(sites, pki):
    pki.issue(1, name="other.example.com")
    pki.issue(2)
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1))
    theirs = only_failure(two.routers[2])
    assert theirs.reason == "identity mismatch"
    assert "other.example.com" in theirs.detail
    assert "r1.example.com" in theirs.detail


@pytest.mark.slow
def test_a_reload_reads_the_files_again(sites, pki):
    """SIGHUP after `cp new.crl lab.crl`: who is revoked meanwhile is not let in again."""
    gateway = pki.issue(1)
    pki.issue(2)
    pki.write("lab.crl", pki.root.crl())
    more = f"    crl_files: {pki.folder}/lab.crl\n"
    two = negotiated(sites, pki.site(1, 2), pki.site(2, 1, more))
    assert two.exchange(1, 2)
    pki.write("lab.crl", pki.root.crl(revoked=[gateway]))
    two.reload(2, pki.site(2, 1, more))
    assert two.exchange(1, 2), "what is established is not touched"
    two.routers[2].clear_sas()
    two.run(1)
    two.send(1, 2)
    two.run(40)
    assert two.routers[2].control.sad.pairs() == []
    assert two.routers[2].log("certificate revoked")


@pytest.mark.slow
class TestExpiry:
    """Certificates are renewed by people, who have to be told in time."""

    def test_warned_a_month_before_and_once_a_day(self, sites, pki):
        pki.issue(1, not_after=NOW + timedelta(days=31))
        pki.issue(2)
        two = sites(pki.site(1, 2), pki.site(2, 1))
        router = two.routers[1]
        assert router.log("expires") == []
        two.run(1.5 * 86400)
        (line,) = router.log("expires")
        assert line == (
            "certificate of trustpoint lab expires on 2026-07-02 (in 29 days): O=example, CN=r1"
        )
        two.run(86400)
        assert len(router.log("expires")) == 2


def test_show_crypto_pki_certificates(sites, pki):
    pki.issue(1, not_after=NOW + timedelta(days=20))
    pki.issue(2)
    policy = sites(pki.site(1, 2), pki.site(2, 1)).routers[1].policy
    own, authority = show_pki.certificates(policy, NOW)
    assert (own.trustpoint, own.use, own.state) == ("lab", "own", "expires soon")
    assert own.subject == "O=example, CN=r1"
    assert own.expires_in == 20 * 86400
    assert own.key == "ECDSA secp256r1"
    assert (authority.use, authority.state) == ("authority", "valid")
    later = show_pki.certificates(policy, NOW + timedelta(days=21))
    assert later[0].state == "expired"
    assert show_pki.certificates(policy, NOW - 2 * YEAR)[0].state == "not yet valid"
