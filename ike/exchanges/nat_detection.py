"""NAT detection (RFC 7296 §2.23)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from cryptography.hazmat.primitives.hashes import SHA1, Hash

from ike.codec.chain import find_notify, notifies
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import NotifyType
from ike.types import UdpAddress

# SHA-1 is what §2.23 says; nothing rests on its strength.
_SHA1 = SHA1()  # noqa: S303  # fixed by the protocol
_SPIS = Struct("!QQ")


@dataclass(frozen=True, slots=True)
class NatStatus:
    """Who is behind a NAT, or says so; `supported`: the peer can tell."""

    local: bool = False
    remote: bool = False
    supported: bool = False

    @property
    def detected(self) -> bool:
        """Whether ESP has to go in UDP."""
        return self.local or self.remote


def _digest(initiator_spi: int, responder_spi: int, where: UdpAddress) -> bytes:
    spis = _SPIS.pack(initiator_spi, responder_spi)
    digest = Hash(_SHA1)
    digest.update(spis + where.address.packed + u16(where.port))
    return digest.finalize()


def announce(
    initiator_spi: int, responder_spi: int, local: UdpAddress, remote: UdpAddress
) -> list[Payload]:
    """Say where we send from and to."""
    return [
        Notify(NotifyType.NAT_DETECTION_SOURCE_IP, _digest(initiator_spi, responder_spi, local)),
        Notify(
            NotifyType.NAT_DETECTION_DESTINATION_IP, _digest(initiator_spi, responder_spi, remote)
        ),
    ]


def detect(
    payloads: Iterable[Payload],
    initiator_spi: int,
    responder_spi: int,
    local: UdpAddress,
    remote: UdpAddress,
) -> NatStatus:
    """Compare what the peer says with what we see; without its notifies there is no NAT."""
    sources, destinations = [], []
    for notify in notifies(payloads):
        if notify.notify_type == NotifyType.NAT_DETECTION_SOURCE_IP:
            sources.append(notify.data)
        elif notify.notify_type == NotifyType.NAT_DETECTION_DESTINATION_IP:
            destinations.append(notify.data)
    if not sources or not destinations:
        return NatStatus()
    return NatStatus(
        local=_digest(initiator_spi, responder_spi, local) not in destinations,
        remote=_digest(initiator_spi, responder_spi, remote) not in sources,
        supported=True,
    )


def seen_as(payloads: Iterable[Payload]) -> bytes:
    """Return the digest of where the peer sees us, b"" if it does not say."""
    notify = find_notify(payloads, NotifyType.NAT_DETECTION_DESTINATION_IP)
    return notify.data if notify is not None else b""
