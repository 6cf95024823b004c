"""Peers with certificates, pre-shared keys and nothing, for `ike_network.Network`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from authority import Authority, Issued, PrivateKey, p256_key, rsa_key
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ike_network import PRESHARED_KEY, Network, left_peer, right_peer

from ike.config import (
    CertificateCredential,
    LocalAuthentication,
    NullAuthentication,
    PeerConfig,
    RemoteAuthentication,
    Settings,
    SignatureScheme,
    TrustedCertificate,
)
from ike.events import ChildSaEstablished
from ike.pki import Credential, TrustStore
from ike.types import Identity

LEFT_NAME = "left.example"
RIGHT_NAME = "right.example"


@cache
def root() -> Authority:
    return Authority()


@cache
def key_of(kind: str) -> PrivateKey:
    """One key of each kind."""
    makers = {
        "rsa": rsa_key,
        "p256": p256_key,
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": Ed25519PrivateKey.generate,
        "ed448": Ed448PrivateKey.generate,
    }
    return makers[kind]()


def certified(name: str, kind: str = "p256") -> Issued:
    """A certificate under the root, always the same."""
    return _certified(name, kind)


@cache
def _certified(name: str, kind: str) -> Issued:
    return root().issue(f"O=example, CN={name}", names=[name], key=key_of(kind))


def credential(issued: Issued, *schemes: SignatureScheme) -> CertificateCredential:
    return CertificateCredential(Credential.from_pem(issued.chain_pem, issued.key_pem), schemes)


def trust(
    *schemes: SignatureScheme, anchor: Authority | None = None, **options: object
) -> TrustedCertificate:
    anchors = (anchor or root()).pem
    store = TrustStore.from_pem(anchors, **options)  # type: ignore[arg-type]  # tests give what fits
    return TrustedCertificate(store, schemes)


def left_with(
    local: LocalAuthentication, remote: RemoteAuthentication, **options: object
) -> PeerConfig:
    """The left router's configuration for the right one, by name."""
    return _with(left_peer(), LEFT_NAME, RIGHT_NAME, local, remote, options)


def right_with(
    local: LocalAuthentication, remote: RemoteAuthentication, **options: object
) -> PeerConfig:
    """The right router's configuration for the left one, by name."""
    return _with(right_peer(), RIGHT_NAME, LEFT_NAME, local, remote, options)


def _with(
    peer: PeerConfig,
    own: str,
    other: str,
    local: LocalAuthentication,
    remote: RemoteAuthentication,
    options: dict[str, object],
) -> PeerConfig:
    named = replace(
        peer,
        local_identity=Identity.from_text(own),
        remote_identity=Identity.from_text(other),
        local_authentication=local,
        remote_authentication=remote,
    )
    return replace(named, **options)  # type: ignore[arg-type]  # tests give what fits


def certified_pair(
    left_kind: str = "p256", right_kind: str = "p256", **options: object
) -> tuple[PeerConfig, PeerConfig]:
    """Both routers with certificates under the root."""
    return (
        left_with(credential(certified(LEFT_NAME, left_kind)), trust(), **options),
        right_with(credential(certified(RIGHT_NAME, right_kind)), trust(), **options),
    )


def initiated(
    left: PeerConfig,
    right: PeerConfig | list[PeerConfig],
    *,
    settings: Settings | None = None,
    seconds: float = 5.0,
) -> Network:
    """A network in which the left router has initiated."""
    network = Network(left, right, settings=settings)
    network.left.endpoint.initiate("net", network.now)
    network.run(seconds)
    return network


def established(network: Network) -> None:
    """Assert that both ends have the same pair of SAs, and had no failure on the way."""
    left, right = network.left.one(ChildSaEstablished), network.right.one(ChildSaEstablished)
    assert (left.spi_in, left.spi_out) == (right.spi_out, right.spi_in)
    assert left.key_in == right.key_out
    assert len(network.left.log) == len(network.right.log) == 2


NOTHING = NullAuthentication()
KEY = PRESHARED_KEY
