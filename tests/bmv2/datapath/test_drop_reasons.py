"""Every drop reason that the program gives can be reached, and is counted under its number."""

import re

import pytest
from scapy.layers.inet import IP, UDP, IPOption
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from bmv2.embedded.model import MeterConfig
from p4src.artefacts import SOURCE_DIR

CASES = {}


def reasons() -> dict[str, int]:
    text = (SOURCE_DIR / "metadata.p4").read_text()
    body = re.search(r"enum bit<8> DropReason \{(.*?)\n\}", text, re.S)[1]
    return {name: int(value) for name, value in re.findall(r"(\w+)\s*=\s*(\d+)", body)}


def case(function):
    CASES[function.__name__.upper()] = function
    return function


def esp_packet(router, sequence, inner=None, spi=0x2002, next_header=4, fields=(), **changes):
    """What the peer sends us; `changes` are passed to the encryption."""
    if inner is None:
        inner = bytes(router.inbound()[IP])
    if next_header == 4:
        payload = router.sealed(inner, sequence, spi, **changes)
    else:
        payload = raw_esp(router, spi, sequence, inner + bytes((0, next_header)))
    return router.esp_from_peer(payload, sequence, spi, **dict(fields))


def raw_esp(router, spi, sequence, plaintext):
    """Encrypt a plaintext that `esp.encapsulate` would not make."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    iv = sequence.to_bytes(8, "big")
    nonce = router.SALT.to_bytes(4, "big") + iv
    aad = spi.to_bytes(4, "big") + sequence.to_bytes(4, "big")
    return iv + AESGCM(router.KEY.to_bytes(16, "big")).encrypt(nonce, plaintext, aad)


def protected(router):
    router.protect()
    router.add_sa_out()
    router.add_sa_in()
    router.accept()


@case
def malformed(router):
    router.inject(bytes(router.outbound())[:20])


@case
def unknown_port(router):
    router.inject(router.outbound(), port=3)


@case
def wrong_mac(router):
    packet = router.outbound()
    packet[Ether].dst = "02:00:00:00:00:99"
    router.inject(packet)


@case
def not_ipv4(router):
    router.inject(Ether(src=router.HOST_MAC[1], dst=router.MAC[1], type=0x86DD) / Raw(b"6" * 40))


@case
def bad_checksum(router):
    router.inject(router.outbound(chksum=0x1234))


@case
def ip_options(router):
    router.inject(router.outbound(options=[IPOption(b"\x94\x04\0\0")]))


@case
def not_unicast(router):
    router.inject(router.outbound(dst="224.0.0.5"))


@case
def esp_fragment(router):
    router.inject(esp_packet(router, 1, fields={"flags": "MF"}), port=2)


@case
def nat_keepalive(router):
    keepalive = IP(src="192.0.2.2", dst="192.0.2.1") / UDP(sport=4500, dport=4500) / Raw(b"\xff")
    router.inject(router.from_peer() / keepalive, port=2)


@case
def unknown_spi(router):
    router.inject(esp_packet(router, 1, spi=0x9999), port=2)


@case
def replay(router):
    protected(router)
    packet = esp_packet(router, 1)
    router.inject(packet, port=2)
    assert router.drops() == {}
    router.inject(packet, port=2)


@case
def icv_mismatch(router):
    protected(router)
    router.inject(bytes(esp_packet(router, 1))[:-1] + b"\0", port=2)


@case
def esp_malformed(router):
    protected(router)
    packet = esp_packet(router, 1)
    packet[ESP].data = packet[ESP].data[:25]
    router.inject(packet, port=2)


@case
def esp_algorithm(router):
    router.add_sa_in(encryption=77)
    router.inject(esp_packet(router, 1), port=2)


@case
def esp_dummy(router):
    protected(router)
    router.inject(esp_packet(router, 1, inner=b"\0" * 30, next_header=59), port=2)


@case
def esp_not_tunnel(router):
    protected(router)
    router.inject(esp_packet(router, 1, inner=bytes(UDP()), next_header=17), port=2)


@case
def esp_too_deep(router):
    """ESP in ESP, once more than a packet may go round."""
    protected(router)
    router.accept(source=(router.ip("192.0.2.2"), 0xFFFFFFFF), destination=(0, 0))
    packet = esp_packet(router, 5)
    for sequence in (4, 3, 2, 1):
        packet = esp_packet(router, sequence, inner=bytes(packet[IP]))
    router.inject(packet, port=2)


@case
def selector_mismatch(router):
    protected(router)
    other = bytes(router.inbound(src="10.9.9.9")[IP])
    router.inject(esp_packet(router, 1, inner=other), port=2)


@case
def ecn_illegal(router):
    """RFC 6040 §4.2: congestion was marked on a packet whose sender does not know ECN."""
    protected(router)
    router.inject(esp_packet(router, 1, fields={"tos": 3}), port=2)


@case
def clear_not_allowed(router):
    """PM-1: passive mode is off."""
    router.protect()
    router.inject(router.inbound(), port=2)


@case
def policy_discard(router):
    router.add("spd_out", "discard", {"crypto_map": router.CRYPTO_MAP}, priority=1)
    router.inject(router.outbound())


@case
def no_route(router):
    router.inject(router.outbound(dst="172.16.0.1"))


@case
def ttl_expired(router):
    router.inject(router.outbound(ttl=1))


@case
def no_sa(router):
    router.protect()
    router.inject(router.outbound())


@case
def no_sa_hold(router):
    router.protect()
    router.add("no_sa", "hold", {"packet_type": 5})
    router.inject(router.outbound())


@case
def sequence_exhausted(router):
    router.protect()
    router.add_sa_out(sequence_limit=1)
    router.inject(router.outbound())
    assert router.drops() == {}
    router.inject(router.outbound())


@case
def too_big(router):
    router.protect()
    router.add_sa_out(inner_mtu=100)
    router.inject(router.outbound())


@case
def punt_limited(router):
    router.limit("punt_meter", 1, MeterConfig(0, 0, 0, 0))
    router.inject(Ether(dst="ff:ff:ff:ff:ff:ff", src=router.HOST_MAC[1]) / ARP(pdst="10.0.1.1"))


@case
def not_for_us(router):
    router.inject(router.outbound(dst="10.0.1.1"))


@case
def unknown_interface(router):
    router.add("route", "connected", {"prefix": (router.ip("10.7.0.0"), 16)}, {"interface_id": 99})
    router.inject(router.outbound(dst="10.7.0.1"))


@case
def ipsec_failed(router):
    router.protect()
    router.add_sa_out(encryption=77)
    router.inject(router.outbound())


def given_reasons() -> set[str]:
    """The reasons that the program's stages give."""
    text = "".join(path.read_text() for path in SOURCE_DIR.glob("*.p4"))
    return set(re.findall(r"\bDROP\((\w+)\)", text)) & reasons().keys()


@pytest.mark.parametrize("name", sorted(given_reasons()))
def test_reason_is_reached_and_counted(blank_router, name):
    if name not in CASES:
        pytest.fail(f"no test drops a packet because of {name}")
    router = blank_router.set_up(crypto_map=blank_router.CRYPTO_MAP)
    CASES[name](router)
    assert router.drops() == {reasons()[name]: 1}


def test_all_cases_are_reasons():
    assert CASES.keys() <= reasons().keys()


def test_drop_counter_counts_bytes_of_the_frame(router):
    packet = router.outbound(dst="172.16.0.1")
    router.inject(packet)
    (counter,) = [c for n, c in router.program.counters.items() if n.endswith("drop_counter")]
    assert counter.cells[21].bytes == len(packet)
