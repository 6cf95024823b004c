"""Every notify type, wherever it comes (RFC 7296 §2.21, §3.10.1): what we do about it.

`TABLE` has a row for each error type, and a column for each place. Where a row says nothing, the
column's rule for error types holds. Status types don't fail an exchange anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

import pytest
from ike_adversary import Adversary
from ike_network import LEFT, RIGHT, Network, at, child, left_peer, mirrored, right_peer
from test_loss import live
from test_rekey import live_spis, never_without

from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.reader import u16, u32
from ike.codec.registry import FIRST_STATUS_NOTIFY, ExchangeType, HeaderFlag, ProtocolId
from ike.codec.registry import NotifyType as N
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.environment import drain
from ike.events import (
    AttemptFailed,
    ChildSaDeleted,
    ChildSaEstablished,
    DeletionReason,
    FailureReason,
    IkeSaClosed,
    IkeSaEstablished,
)
from ike.types import Datagram

ONE = child("one", "10.1.0.0/16", "10.2.0.0/16")
TWO = child("two", "10.3.0.0/16", "10.4.0.0/16")
ERRORS = [n for n in N if n < FIRST_STATUS_NOTIFY]
STATUSES = [n for n in N if n >= FIRST_STATUS_NOTIFY]


class Place(Enum):
    """Where it comes."""

    INIT = auto()  # IKE_SA_INIT response, unprotected
    AUTH = auto()  # IKE_AUTH response, alone
    NEW_CHILD = auto()  # CREATE_CHILD_SA response
    REKEY_CHILD = auto()
    REKEY_IKE = auto()
    DELETE = auto()  # INFORMATIONAL response
    TOLD = auto()  # INFORMATIONAL request
    UNPROTECTED = auto()  # in an established IKE SA, as request or response


class Effect(Enum):
    """What comes of it."""

    NOTHING = auto()
    HINT = auto()  # we go on asking; it is the reason if nothing better comes
    ANOTHER_METHOD = auto()  # the request goes out again with another key exchange, if we have one
    FAILED = auto()  # the attempt has failed, the IKE SA stays; of IKE_AUTH, there is none
    LATER = auto()  # the same request again after a while
    ANOTHER_IKE_SA = auto()
    ANEW = auto()  # the CHILD_SA is dropped, and made from scratch
    IKE_SA_ENDS = auto()
    CHILD_ENDS = auto()


RULE = {
    Place.INIT: Effect.HINT,
    Place.AUTH: Effect.FAILED,
    Place.NEW_CHILD: Effect.FAILED,
    Place.REKEY_CHILD: Effect.LATER,
    Place.REKEY_IKE: Effect.LATER,
    Place.DELETE: Effect.NOTHING,
    Place.TOLD: Effect.NOTHING,
    Place.UNPROTECTED: Effect.NOTHING,
}
TABLE: dict[N, dict[Place, Effect]] = {
    N.UNSUPPORTED_CRITICAL_PAYLOAD: {},
    N.INVALID_IKE_SPI: {},
    N.INVALID_MAJOR_VERSION: {},
    N.INVALID_SYNTAX: {  # §2.21.3: fatal at both ends
        Place.NEW_CHILD: Effect.IKE_SA_ENDS,
        Place.REKEY_CHILD: Effect.IKE_SA_ENDS,
        Place.REKEY_IKE: Effect.IKE_SA_ENDS,
        Place.DELETE: Effect.IKE_SA_ENDS,
        Place.TOLD: Effect.IKE_SA_ENDS,
    },
    N.INVALID_MESSAGE_ID: {},
    N.INVALID_SPI: {Place.TOLD: Effect.CHILD_ENDS},  # §1.5
    N.NO_PROPOSAL_CHOSEN: {},
    N.INVALID_KE_PAYLOAD: {Place.INIT: Effect.ANOTHER_METHOD},
    N.AUTHENTICATION_FAILED: {Place.TOLD: Effect.IKE_SA_ENDS},  # §2.21.2
    N.SINGLE_PAIR_REQUIRED: {},
    N.NO_ADDITIONAL_SAS: {  # §1.3
        Place.NEW_CHILD: Effect.ANOTHER_IKE_SA,
        Place.REKEY_CHILD: Effect.ANOTHER_IKE_SA,
        Place.REKEY_IKE: Effect.ANOTHER_IKE_SA,
    },
    N.INTERNAL_ADDRESS_FAILURE: {},
    N.FAILED_CP_REQUIRED: {},
    N.TS_UNACCEPTABLE: {},
    N.INVALID_SELECTORS: {},
    N.UNACCEPTABLE_ADDRESSES: {},
    N.UNEXPECTED_NAT_DETECTED: {},
    N.USE_ASSIGNED_HOA: {},
    N.TEMPORARY_FAILURE: {Place.NEW_CHILD: Effect.LATER},  # §2.25
    N.CHILD_SA_NOT_FOUND: {Place.REKEY_CHILD: Effect.ANEW},  # §2.25
    N.INVALID_GROUP_ID: {},
    N.AUTHORIZATION_FAILED: {},
    N.STATE_NOT_FOUND: {Place.NEW_CHILD: Effect.LATER},  # RFC 9370 §2.2.4
    N.TS_MAX_QUEUE: {},
}
REASONS = {
    N.NO_PROPOSAL_CHOSEN: FailureReason.NO_PROPOSAL_CHOSEN,
    N.INVALID_KE_PAYLOAD: FailureReason.NO_PROPOSAL_CHOSEN,
    N.AUTHENTICATION_FAILED: FailureReason.AUTHENTICATION_FAILED,
    N.TS_UNACCEPTABLE: FailureReason.TS_UNACCEPTABLE,
    N.SINGLE_PAIR_REQUIRED: FailureReason.TS_UNACCEPTABLE,
    N.INVALID_SYNTAX: FailureReason.INVALID_SYNTAX,
    N.UNSUPPORTED_CRITICAL_PAYLOAD: FailureReason.INVALID_SYNTAX,
}


def test_the_table_has_a_row_for_each() -> None:
    assert list(TABLE) == ERRORS


def effect(notify_type: N, place: Place) -> Effect:
    return TABLE[notify_type].get(place, RULE[place])


def notify(notify_type: N, data: bytes | None = None) -> Notify:
    """Make one with data of the type's form."""
    if data is None:
        data = {N.INVALID_KE_PAYLOAD: u16(14), N.INVALID_MESSAGE_ID: u32(7)}.get(notify_type, b"")
    return Notify(notify_type, data)


