"""The answers of the ``show`` commands, put together from the router's state and counters."""

from __future__ import annotations

from collections.abc import Mapping

from controller.config.algorithms import EspTransforms
from controller.p4runtime.counters import Counters
from controller.p4runtime.entities import CounterValue
from controller.p4runtime.tables import Keying
from controller.policy.model import PacketType
from controller.router.router import Router
from controller.router.sa_pair import SaPair
from controller.router.selectors import idents
from controller.status import (
    ClearDestination,
    ClearSource,
    CryptoMapStatus,
    CryptoOptionalStatus,
    DropCount,
    EspSaStatus,
    IpsecSaStatus,
    PacketTypeStatus,
)
from ike.config import EspProposal


def crypto_optional(router: Router, counters: Counters, now: float) -> CryptoOptionalStatus:
    """Answer ``show crypto optional`` (PM-9)."""
    types = {packet_type.id: packet_type for packet_type in router.policy.packet_types}
    destinations = []
    for listed in router.passive.destinations():
        packet_type = types[listed.packet_type]
        count = counters.destinations.get((listed.packet_type, listed.address))
        destinations.append(
            ClearDestination(
                address=listed.address,
                packet_type=packet_type.name,
                peer=packet_type.peer,
                packets=count.packets if count else None,
                bytes=count.bytes if count else None,
                since=max(0.0, now - listed.since),
            )
        )
    sources = []
    for listed in router.passive.sources():
        count = counters.sources.get((listed.packet_type, listed.address))
        sources.append(
            ClearSource(
                address=listed.address,
                packet_type=types[listed.packet_type].name,
                packets=count.packets if count else None,
                bytes=count.bytes if count else None,
                since=max(0.0, now - listed.since),
            )
        )
    return CryptoOptionalStatus(
        enabled=router.passive.enabled,
        retry=router.passive.retry,
        destinations=tuple(sorted(destinations, key=lambda shown: shown.address)),
        sources=tuple(sorted(sources, key=lambda shown: shown.address)),
        packet_types=tuple(
            _packet_type(router, packet_type, now) for packet_type in types.values()
        ),
        unlisted_destinations=router.passive.unlisted_destinations,
        unlisted_sources=router.passive.unlisted_sources,
    )


def crypto_map(router: Router) -> tuple[CryptoMapStatus, ...]:
    """Answer ``show crypto map``: one row an entry of a crypto map."""
    rows: dict[tuple[str, int], list[PacketType]] = {}
    for packet_type in router.policy.packet_types:
        rows.setdefault((packet_type.crypto_map, packet_type.sequence), []).append(packet_type)
    return tuple(
        CryptoMapStatus(
            name=name,
            sequence=sequence,
            kind="ipsec-manual" if types[0].manual_in else "ipsec-isakmp",
            peer=types[0].peer,
            transform_set=types[0].transform_set,
            transforms=transforms(types[0].proposals),
            access_list=types[0].access_list,
            lines=tuple(dict.fromkeys(packet_type.text for packet_type in types)),
            interfaces=tuple(dict.fromkeys(packet_type.interface for packet_type in types)),
            lifetime=types[0].lifetime,
            lifetime_kilobytes=types[0].lifetime_bytes // 1024,
            lifetime_packets=types[0].lifetime_packets,
        )
        for (name, sequence), types in rows.items()
    )


def crypto_ipsec_sa(
    router: Router, counters: Counters | None, now: float
) -> tuple[IpsecSaStatus, ...]:
    """Answer ``show crypto ipsec sa``: one row a packet type, with an SA or without.

    `counters` is None where the switch did not answer.
    """
    return tuple(
        _ipsec_sa(router, packet_type, counters, now) for packet_type in router.policy.packet_types
    )


def drops(router: Router, counters: Counters) -> tuple[DropCount, ...]:
    """Return why packets were dropped, for ``show switch``; reasons without packets are absent."""
    pipeline = (
        DropCount(reason.name.lower(), count.packets, count.bytes)
        for reason, count in sorted(counters.drops.items())
    )
    controller = (
        DropCount(reason, tally.packets, tally.octets)
        for reason, tally in router.punt_drops().items()
        if tally.packets
    )
    return (*pipeline, *controller)


