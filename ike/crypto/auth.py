"""What the AUTH payload proves, and how (RFC 7296 §2.15)."""

from __future__ import annotations

from ike.config import Prf
from ike.crypto.prf import compute
from ike.types import Secret

_KEY_PAD = b"Key Pad for IKEv2"


def signed_octets(
    prf: Prf,
    first_message: bytes,
    peer_nonce: bytes,
    sk_p: Secret,
    identification: bytes,
    int_auth: bytes = b"",
) -> bytes:
    """Put together what one side signs.

    Args:
        prf: the IKE SA's.
        first_message: the signer's IKE_SA_INIT message, whole.
        peer_nonce: the other side's nonce.
        sk_p: SK_pi of the initiator, SK_pr of the responder.
        identification: the body of the signer's IDi or IDr payload.
        int_auth: what IKE_INTERMEDIATE adds (RFC 9242 §3.3.2).
    """
    return first_message + peer_nonce + compute(prf, sk_p.reveal(), identification) + int_auth


def shared_key_mic(prf: Prf, preshared_key: Secret, octets: bytes) -> bytes:
    """Compute the proof of knowing the pre-shared key."""
    return compute(prf, compute(prf, preshared_key.reveal(), _KEY_PAD), octets)
