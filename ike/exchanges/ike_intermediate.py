"""IKE_INTERMEDIATE (RFC 9242): an additional key exchange before the peers are authenticated.

AUTH covers these messages as they are before encryption and fragmentation, so that it does not
matter in which form they travel (§3.3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ike.codec.chain import generic_header, serialize_chain
from ike.codec.header import HEADER_LENGTH, Header
from ike.codec.payload import Payload
from ike.codec.reader import u32
from ike.codec.registry import PayloadType
from ike.config import Prf
from ike.crypto.keys import IkeKeys
from ike.crypto.prf import compute


@dataclass(frozen=True, slots=True)
class Transcript:
    """IntAuth_i and IntAuth_r after a number of exchanges; empty before the first one."""

    initiator: bytes = b""
    responder: bytes = b""
    exchanges: int = 0

    def extended(self, prf: Prf, keys: IkeKeys, request: bytes, response: bytes) -> Transcript:
        """Take one exchange in, under the keys that protected it.

        Args:
            prf: the IKE SA's.
            keys: those before the exchange.
            request: what AUTH covers of the request (`covered`).
            response: the same of the response.
        """
        return Transcript(
            compute(prf, keys.sk_pi.reveal(), self.initiator, request),
            compute(prf, keys.sk_pr.reveal(), self.responder, response),
            self.exchanges + 1,
        )

    @property
    def int_auth(self) -> bytes:
        """IntAuth: what goes to the end of the signed octets; nothing without an exchange."""
        if not self.exchanges:
            return b""
        ike_auth_message_id = self.exchanges + 1  # IKE_SA_INIT is 0
        return self.initiator + self.responder + u32(ike_auth_message_id)


def covered(header: Header, first_payload: int, plaintext: bytes) -> bytes:
    """Return what AUTH covers of a message: IntAuth_*A and IntAuth_*P.

    Args:
        header: the message's, of whichever fragment.
        first_payload: the type of the first payload inside.
        plaintext: the payloads inside, without padding.
    """
    length = HEADER_LENGTH + len(generic_header(0, 0)) + len(plaintext)
    whole = replace(header, next_payload=PayloadType.SK, length=length)
    return whole.serialize() + generic_header(first_payload, len(plaintext)) + plaintext


def covered_of_own(packet: bytes, payloads: Sequence[Payload]) -> bytes:
    """Return what AUTH covers of a message of ours, one packet of which is `packet`."""
    header = Header.parse(packet)
    return covered(header, payloads[0].payload_type, serialize_chain(payloads))
