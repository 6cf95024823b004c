"""Every algorithm of the P4 program in tunnel mode, judged by Scapy; extended sequence numbers."""

import pytest
from scapy.layers.inet import IP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether

from bmv2.embedded import esp

SPI_OUT, SPI_IN = 0x1001, 0x2002
REPLAY, ICV_MISMATCH, SEQUENCE_EXHAUSTED = 11, 12, 25
KEY = bytes(range(1, 33))
INTEGRITY_KEY = bytes(range(65, 129))
SALT = bytes([0xA1, 0xB2, 0xC3, 0xD4])

# Scapy's name, our number, bits of key, bytes of salt.
AEADS = [
    *(("AES-GCM", 20, bits, 4) for bits in (128, 192, 256)),
    *(("AES-CCM", 16, bits, 3) for bits in (128, 192, 256)),
    ("CHACHA20-POLY1305", 28, 256, 4),
]
CIPHERS = [
    *(("AES-CBC", 12, bits, 0) for bits in (128, 192, 256)),
    *(("AES-CTR", 13, bits, 4) for bits in (128, 192, 256)),
    ("3DES", 3, 192, 0),
    ("NULL", 11, 0, 0),
]
MACS = [  # Scapy has no AES-XCBC: that one is compared with its RFC's vectors
    ("HMAC-SHA1-96", 2, 20),
    ("AES-CMAC-96", 8, 16),
    ("SHA2-256-128", 12, 32),
    ("SHA2-384-192", 13, 48),
    ("SHA2-512-256", 14, 64),
]
COMBINATIONS = [(cipher, (None, 0, 0)) for cipher in AEADS]
COMBINATIONS += [(cipher, mac) for cipher in CIPHERS for mac in MACS]


def name_of(combination):
    (cipher, _, bits, _), (mac, _, _) = combination
    return f"{cipher}-{bits}" + (f"/{mac}" if mac else "")