class Puppet:
    """Answers the next requests of a kind in the right router's stead, from its own IKE SA."""

    def __init__(
        self, network: Network, exchange_type: ExchangeType, *payloads: Payload, times: int = 1
    ) -> None:
        self.times = times
        self.network = network
        self.exchange_type = exchange_type
        self.payloads = payloads
        self.done = 0
        network.filter = self

    def __call__(self, datagram: Datagram) -> list[tuple[float, Datagram]]:
        header = Header.parse(datagram.payload)
        if (
            self.done == self.times
            or datagram.destination.address != RIGHT
            or header.exchange_type != self.exchange_type
            or header.is_response
        ):
            return [(0.01, datagram)]
        self.done += 1
        if self.exchange_type == ExchangeType.IKE_SA_INIT:
            answer = Header(header.initiator_spi, 0, 0, 34, HeaderFlag.RESPONSE, 0, 0)
            packet = Message(answer, self.payloads).serialize()
            self.network.inject(Datagram(datagram.destination, datagram.source, packet))
            return []
        spi = header.responder_spi if header.from_initiator else header.initiator_spi
        channel = vars(self.network.right.endpoint)["_sas"].by_spi[spi].channel
        received = channel.receive(datagram, header, self.network.now)
        channel.respond(received, self.payloads)
        for sent in drain(channel.outbox):
            self.network.inject(sent)
        return []


def established(**settings: object) -> Network:
    network = Network(
        left_peer(ONE, TWO),
        right_peer(mirrored(ONE, "r-one"), mirrored(TWO, "r-two")),
        settings=Settings(**settings),  # type: ignore[arg-type]  # what fits
    )
    network.left.endpoint.initiate("one", network.now)
    network.run(6)
    assert network.left.one(ChildSaEstablished)
    return network


