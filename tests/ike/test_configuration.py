"""Configuration payloads (RFC 7296 §3.15) and Vendor IDs (§3.12)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ike_adversary import Adversary
from ike_network import Network, right_peer

from ike.codec.chain import find, notifies
from ike.codec.configuration import MAX_ATTRIBUTES, Configuration, ConfigurationAttribute
from ike.codec.notify import Notify
from ike.codec.payload import Payload
from ike.codec.registry import ConfigurationAttributeType as Attribute
from ike.codec.registry import ConfigurationType, ExchangeType, NotifyType
from ike.codec.vendor_id import VendorId
from ike.config import Settings
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished, IkeSaEstablished


def established(**options: str) -> Adversary:
    chosen = Settings(**options)  # type: ignore[arg-type]  # what fits
    adversary = Adversary(Endpoint([right_peer()], settings=chosen))
    adversary.establish()
    return adversary


def ask(
    adversary: Adversary, attributes: Iterable[tuple[int, bytes]], kind: int = 1
) -> Configuration | None:
    request = Configuration(kind, tuple(ConfigurationAttribute(*a) for a in attributes))
    answer = adversary.exchange(ExchangeType.INFORMATIONAL, [request])
    assert answer is not None
    assert not notifies(answer)
    return find(answer, Configuration)


def test_the_version_is_told_to_who_asks_if_it_is_configured() -> None:
    reply = ask(established(application_version="p4ipsec 1"), [(7, b"")])
    version = ConfigurationAttribute(Attribute.APPLICATION_VERSION, b"p4ipsec 1")
    assert reply == Configuration(ConfigurationType.REPLY, (version,))


def test_by_default_the_version_is_kept_back() -> None:
    """§3.15.2: an empty string."""
    reply = ask(established(), [(7, b"")])
    assert reply is not None
    assert reply.attributes == (ConfigurationAttribute(Attribute.APPLICATION_VERSION, b""),)


def test_supported_attributes_are_listed() -> None:
    reply = ask(established(), [(14, b"")])
    assert reply is not None
    (supported,) = reply.attributes
    assert supported.value == bytes.fromhex("0007000e")


@pytest.mark.parametrize("attributes", [[], [(1, b""), (3, b"")], [(0x7FFF, b"x")]])
def test_what_we_dont_have_is_left_out(attributes: list[tuple[int, bytes]]) -> None:
    reply = ask(established(), attributes)
    assert reply == Configuration(ConfigurationType.REPLY, ())


def test_nothing_is_set() -> None:
    """§3.15: none accepted is an empty CFG_ACK."""
    answer = ask(established(), [(1, bytes(4))], kind=ConfigurationType.SET)
    assert answer == Configuration(ConfigurationType.ACK, ())


@pytest.mark.parametrize("kind", [0, 2, 4, 5, 255])
def test_replies_that_nobody_asked_for(kind: int) -> None:
    assert ask(established(), [(1, bytes(4))], kind) is None


def test_a_request_for_an_address_in_ike_auth_is_passed_over() -> None:
    """§3.15.4: a router without an address pool; the CHILD_SA is made all the same."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.init()
    asked = Configuration(
        ConfigurationType.REQUEST, (ConfigurationAttribute(Attribute.INTERNAL_IP4_ADDRESS, b""),)
    )
    answer = adversary.exchange(ExchangeType.IKE_AUTH, [*adversary.auth_request(), asked])
    assert answer is not None
    assert find(answer, Configuration) is None
    assert not [n for n in notifies(answer) if n.is_error]
    assert [e for e in adversary.victim.events() if isinstance(e, ChildSaEstablished)]


def test_too_many_attributes_are_malformed() -> None:
    adversary = established()
    many = Configuration(1, (ConfigurationAttribute(7, b""),) * (MAX_ATTRIBUTES + 1))
    answer = adversary.exchange(ExchangeType.INFORMATIONAL, [many])
    assert answer is not None
    assert notifies(answer)[0].notify_type == NotifyType.INVALID_SYNTAX


@given(
    st.integers(0, 255),
    st.lists(st.tuples(st.integers(0, 0x7FFF), st.binary(max_size=40)), max_size=MAX_ATTRIBUTES),
)
@settings(max_examples=12, deadline=None)
def test_any_configuration_is_answered(kind: int, attributes: list[tuple[int, bytes]]) -> None:
    reply = ask(established(application_version="v"), attributes, kind)
    assert reply is None or len(reply.attributes) <= 2


def test_vendor_ids_go_both_ways_and_outlive_a_rekey() -> None:
    network = Network(
        settings=Settings(vendor_id=b"left 1"), right_settings=Settings(vendor_id=b"right 1")
    )
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    network.left.endpoint.rekey_peer("right", network.now)
    network.run(1)
    assert len(network.left.of(IkeSaEstablished)) == 2
    assert network.left.endpoint.ike_sas()[-1].vendor_ids == (b"right 1",)
    assert network.right.endpoint.ike_sas()[-1].vendor_ids == (b"left 1",)


def test_no_vendor_id_by_default() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    for node in (network.left, network.right):
        assert node.endpoint.ike_sas()[0].vendor_ids == ()


def test_what_a_peer_says_of_itself_is_kept_in_bounds() -> None:
    adversary = Adversary(Endpoint([right_peer()]))
    first = [*adversary.first_request(), *(VendorId(bytes([n]) * 2000) for n in range(30))]
    adversary.channel.request(ExchangeType.IKE_SA_INIT, first, adversary.now)
    adversary.deliver()
    (sa,) = adversary.victim.ike_sas()
    assert sum(map(len, sa.vendor_ids)) <= 1024


@pytest.mark.parametrize("too_long", [{"vendor_id": bytes(129)}, {"application_version": "é" * 65}])
def test_what_we_say_of_ourselves_is_short(too_long: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="128 bytes"):
        Settings(**too_long)  # type: ignore[arg-type]  # what fits


def test_a_peer_that_would_fetch_certificates_is_noted() -> None:
    """HTTP_CERT_LOOKUP_SUPPORTED (§3.6)."""
    adversary = Adversary(Endpoint([right_peer()]))
    adversary.init()
    told: list[Payload] = [Notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED)]
    adversary.exchange(ExchangeType.IKE_AUTH, [*adversary.auth_request(), *told])
    (sa,) = adversary.victim.ike_sas()
    assert sa.http_certificates
    assert not established().victim.ike_sas()[0].http_certificates
