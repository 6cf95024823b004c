"""The answers of ``show crypto isakmp sa`` and ``show crypto isakmp sa detail``."""

from __future__ import annotations

from controller.router.failures import NegotiationFailure
from controller.router.peers import peer_configs
from controller.router.router import Router
from controller.status import (
    ChildSaStatus,
    IsakmpDetailStatus,
    IsakmpFailure,
    IsakmpPeerDetail,
    IsakmpSaDetail,
    IsakmpSaStatus,
    IsakmpStranger,
)
from ike.authentication.proof import expected, presented
from ike.config import PeerConfig
from ike.info import ChildSaInfo, IkeSaInfo


def summary(router: Router, now: float) -> tuple[IsakmpSaStatus, ...]:
    """Answer ``show crypto isakmp sa``."""
    rows = []
    for sa in router.negotiation.ike_sas():
        rows.append(
            IsakmpSaStatus(
                local=str(sa.local),
                remote=str(sa.remote),
                state=sa.state.value,
                role=str(sa.role),
                initiator_spi=sa.initiator_spi,
                responder_spi=sa.responder_spi,
                suite=sa.suite,
                nat_detected=sa.nat_detected,
                established_ago=(
                    None if sa.established_at is None else max(0.0, now - sa.established_at)
                ),
                children=tuple(child.child for child in sa.children),
                last_failure=router.negotiation.last_failure(sa),
            )
        )
    return tuple(rows)


def detail(router: Router, now: float) -> IsakmpDetailStatus:
    """Answer ``show crypto isakmp sa detail``."""
    failures = router.negotiation.failures
    return IsakmpDetailStatus(
        sas=tuple(_sa(sa, now) for sa in router.negotiation.ike_sas()),
        peers=tuple(
            _peer(peer, failures.of(peer.name), now) for peer in peer_configs(router.policy)
        ),
        strangers=tuple(
            IsakmpStranger(address, _failure(failure, now))
            for address, failure in failures.strangers()
        ),
    )


def _sa(sa: IkeSaInfo, now: float) -> IsakmpSaDetail:
    return IsakmpSaDetail(
        peer=sa.remote.address,
        local=str(sa.local),
        remote=str(sa.remote),
        state=sa.state.value,
        role=str(sa.role),
        initiator_spi=sa.initiator_spi,
        responder_spi=sa.responder_spi,
        suite=sa.suite,
        nat_detected=sa.nat_detected,
        established_ago=None if sa.established_at is None else max(0.0, now - sa.established_at),
        rekey_in=None if sa.rekey_at is None else max(0.0, sa.rekey_at - now),
        local_identity="" if sa.local_identity is None else str(sa.local_identity),
        remote_identity="" if sa.remote_identity is None else str(sa.remote_identity),
        local_authentication=sa.local_authentication,
        remote_authentication=sa.remote_authentication,
        features=sa.features,
        vendor_ids=tuple(_vendor(vendor_id) for vendor_id in sa.vendor_ids),
        retransmissions=sa.retransmissions,
        children=tuple(_child(child, now) for child in sa.children),
        reauthenticate_in=(
            None if sa.reauthenticate_at is None else max(0.0, sa.reauthenticate_at - now)
        ),
    )


def _child(child: ChildSaInfo, now: float) -> ChildSaStatus:
    return ChildSaStatus(
        packet_type=child.child,
        spi_in=child.spi_in,
        spi_out=child.spi_out,
        suite=child.suite,
        mode=str(child.mode),
        established_ago=max(0.0, now - child.established_at),
        rekey_in=None if child.rekey_at is None else max(0.0, child.rekey_at - now),
    )


def _peer(
    config: PeerConfig, failures: tuple[NegotiationFailure, ...], now: float
) -> IsakmpPeerDetail:
    return IsakmpPeerDetail(
        peer=config.remote_address,
        local_address=config.local_address,
        local_identity=str(config.local_identity),
        remote_identity=str(config.remote_identity),
        local_authentication=presented(config.local_authentication),
        remote_authentication=expected(config.remote_authentication),
        lifetime=config.lifetime,
        origin=config.origin,
        failures=tuple(_failure(failure, now) for failure in failures),
    )


def _failure(failure: NegotiationFailure, now: float) -> IsakmpFailure:
    return IsakmpFailure(
        ago=max(0.0, now - failure.at),
        times=failure.times,
        role=str(failure.role),
        reason=str(failure.reason),
        detail=failure.detail,
        packet_type=failure.packet_type or None,
    )


def _vendor(vendor_id: bytes) -> str:
    """Write a Vendor ID: most are digests, some are text."""
    if vendor_id.isascii() and vendor_id.decode("ascii").isprintable():
        return vendor_id.decode("ascii")
    return vendor_id.hex()