def in_init(told: Notify) -> Effect:
    network = Network(left_peer(ONE), right_peer(mirrored(ONE, "r-one")))
    network.left.endpoint.initiate("one", network.now)
    puppet = Puppet(network, ExchangeType.IKE_SA_INIT, told)
    network.run(0.1)
    assert puppet.done
    assert not network.left.of(AttemptFailed)
    network.drop_all()
    network.run(60)
    reason = REASONS.get(N(told.notify_type), FailureReason.REFUSED)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is reason
    # INVALID_KE_PAYLOAD with a method that we have not offered is no more than a hint too.
    return Effect.ANOTHER_METHOD if told.notify_type == N.INVALID_KE_PAYLOAD else Effect.HINT


def in_auth(told: Notify) -> Effect:
    network = Network(left_peer(ONE), right_peer(mirrored(ONE, "r-one")))
    puppet = Puppet(network, ExchangeType.IKE_AUTH, told)
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    assert puppet.done
    assert not network.left.endpoint.ike_sas()
    reason = REASONS.get(N(told.notify_type), FailureReason.REFUSED)
    assert network.left.one(AttemptFailed).reason is reason
    return Effect.FAILED


def in_new_child(told: Notify) -> Effect:
    network = established()
    puppet = Puppet(network, ExchangeType.CREATE_CHILD_SA, told)
    network.left.endpoint.initiate("two", network.now)
    network.run(1)
    assert puppet.done
    if network.left.of(IkeSaClosed):
        assert network.left.one(IkeSaClosed).reason is DeletionReason.PROTOCOL_ERROR
        assert network.left.one(AttemptFailed).reason is FailureReason.INVALID_SYNTAX
        return Effect.IKE_SA_ENDS
    if len(network.left.of(IkeSaEstablished)) == 2:
        assert [n for n, _, _ in live(network, "left")] == ["one", "two"]
        return Effect.ANOTHER_IKE_SA
    network.run(10)
    if failed := network.left.of(AttemptFailed):
        assert failed[0].reason is REASONS.get(N(told.notify_type), FailureReason.REFUSED)
        assert told.name in failed[0].detail
        assert [n for n, _, _ in live(network, "left")] == ["one"]
        return Effect.FAILED
    assert [n for n, _, _ in live(network, "left")] == ["one", "two"]
    return Effect.LATER


def effect_of_closed(network: Network, closed: IkeSaClosed) -> Effect:
    if closed.reason is DeletionReason.REAUTHENTICATED:
        assert never_without(network.left), "make before break"
        assert [n for n, _, _ in live(network, "left")] == ["one"]
        assert len(network.left.endpoint.ike_sas()) == 1
        return Effect.ANOTHER_IKE_SA
    assert closed.reason is DeletionReason.PROTOCOL_ERROR
    assert len(network.left.of(ChildSaDeleted)) == 1
    return Effect.IKE_SA_ENDS


def in_rekey_child(told: Notify) -> Effect:
    network = established()
    puppet = Puppet(network, ExchangeType.CREATE_CHILD_SA, told)
    network.left.endpoint.rekey_child(live_spis(network.left)[0], network.now)
    network.run(1)
    assert puppet.done
    if closed := network.left.of(IkeSaClosed):
        return effect_of_closed(network, closed[0])
    if network.left.of(ChildSaDeleted):
        assert network.left.of(ChildSaEstablished)[-1].replaces is None
        return Effect.ANEW
    assert len(network.left.of(ChildSaEstablished)) == 1
    network.run(10)
    assert len(network.left.of(ChildSaEstablished)) == 2
    return Effect.LATER


def in_rekey_ike(told: Notify) -> Effect:
    network = established()
    puppet = Puppet(network, ExchangeType.CREATE_CHILD_SA, told)
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(1)
    assert puppet.done
    if closed := network.left.of(IkeSaClosed):
        return effect_of_closed(network, closed[0])
    assert len(network.left.of(IkeSaEstablished)) == 1
    network.run(10)
    assert len(network.left.of(IkeSaEstablished)) == 2
    return Effect.LATER


