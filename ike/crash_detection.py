"""Quick crash detection (RFC 6290): a token that shows that a peer has lost its IKE SA.

Each end gives the other one a token while they are authenticated. Who is asked about an IKE SA that
it does not know, and has not forgotten the secret, answers with the token: so the other end
knows that this is no forgery, and need not retransmit until it gives up.

Tokens are stateless, and bound to the address of who has them (RFC 6290 §5.2): whoever asks from
elsewhere is given another one. So a new one is sent when the address changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest

from ike.codec.chain import find_notify, notifies
from ike.codec.header import Header
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u64
from ike.codec.registry import NotifyType, PayloadType, ProtocolId
from ike.config import Prf
from ike.crypto.prf import compute
from ike.types import Secret, UdpAddress

_LENGTHS = range(16, 129)  # bytes (RFC 6290 §4.1)
_LABEL = b"quick crash detection"


def announce(
    secret: Secret | None, initiator_spi: int, responder_spi: int, taker: UdpAddress
) -> tuple[Payload, ...]:
    """Give the peer at `taker` our token for an IKE SA; nothing without a secret."""
    if secret is None:
        return ()
    about = u64(initiator_spi) + u64(responder_spi) + taker.address.packed
    token = compute(Prf.HMAC_SHA2_256, secret.reveal(), _LABEL, about)
    return (Notify(NotifyType.QUICK_CRASH_DETECTION, token, ProtocolId.IKE),)


def answer_unknown(secret: Secret | None, header: Header, taker: UdpAddress) -> tuple[Payload, ...]:
    """Give the token for an IKE SA that we don't know, to whoever speaks as its other end.

    The caller has made sure that neither SPI is one of ours: a token for an IKE SA that lives
    would end it.
    """
    is_protected = header.next_payload in (PayloadType.SK, PayloadType.SKF)
    if not (is_protected and header.initiator_spi and header.responder_spi):
        return ()
    return announce(secret, header.initiator_spi, header.responder_spi, taker)


def read(payloads: Iterable[Payload]) -> bytes:
    """Return the token that the peer has given us in a protected message, b"" without one."""
    notify = find_notify(tuple(payloads), NotifyType.QUICK_CRASH_DETECTION)
    return notify.data if notify is not None and len(notify.data) in _LENGTHS else b""


def is_proof(token: bytes, payloads: Iterable[Payload]) -> bool:
    """Tell whether an unprotected answer shows that the peer has lost the IKE SA (§4.5)."""
    found = tuple(notifies(tuple(payloads)))
    if not token or all(notify.notify_type != NotifyType.INVALID_IKE_SPI for notify in found):
        return False
    return any(
        notify.notify_type == NotifyType.QUICK_CRASH_DETECTION
        and compare_digest(notify.data, token)
        for notify in found
    )
