"""``show crypto isakmp sa detail``: IKE SAs, peers, and why negotiations failed."""

from __future__ import annotations

from collections.abc import Iterator

from controller.cli.render.text import duration, plural
from controller.status import (
    ChildSaStatus,
    IsakmpDetailStatus,
    IsakmpFailure,
    IsakmpPeerDetail,
    IsakmpSaDetail,
    IsakmpStranger,
)


def render(status: IsakmpDetailStatus) -> str:
    """Write everything, one block an IKE SA and one a peer."""
    blocks = [["IPv4 Crypto ISAKMP SA (IKEv2)"]]
    blocks += [list(_sa(sa)) for sa in status.sas] or [["No IKE SAs."]]
    blocks += [list(_peer(peer)) for peer in status.peers]
    if status.strangers:
        blocks.append(list(_strangers(status.strangers)))
    return "\n\n".join("\n".join(block) for block in blocks)


def _sa(sa: IsakmpSaDetail) -> Iterator[str]:
    yield f"IKE SA with {sa.peer}: {sa.state}, {sa.role}"
    yield f"  local {sa.local}, remote {sa.remote}" + (", NAT in between" * sa.nat_detected)
    yield f"  spi: {sa.initiator_spi:016X} (initiator), {sa.responder_spi:016X} (responder)"
    if sa.suite:
        yield f"  suite: {sa.suite}"
    if sa.local_identity:
        yield f"  local identity: {sa.local_identity}, by {sa.local_authentication}"
        yield f"  remote identity: {sa.remote_identity}, by {sa.remote_authentication}"
    if sa.established_ago is not None:
        rekey = "never" if sa.rekey_in is None else f"in {duration(sa.rekey_in)}"
        yield f"  established {duration(sa.established_ago)} ago, rekeyed {rekey}"
    if sa.reauthenticate_in is not None:
        yield f"  reauthenticated in {duration(sa.reauthenticate_in)}"
    yield f"  retransmissions: {sa.retransmissions}"
    if sa.features:
        yield f"  features: {', '.join(sa.features)}"
    for vendor_id in sa.vendor_ids:
        yield f"  vendor id: {vendor_id}"
    for child in sa.children:
        yield from _child(child)


def _child(child: ChildSaStatus) -> Iterator[str]:
    yield f"  child SA: {child.packet_type}"
    yield f"    spi: 0x{child.spi_in:08X} in, 0x{child.spi_out:08X} out"
    yield f"    {child.suite}, {child.mode} mode"
    rekey = "never" if child.rekey_in is None else f"in {duration(child.rekey_in)}"
    yield f"    established {duration(child.established_ago)} ago, rekeyed {rekey}"


def _peer(peer: IsakmpPeerDetail) -> Iterator[str]:
    where = f" ({peer.origin})" if peer.origin else ""
    yield f"Peer {peer.peer} from {peer.local_address}{where}"
    yield f"  local identity: {peer.local_identity}, by {peer.local_authentication}"
    yield f"  remote identity: {peer.remote_identity}, by {peer.remote_authentication}"
    yield f"  lifetime: {peer.lifetime:.0f} seconds"
    if not peer.failures:
        yield "  no failures"
        return
    yield "  last failures:"
    for failure in peer.failures:
        yield from _failure(failure)


def _failure(failure: IsakmpFailure) -> Iterator[str]:
    about = f", {failure.packet_type}" if failure.packet_type else ""
    yield (
        f"    {duration(failure.ago)} ago as {failure.role}{about}"
        f" ({plural(failure.times, 'time')}): {failure.reason}"
    )
    if failure.detail:
        yield f"      {failure.detail}"


def _strangers(strangers: tuple[IsakmpStranger, ...]) -> Iterator[str]:
    yield "Refused from addresses that are no peer's:"
    for stranger in strangers:
        yield f"  {stranger.address}"
        yield from _failure(stranger.failure)