def number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def parameters(combination):
    (_, encryption, bits, salt_length), (_, integrity, integrity_key_length) = combination
    return {
        "encryption": encryption,
        "key_length": bits,
        "key_material": number(KEY[: bits // 8]),
        "salt": number(SALT[:salt_length]),
        "integrity": integrity,
        "integrity_key": number(INTEGRITY_KEY[:integrity_key_length]),
    }


def judge(combination, spi, outer):
    (cipher, _, bits, salt_length), (mac, _, integrity_key_length) = combination
    return SecurityAssociation(
        ESP,
        spi=spi,
        crypt_algo=cipher,
        crypt_key=KEY[: bits // 8] + SALT[:salt_length],
        auth_algo=mac,
        auth_key=INTEGRITY_KEY[:integrity_key_length] if mac else None,
        tunnel_header=IP(src=outer[0], dst=outer[1]),
    )


@pytest.mark.parametrize("combination", COMBINATIONS, ids=name_of)
def test_scapy_decrypts_each_algorithm(ipsec_router, combination):
    router = ipsec_router
    router.add_sa_out(**parameters(combination))
    association = judge(combination, SPI_OUT, ("192.0.2.1", "192.0.2.2"))
    for length in (0, 1, 13, 14, 15, 100, 1331):
        packet = router.outbound(payload=b"p" * length)
        router.inject(packet)
        ((_, frame),) = router.take_sent()
        received = Ether(frame)
        assert len(frame) == 14 + received[IP].len
        expected = packet[IP].copy()
        expected.ttl -= 1
        del expected.chksum
        assert bytes(association.decrypt(received[IP])) == bytes(expected)


@pytest.mark.parametrize("combination", COMBINATIONS, ids=name_of)
def test_each_algorithm_of_scapy_is_decrypted(ipsec_router, combination):
    router = ipsec_router
    router.add_sa_in(**parameters(combination))
    router.accept()
    association = judge(combination, SPI_IN, ("192.0.2.2", "192.0.2.1"))
    for length in (0, 1, 14, 100, 1331):
        inner = router.inbound(payload=b"p" * length)[IP]
        router.inject(router.from_peer() / association.encrypt(inner), port=2)
        ((port, frame),) = router.take_sent()
        inner.ttl -= 1
        del inner.chksum
        assert (port, frame[14:]) == (1, bytes(inner))
    forged = association.encrypt(router.inbound()[IP])
    forged[ESP].data = forged[ESP].data[:-1] + bytes([forged[ESP].data[-1] ^ 1])
    router.inject(router.from_peer() / forged, port=2)
    assert router.take_sent() == []
    assert router.drops() == {ICV_MISMATCH: 1}


EXTENDED = [COMBINATIONS[0], (CIPHERS[0], MACS[2])]


class ExtendedSa:
    """A peer with extended sequence numbers, and the router's inbound SA from it."""

    def __init__(self, router, combination):
        self.router = router
        self.parameters = parameters(combination) | {"extended_sequence_numbers": 1}
        router.add_sa_in(**self.parameters)
        router.accept()

    def send(self, sequence: int) -> bool:
        """Send a packet with that number; tell whether it got through."""
        arguments = dict(self.parameters)
        _, payload = esp.encapsulate(
            bytes(self.router.inbound()[IP]),
            key=arguments.pop("key_material"),
            spi=SPI_IN,
            sequence_number=sequence,
            iv=sequence,
            **arguments,
        )
        header = IP(src="192.0.2.2", dst="192.0.2.1", proto=50)
        packet = header / ESP(spi=SPI_IN, seq=sequence & 0xFFFFFFFF, data=payload)
        self.router.inject(self.router.from_peer() / packet, port=2)
        return bool(self.router.take_sent())


@pytest.mark.parametrize("combination", EXTENDED, ids=name_of)
def test_extended_sequence_numbers_go_on_beyond_32_bits(ipsec_router, combination):
    """RFC 4303 Appendix A2: the upper half is inferred, across its changes and below them."""
    sa = ExtendedSa(ipsec_router, combination)
    top = 1 << 32
    for upper in (0, 1, 2):
        base = upper * top
        for sequence in (base + 1, base + top // 2, base + top - 3, base + top - 1):
            assert sa.send(sequence), hex(sequence)
            assert not sa.send(sequence), hex(sequence)
        assert sa.send(base + top + 5)  # the window spans the change
        assert sa.send(base + top - 2)
        assert sa.send(base + top)
        assert not sa.send(base + top - 3)
    assert set(ipsec_router.drops()) <= {REPLAY, ICV_MISMATCH}


@pytest.mark.parametrize("combination", EXTENDED, ids=name_of)
def test_extended_sequence_number_is_not_taken_for_an_older_one(ipsec_router, combination):
    sa = ExtendedSa(ipsec_router, combination)
    top = 1 << 32
    assert sa.send(top - 1)
    assert sa.send(top + 200)
    for old in (201, 200, 1):  # these had the upper half 0: their ICV does not fit 1
        assert not sa.send(old)
    assert sa.send(top + 201)


@pytest.mark.parametrize("combination", EXTENDED, ids=name_of)
def test_first_packets_with_extended_sequence_numbers(ipsec_router, combination):
    """Below the first window there is no upper half to go back to."""
    sa = ExtendedSa(ipsec_router, combination)
    assert not sa.send(0)
    assert sa.send((1 << 32) - 1)
    assert sa.send(1 << 32)


@pytest.mark.parametrize("combination", EXTENDED, ids=name_of)
def test_what_we_send_with_extended_sequence_numbers(ipsec_router, combination):
    """RFC 4303 §2.2.1: the lower half is in the packet, all of it is authenticated."""
    router = ipsec_router
    changes = parameters(combination) | {"extended_sequence_numbers": 1}
    router.add_sa_out(sequence_limit=2**64 - 1, **changes)
    router.inject(router.outbound())
    ((_, frame),) = router.take_sent()
    received = Ether(frame)[ESP]
    assert received.seq == 1
    key = changes.pop("key_material")
    arguments = changes | {"key": key, "spi": SPI_OUT}
    for extended, expected in ((1, esp.EspResult.OK), (0, esp.EspResult.ICV_MISMATCH)):
        arguments["extended_sequence_numbers"] = extended
        result, _, _ = esp.decapsulate(bytes(received.data), sequence_number=1, **arguments)
        assert result is expected
