"""The configured peers, found by name, by address, and by the name of a child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from ike.authentication.configuration import check_authentication
from ike.config import (
    CertificateCredential,
    ChildConfig,
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Mode,
    PeerConfig,
    TrustedCertificate,
)
from ike.crypto.encryption import is_aead, is_known
from ike.environment import Environment
from ike.events import DeletionReason
from ike.peer import Peer
from ike.selectors import MAX_SELECTORS, only_of, paired
from ike.types import Identity


class PeerTable:
    """See the module.

    Raises:
        ValueError: several peers or several children have the same name, one has no proposals or
            selectors, or too many selectors, or can't authenticate as it is configured.
    """

    def __init__(self, env: Environment, peers: Iterable[PeerConfig]) -> None:
        self._env = env
        self._by_name = {p.name: Peer(env, p) for p in _checked(env, peers)}
        self._index()

    def __iter__(self) -> Iterator[Peer]:
        return iter(tuple(self._by_name.values()))

    def __getitem__(self, name: str) -> Peer:
        return self._by_name[name]

    def get(self, name: str) -> Peer | None:
        """Return the peer of that name; None if there is none."""
        return self._by_name.get(name)

    def at(self, local: IPv4Address, remote: IPv4Address) -> tuple[PeerConfig, ...]:
        """Return the peers at a pair of addresses, in the order of the configuration."""
        return self._by_address.get((local, remote), ())

    def child(self, name: str) -> tuple[Peer, ChildConfig]:
        """Return a child and its peer.

        Raises:
            KeyError: there is no child of that name.
        """
        return self._by_child[name]

    def check(self, peers: Iterable[PeerConfig]) -> tuple[PeerConfig, ...]:
        """Return a configuration that is in order.

        Raises:
            ValueError: as above.
        """
        return _checked(self._env, peers)

    def moved(self, peers: Iterable[PeerConfig]) -> list[tuple[Peer, PeerConfig]]:
        """Find the peers that `peers` has at another address of ours, and else as they are."""
        found = ((self._by_name.get(config.name), config) for config in peers)
        return [
            (peer, config)
            for peer, config in found
            if peer is not None and _is_elsewhere(peer.config, config)
        ]

    def configure(self, peers: Iterable[PeerConfig], now: float) -> list[Peer]:
        """Change the configuration to one that is in order.

        All peers that were touched are given, those that have gone too.
        """
        configs = {p.name: p for p in peers}
        gone: dict[str, Peer] = {}
        for name, peer in tuple(self._by_name.items()):
            config = configs.get(name)
            if config is not None and _same_ike_sa(peer.config, config):
                peer.reconfigure(config, now)
            else:
                peer.delete(DeletionReason.RECONFIGURED, now)
                gone[name] = peer
        kept = {name: peer for name, peer in self._by_name.items() if name not in gone}
        self._by_name = {
            name: kept.get(name) or Peer(self._env, config) for name, config in configs.items()
        }
        self._index()
        return [*gone.values(), *kept.values()]

    def relocate(self, peer: Peer, local: IPv4Address, identity: Identity) -> None:
        """Reach a peer from another address of ours; `identity` is who we are there."""
        peer.relocate(local, identity)
        self._index()

    def _index(self) -> None:
        by_address: dict[tuple[IPv4Address, IPv4Address], list[PeerConfig]] = {}
        self._by_child: dict[str, tuple[Peer, ChildConfig]] = {}
        for peer in self._by_name.values():
            config = peer.config
            addresses = config.local_address, config.remote_address
            by_address.setdefault(addresses, []).append(config)
            self._by_child.update({child.name: (peer, child) for child in config.children})
        self._by_address = {key: tuple(found) for key, found in by_address.items()}


def _checked(env: Environment, peers: Iterable[PeerConfig]) -> tuple[PeerConfig, ...]:
    configs = tuple(peers)
    for kind, names in (
        ("peers", [p.name for p in configs]),
        ("children", [c.name for p in configs for c in p.children]),
    ):
        doubles = [name for name, times in Counter(names).items() if times > 1]
        if doubles:
            raise ValueError(f"several {kind} are named {', '.join(doubles)}")
    for config in configs:
        _check_contents(config)
        check_authentication(config, has_calendar=env.wall_clock is not None)
    return configs


def _check_contents(config: PeerConfig) -> None:
    what = f"peer {config.name}"
    if not all(p.prf and p.key_exchange for p in config.proposals):
        raise ValueError(f"{what} has a proposal that proposes nothing")
    _check_ciphers(what, config.proposals)
    if any(a is EncryptionAlgorithm.NULL for p in config.proposals for a, _ in p.encryption):
        raise ValueError(f"{what}: NULL does not protect an IKE SA")
    for child in config.children:
        _check_ciphers(f"child {child.name}", child.proposals)
        for selectors in (child.local_selectors, child.remote_selectors):
            if not 1 <= len(selectors) <= MAX_SELECTORS:
                raise ValueError(f"child {child.name}: 1 to {MAX_SELECTORS} selectors a side")
        ours, theirs = child.local_selectors, child.remote_selectors
        if paired(ours, theirs) != (ours, theirs):
            raise ValueError(f"child {child.name}: a selector has no counterpart on the other side")
        if child.mode is Mode.TRANSPORT and not (
            only_of(config.local_address, ours) and only_of(config.remote_address, theirs)
        ):
            raise ValueError(
                f"child {child.name}: transport mode is for the addresses of the peers alone"
            )


def _check_ciphers(what: str, proposals: Sequence[IkeProposal | EspProposal]) -> None:
    if not proposals or not all(p.encryption for p in proposals):
        raise ValueError(f"{what} has a proposal that proposes nothing")
    for proposal in proposals:
        for algorithm, bits in proposal.encryption:
            if not is_known(algorithm, bits):
                raise ValueError(f"{what}: no {algorithm.name} with a key of {bits} bits")
            if not is_aead(algorithm) and not proposal.integrity:
                raise ValueError(f"{what}: {algorithm.name} needs an integrity algorithm")


def _same_ike_sa(one: PeerConfig, other: PeerConfig) -> bool:
    """Tell whether an IKE SA made under one configuration is good under the other.

    What is newly revoked counts from the next authentication on.
    """
    return _lasting(one) == replace(
        _lasting(other),
        children=one.children,
        lifetime=one.lifetime,
        childless=one.childless,
        mobike=one.mobike,
        liveness_interval=one.liveness_interval,
        reauthenticate=one.reauthenticate,
    )


def _is_elsewhere(one: PeerConfig, other: PeerConfig) -> bool:
    """Tell whether configurations differ in our address, with the identity that is that address."""
    identities = one.local_identity, other.local_identity
    addresses = one.local_address, other.local_address
    return (
        addresses[0] != addresses[1]
        and (
            identities[0] == identities[1]
            or identities == tuple(Identity.from_text(str(address)) for address in addresses)
        )
        and _same_ike_sa(
            replace(one, local_address=other.local_address, local_identity=other.local_identity),
            other,
        )
    )


def _lasting(config: PeerConfig) -> PeerConfig:
    """Return a configuration without CRLs and OCSP responses, which come and go."""
    local, remote = config.local_authentication, config.remote_authentication
    if isinstance(local, CertificateCredential):
        local = replace(local, ocsp=())
    if isinstance(remote, TrustedCertificate):
        remote = replace(remote, trust=replace(remote.trust, crls=(), ocsp=()))
    return replace(config, local_authentication=local, remote_authentication=remote)
