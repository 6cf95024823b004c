"""From a handshake to an IKE SA: what both ends do once the other one is authenticated."""

from __future__ import annotations

from collections.abc import Sequence

from ike import crash_detection, mobike, relocation
from ike.authentication.context import AuthContext
from ike.channel import Channel
from ike.codec.payload import Payload
from ike.config import PeerConfig
from ike.connection import Connection
from ike.environment import Environment
from ike.events import Role


def establish(
    env: Environment,
    channel: Channel,
    auth: AuthContext,
    peer: PeerConfig,
    payloads: Sequence[Payload],
    good_for: float | None,
    began: int,
    now: float,
) -> Connection:
    """Make the IKE SA.

    Args:
        env: what the engine has in common.
        channel: the handshake's; the IKE SA goes on with it.
        auth: what was agreed upon, after AUTH.
        peer: who the other end is.
        payloads: those of its IKE_AUTH message.
        good_for: seconds until it has to authenticate again; None: never.
        began: the sequence number of the handshake's first message.
        now: the time.
    """
    agreement = auth.agreement
    connection = Connection(
        env,
        channel,
        peer,
        agreement.suite,
        agreement.keys,
        agreement.nonces,
        agreement.nat,
        began,
        now,
    )
    connection.has_ppk = auth.ppk_is_mixed
    connection.peer_token = crash_detection.read(payloads)
    connection.authenticated(good_for, now)
    if mobike.is_agreed(peer, payloads):
        # The addresses are for the original initiator to decide about (RFC 4555 §2).
        relocation.enable(connection, decides=channel.role is Role.INITIATOR)
    return connection
