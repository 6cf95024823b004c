"""What making a CHILD_SA and rekeying one have in common: the offer, and how its answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ike import reports
from ike.codec.payload import Payload
from ike.config import ChildConfig
from ike.exchanges import create_child_sa
from ike.exchanges.child import ChildDraft, ChildOffer
from ike.exchanges.outcome import Failure
from ike.tasks import followup

if TYPE_CHECKING:
    from ike.connection import Connection


def make_offer(connection: Connection, config: ChildConfig) -> ChildOffer:
    """Make an offer, and report it; the task has to withdraw it if nothing comes of it."""
    env = connection.env
    spi_in = env.allocate_esp_spi()
    connection.events.append(reports.child_sa_offered(connection, config.name, spi_in))
    return create_child_sa.make_offer(
        config, spi_in, env.random_bytes, allow_transport=connection.allows_transport
    )


def withdraw(connection: Connection, offer: ChildOffer) -> None:
    """Give the inbound SPI back, and report that nothing has come of the offer."""
    connection.env.release_esp_spi(offer.spi_in)
    connection.events.append(
        reports.child_sa_offer_ended(connection, offer.config.name, offer.spi_in)
    )


def read(
    connection: Connection,
    offer: ChildOffer,
    nonce: bytes,
    draft: ChildDraft | None,
    payloads: Sequence[Payload],
) -> ChildDraft | ChildOffer | Failure:
    """Read the answer to an offer or, with a draft of the CHILD_SA, to its IKE_FOLLOWUP_KE.

    An offer in return is what the peer wants to be offered instead.

    Raises:
        ParseError: a payload is missing.
    """
    if draft is not None:
        return followup.read(draft, payloads)
    return create_child_sa.read_response(
        offer,
        nonce,
        payloads,
        connection.suite.prf,
        connection.keys.sk_d,
        connection.env.random_bytes,
    )