def in_delete(told: Notify) -> Effect:
    network = established()
    puppet = Puppet(network, ExchangeType.INFORMATIONAL, told)
    network.left.endpoint.delete_child(live_spis(network.left)[0], network.now)
    network.run(1)
    assert puppet.done
    return Effect.IKE_SA_ENDS if network.left.of(IkeSaClosed) else Effect.NOTHING


def told_in_request(told: Notify) -> Effect:
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    adversary.victim.events()
    adversary.now += 10
    if told.notify_type == N.INVALID_SPI:
        told = notify(N.INVALID_SPI, u32(0x01020304))
    assert adversary.exchange(ExchangeType.INFORMATIONAL, [told]) is not None
    gone = {type(e): e for e in adversary.victim.events()}
    if IkeSaClosed in gone:
        assert not adversary.victim.ike_sas()
        return Effect.IKE_SA_ENDS
    if ChildSaDeleted in gone:
        return Effect.CHILD_ENDS
    assert not gone
    assert len(adversary.victim.ike_sas()[0].children) == 1
    return Effect.NOTHING


def unprotected(told: Notify) -> Effect:
    network = established()
    (sa,) = network.left.endpoint.ike_sas()
    sent = len(network.sent)
    for exchange_type in (ExchangeType.CREATE_CHILD_SA, ExchangeType.INFORMATIONAL):
        for flags in (0, HeaderFlag.RESPONSE):
            for message_id in (0, 1, 2, 3):
                header = Header(
                    sa.initiator_spi, sa.responder_spi, 0, exchange_type, flags, message_id, 0
                )
                packet = Message(header, (told,)).serialize()
                network.inject(Datagram(at(RIGHT), at(LEFT), packet))
    network.run(1)
    assert len(network.sent) == sent, "and no answer"
    assert len(live(network, "left")) == 1
    return Effect.NOTHING


PLACES: dict[Place, Callable[[Notify], Effect]] = {
    Place.INIT: in_init,
    Place.AUTH: in_auth,
    Place.NEW_CHILD: in_new_child,
    Place.REKEY_CHILD: in_rekey_child,
    Place.REKEY_IKE: in_rekey_ike,
    Place.DELETE: in_delete,
    Place.TOLD: told_in_request,
    Place.UNPROTECTED: unprotected,
}
DIFFERENT = [(n, place) for n, row in TABLE.items() for place in row]
USUAL = [(n, place) for n in ERRORS for place in Place if (n, place) not in DIFFERENT]
FEW = [(n, p) for n, p in USUAL if n in (N.NO_PROPOSAL_CHOSEN, N.TS_UNACCEPTABLE, N.INVALID_SPI)]


def named(value: object) -> str:
    return value.name if isinstance(value, N | Place) else ""


@pytest.mark.parametrize(("notify_type", "place"), DIFFERENT + FEW, ids=named)
def test_cells_of_the_table(notify_type: N, place: Place) -> None:
    assert PLACES[place](notify(notify_type)) is effect(notify_type, place)


@pytest.mark.slow
@pytest.mark.parametrize("place", Place, ids=named)
def test_all_other_cells(place: Place) -> None:
    for notify_type in ERRORS:
        if (notify_type, place) not in DIFFERENT:
            assert PLACES[place](notify(notify_type)) is RULE[place], notify_type


