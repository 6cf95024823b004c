"""ESP for an SPI that is on offer, before the controller knows its keys."""

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether

from bmv2.embedded.model import MeterConfig

SPI = 0x2002
PUNT_EARLY_ESP = 8
UNKNOWN_SPI, PUNT_LIMITED = 10, 28
CPU_PORT = 510
THROUGH_THE_PIPELINE = bytes(3)  # a packet-out header without an interface


@pytest.fixture
def offering(ipsec_router):
    """SPI is on offer to the peer."""
    match = {"destination": ipsec_router.ip("192.0.2.1"), "spi": SPI}
    ipsec_router.offer = ipsec_router.add("sad_in", "await_keys", match)
    return ipsec_router


def early(router, spi=SPI, udp=False):
    """What the peer sends as soon as it has answered."""
    sa = SecurityAssociation(
        ESP,
        spi=spi,
        crypt_algo="AES-GCM",
        crypt_key=router.KEY.to_bytes(16, "big") + router.SALT.to_bytes(4, "big"),
        tunnel_header=IP(src="192.0.2.2", dst="192.0.2.1"),
        nat_t_header=UDP(sport=4500, dport=4500) if udp else None,
    )
    return Ether(bytes(router.from_peer() / sa.encrypt(router.inbound()[IP])))


def establish(router):
    """Put the SA in the place of its offer, as the controller does."""
    other = router.add_sa_in(spi=SPI + 1)
    router.table("sad_in").modify(router.offer.match, 0, other.action, other.params)
    router.accept()


@pytest.mark.parametrize("udp", [False, True])
def test_early_packet_waits_at_the_controller_and_goes_on_from_there(offering, udp):
    packet = early(offering, udp=udp)
    offering.inject(packet, port=2)
    (punted,) = offering.take_punted()
    assert (punted.reason, punted.interface_id, punted.sa_id) == (PUNT_EARLY_ESP, 2, 0)
    assert punted.frame == bytes(packet)
    establish(offering)
    offering.inject(THROUGH_THE_PIPELINE + punted.frame, port=CPU_PORT)
    ((port, frame),) = offering.sent
    assert port == 1
    assert Ether(frame)[UDP].payload == offering.inbound()[UDP].payload
    assert offering.drops() == {}


def test_sent_back_too_soon_it_comes_again(offering):
    packet = bytes(early(offering))
    offering.inject(THROUGH_THE_PIPELINE + packet, port=CPU_PORT)
    assert [punted.frame for punted in offering.punted] == [packet]


def test_sent_back_after_the_offer_has_ended_it_is_dropped(offering):
    offering.table("sad_in").delete(offering.offer.match, 0)
    offering.inject(THROUGH_THE_PIPELINE + bytes(early(offering)), port=CPU_PORT)
    assert (offering.sent, offering.drops()) == ([], {UNKNOWN_SPI: 1})


def test_other_spis_are_unknown_meanwhile(offering):
    offering.inject(early(offering, spi=SPI + 1), port=2)
    assert (offering.punted, offering.drops()) == ([], {UNKNOWN_SPI: 1})


def test_a_flood_by_a_pending_spi_is_metered(offering):
    offering.limit("punt_meter", PUNT_EARLY_ESP, MeterConfig(0, 0, 0, 0))
    offering.inject(early(offering), port=2)
    assert (offering.punted, offering.drops()) == ([], {PUNT_LIMITED: 1})