def queue_drops(packets: int, reports: int, packets_out: int) -> tuple[DropCount, ...]:
    """Return what found a queue full, for ``show switch``; queues that never were are absent.

    Args:
        packets: packet-ins that the controller was too slow for.
        reports: clear reports that the controller was too slow for.
        packets_out: packet-outs that the switch was too slow for, or not there for.

    Returns:
        One row a queue. The queues count packets alone: bytes are 0.
    """
    counts = {
        "packet_in_queue_full": packets,
        "report_queue_full": reports,
        "packet_out_not_sent": packets_out,
    }
    return tuple(DropCount(reason, count, 0) for reason, count in counts.items() if count)


def transforms(proposals: tuple[EspProposal, ...]) -> tuple[str, ...]:
    """Return the transforms as IOS writes them."""
    return tuple(
        str(EspTransforms(cipher, proposal.integrity[0] if proposal.integrity else None))
        for proposal in proposals
        for cipher in proposal.encryption
    )


def _packet_type(router: Router, packet_type: PacketType, now: float) -> PacketTypeStatus:
    state = router.passive.state_of(packet_type.id)
    at = state.next_attempt_at
    return PacketTypeStatus(
        name=packet_type.name,
        peer=packet_type.peer,
        state=str(state.state),
        next_attempt_in=None if at is None else max(0.0, at - now),
        last_failure=state.last_failure,
    )


def _ipsec_sa(
    router: Router, packet_type: PacketType, counters: Counters | None, now: float
) -> IpsecSaStatus:
    pair = router.sad.sending(packet_type.id)
    if pair is None:
        pairs = router.sad.pairs(packet_type.id)
        pair = pairs[-1] if pairs else None
    local_ident, remote_ident = idents(packet_type.flow)
    return IpsecSaStatus(
        packet_type=packet_type.name,
        interface=packet_type.interface,
        crypto_map=packet_type.crypto_map,
        local_ident=local_ident,
        remote_ident=remote_ident,
        local_address=packet_type.local_address,
        peer=packet_type.peer,
        transform=_transforms(pair.outbound.keying) if pair else None,
        encapsulated=pair.encapsulated if pair else False,
        inner_mtu=pair.outbound.inner_mtu if pair else None,
        source=str(pair.source) if pair else "ike",
        inbound=_inbound(pair, counters or Counters()) if pair else None,
        outbound=_outbound(pair, counters or Counters()) if pair else None,
        established_ago=max(0.0, now - pair.established_at) if pair else None,
        rekey_in=max(0.0, pair.rekey_at - now) if pair and pair.rekey_at is not None else None,
        packets_held=_packets(counters.hold, packet_type.id) if counters else None,
        packets_clear=_packets(counters.clear, packet_type.id) if counters else None,
    )


def _packets(cells: Mapping[int, CounterValue], packet_type: int) -> int:
    """Return a cell's packets; those without any are not in `cells`."""
    count = cells.get(packet_type)
    return count.packets if count else 0


def _inbound(pair: SaPair, counters: Counters) -> EspSaStatus:
    count = counters.sad_in.get(pair.sa_id)
    return EspSaStatus(
        spi=pair.inbound.spi,
        sa_id=pair.sa_id,
        packets=count.packets if count else None,
        bytes=count.bytes if count else None,
    )


def _outbound(pair: SaPair, counters: Counters) -> EspSaStatus:
    count = counters.sad_out.get(pair.packet_type.id)
    return EspSaStatus(
        spi=pair.outbound.spi,
        sa_id=pair.sa_id,
        packets=count.packets if count else None,
        bytes=count.bytes if count else None,
    )


def _transforms(keying: Keying) -> str:
    """Write an SA's algorithms as a transform set has them."""
    return str(EspTransforms((keying.encryption, keying.key_bits), keying.integrity))