def test_status_types_in_any_request_and_unknown_types() -> None:
    """§3.10.1: unknown status types are ignored, and unknown errors in requests too."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    adversary.victim.events()
    unknown = [3, 9999, 16383, 20000, 40960, 65535]
    for number in [*STATUSES, *unknown]:
        answer = adversary.exchange(ExchangeType.INFORMATIONAL, [Notify(number, b"data")])
        assert answer is not None, number
        assert not [p for p in answer if isinstance(p, Notify) and p.is_error], number
        assert not adversary.victim.events()
    assert len(adversary.victim.ike_sas()[0].children) == 1


@pytest.mark.parametrize("number", [3, 8191, 16383])
def test_an_unknown_error_in_an_answer_fails_the_attempt(number: int) -> None:
    network = established()
    Puppet(network, ExchangeType.CREATE_CHILD_SA, Notify(number))
    network.left.endpoint.initiate("two", network.now)
    network.run(1)
    failed = network.left.one(AttemptFailed)
    assert failed.reason is FailureReason.REFUSED
    assert str(number) in failed.detail


def test_an_error_beside_the_identity_in_ike_auth_fails_the_child_alone() -> None:
    """§1.2: the IKE SA is made all the same."""
    network = Network(left_peer(ONE), right_peer(mirrored(TWO, "r-two")))
    network.left.endpoint.initiate("one", network.now)
    network.run(1)
    assert network.left.one(AttemptFailed).reason is FailureReason.TS_UNACCEPTABLE
    assert len(network.left.endpoint.ike_sas()) == 1


class TestNoAdditionalSas:
    CHILDREN = tuple(child(f"c{n}", f"10.{n}.0.0/16", f"10.{100 + n}.0.0/16") for n in range(10))

    def network(self, per_ike_sa: int, ike_sas: int = 8) -> Network:
        settings = Settings(children_per_ike_sa=per_ike_sa, ike_sas_per_peer=ike_sas)
        network = Network(
            left_peer(*self.CHILDREN),
            right_peer(*(mirrored(c, f"r-{c.name}") for c in self.CHILDREN)),
            settings=settings,
        )
        for one in self.CHILDREN:
            network.left.endpoint.initiate(one.name, network.now)
        network.run(5)
        return network

    @pytest.mark.parametrize("per_ike_sa", [1, 4, 10])
    def test_further_children_go_into_further_ike_sas(self, per_ike_sa: int) -> None:
        wanted = -(-10 // per_ike_sa)
        network = self.network(per_ike_sa, ike_sas=10)
        assert len(live(network, "left")) == len(live(network, "right")) == 10
        counts = [len(sa.children) for sa in network.left.endpoint.ike_sas()]
        assert len(counts) == wanted
        assert max(counts) <= per_ike_sa
        assert not network.left.of(AttemptFailed)
        network.run(60)
        assert len(live(network, "left")) == 10

    def test_not_without_end(self) -> None:
        network = self.network(3, ike_sas=2)
        assert len(live(network, "left")) == 6
        failed = network.left.of(AttemptFailed)
        assert len(failed) == 4
        assert "no more CHILD_SAs in 2 IKE SAs" in failed[0].detail

    def test_room_is_used_again(self) -> None:
        network = self.network(5)
        gone, spi = next((e.child, e.spi_in) for e in network.left.of(ChildSaEstablished))
        network.left.endpoint.delete_child(spi, network.now)
        network.run(1)
        network.left.endpoint.initiate(gone, network.now)
        network.run(1)
        assert len(live(network, "left")) == 10
        assert len(network.left.endpoint.ike_sas()) == 2

    def test_a_rekeyed_ike_sa_is_full_too(self) -> None:
        network = self.network(5)
        sent = len(network.sent)
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(60)
        assert len(live(network, "left")) == 10
        assert len(network.left.endpoint.ike_sas()) == 2
        assert len(network.sent) - sent < 40

    @pytest.mark.parametrize("refusals", [2, 3])
    def test_a_new_ike_sa_that_has_no_room_for_all_gets_company(self, refusals: int) -> None:
        """The rekey is refused, and then further CHILD_SAs in the one made in its stead."""
        network = Network(
            left_peer(*self.CHILDREN[:3]),
            right_peer(*(mirrored(c, f"r-{c.name}") for c in self.CHILDREN[:3])),
        )
        for one in self.CHILDREN[:3]:
            network.left.endpoint.initiate(one.name, network.now)
        network.run(2)
        told = notify(N.NO_ADDITIONAL_SAS)
        puppet = Puppet(network, ExchangeType.CREATE_CHILD_SA, told, times=refusals)
        network.left.endpoint.rekey_peer("right", network.now)
        network.run(5)
        assert puppet.done == refusals
        assert sorted(n for n, _, _ in live(network, "left")) == ["c0", "c1", "c2"]
        assert never_without(network.left)
        assert network.left.one(IkeSaClosed).reason is DeletionReason.REAUTHENTICATED
        assert len(network.left.endpoint.ike_sas()) == 2


class TestInvalidSpi:
    """§1.5: ESP has come to the peer with an SPI that it does not know."""

    def told(self, data: bytes, age: float = 10.0) -> list[object]:
        adversary = Adversary(Endpoint([right_peer()]))
        adversary.establish()
        adversary.victim.events()
        adversary.now += age
        adversary.exchange(ExchangeType.INFORMATIONAL, [Notify(N.INVALID_SPI, data)])
        return list(adversary.victim.events())

    def test_the_child_is_deleted_at_both_ends(self) -> None:
        (deleted,) = self.told(u32(0x01020304))
        assert isinstance(deleted, ChildSaDeleted)
        assert deleted.reason is DeletionReason.PEER

    @pytest.mark.parametrize("data", [b"", u32(5), u32(0x01020304) + b"x", bytes(2000)])
    def test_other_spis(self, data: bytes) -> None:
        assert self.told(data) == []

    def test_one_so_new_that_the_peer_may_not_have_it_yet(self) -> None:
        assert self.told(u32(0x01020304), age=1.0) == []

    def forge(self, network: Network, spi_out: int, source: object = RIGHT) -> None:
        header = Header(0x77, 0x88, 0, ExchangeType.INFORMATIONAL, HeaderFlag.INITIATOR, 0, 0)
        told = Notify(N.INVALID_SPI, u32(spi_out), ProtocolId.NONE)
        packet = Message(header, (told,)).serialize()
        network.inject(Datagram(at(source), at(LEFT), packet))  # type: ignore[arg-type]

    def test_unprotected_it_is_a_reason_to_ask_whether_the_peer_is_there(self) -> None:
        """§2.4: and never answered, and rationed."""
        network = established()
        spi_out = network.left.one(ChildSaEstablished).spi_out
        sent = len(network.sent)
        for _ in range(20):
            self.forge(network, spi_out)
        network.run(0.5)
        exchanges = [Header.parse(d.payload) for d in network.sent[sent:]]
        assert [(h.exchange_type, h.is_response) for h in exchanges] == [(37, False), (37, True)]
        assert len(live(network, "left")) == 1

    def test_unprotected_and_the_peer_has_lost_its_state(self) -> None:
        network = established()
        spi_out = network.left.one(ChildSaEstablished).spi_out
        network.restart(RIGHT, right_peer(mirrored(ONE, "r-one")))
        self.forge(network, spi_out)
        network.run(40)
        assert network.left.one(ChildSaDeleted).reason is DeletionReason.LIVENESS

    @pytest.mark.parametrize("wrong", ["spi", "source"])
    def test_unprotected_about_nothing(self, wrong: str) -> None:
        network = established()
        spi_out = network.left.one(ChildSaEstablished).spi_out
        sent = len(network.sent)
        self.forge(network, spi_out ^ (wrong == "spi"), LEFT if wrong == "source" else RIGHT)
        network.run(0.5)
        assert len(network.sent) == sent


def test_padding_against_traffic_analysis_that_the_peer_does_not_take_is_noted() -> None:
    """ESP_TFC_PADDING_NOT_SUPPORTED (§1.3.1)."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    refuses = Notify(N.ESP_TFC_PADDING_NOT_SUPPORTED)
    payloads: Sequence[Payload] = [*adversary.child_request(), refuses]
    assert adversary.exchange(ExchangeType.CREATE_CHILD_SA, payloads)
    (sa,) = adversary.victim.ike_sas()
    assert [c.tfc_padding for c in sa.children] == [True, False]


def test_what_we_dont_do_is_not_confirmed() -> None:
    """NON_FIRST_FRAGMENTS_ALSO (§3.10.1), IPCOMP_SUPPORTED (§2.22)."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.establish()
    asked = [Notify(N.NON_FIRST_FRAGMENTS_ALSO), Notify(N.IPCOMP_SUPPORTED, bytes(3))]
    answer = adversary.exchange(ExchangeType.CREATE_CHILD_SA, [*asked, *adversary.child_request()])
    assert answer is not None
    assert [p for p in answer if isinstance(p, Notify)] == []
