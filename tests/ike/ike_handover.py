"""Routers whose IKE SAs change process, and what must hold on the wire all the while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from ike_network import Network, Node

from ike.codec.encrypted import Encrypted, EncryptedFragment
from ike.codec.message import Message
from ike.config import PeerConfig, Settings
from ike.endpoint import Endpoint
from ike.state.report import ImportReport
from ike.types import Datagram, Secret

KEY = Secret(bytes(range(32)))
IV_LENGTH = 8  # bytes, of every AEAD (RFC 5282 §3.1, RFC 7634 §2)


def hand_over(
    network: Network,
    node: Node,
    peers: PeerConfig | Iterable[PeerConfig],
    *,
    offset: float = 0.0,
    settings: Settings | None = None,
) -> ImportReport:
    """Put another process in the place of a router, with a clock `offset` seconds ahead."""
    network.collect()
    blob = node.endpoint.export_state(KEY, network.now + node.offset)
    peers = [peers] if isinstance(peers, PeerConfig) else peers
    node.endpoint = Endpoint(
        peers, settings=settings or Settings(), random_bytes=network.random.randbytes
    )
    node.offset = offset
    return node.endpoint.import_state(blob, KEY, network.now + offset)


def at_step(network: Network, wanted: Callable[[int], bool], act: Callable[[], None]) -> None:
    """Act before every event whose number is wanted, the first being 0."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if wanted(count - 1):
            act()

    network.on_step = step


def check_wire(sent: Iterable[Datagram]) -> None:
    """No message id stands for two messages, and no IV for two plaintexts.

    RFC 7296 §2.1: a retransmission is the same, bit for bit. RFC 5282 §3.1: an IV is used once.
    """
    messages: dict[tuple[int, ...], set[bytes]] = defaultdict(set)
    ivs: dict[tuple[int, ...], set[bytes]] = defaultdict(set)
    for datagram in sent:
        message = Message.parse(datagram.payload)
        header = message.header
        last = message.payloads[-1] if message.payloads else None
        if not isinstance(last, Encrypted | EncryptedFragment):
            continue
        number = last.number if isinstance(last, EncryptedFragment) else 0
        sa = header.initiator_spi, header.responder_spi, header.from_initiator
        which = (*sa, header.is_response, header.message_id, number)
        messages[which].add(datagram.payload)
        ivs[(*sa, int.from_bytes(last.body[:IV_LENGTH], "big"))].add(datagram.payload)
    assert ivs
    assert {len(packets) for packets in messages.values()} == {1}, "a message id used twice"
    assert {len(packets) for packets in ivs.values()} == {1}, "an IV used twice"
