"""ESP (RFC 4303) with its algorithms, against published packets and their definitions."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from bmv2.embedded import esp
from bmv2.embedded.esp import EspResult
from bmv2.embedded.esp_transform import every_combination, transform

# draft-mcgrew-gcm-test-01 §4, the packets without ESN: key, salt, IV, SPI, sequence number,
# plaintext with its ESP trailer, ciphertext with its ICV.
VECTORS = [
    (
        "feffe9928665731c6d6a8f9467308308", "cafebabe", "facedbaddecaf888", "0000a5f8", "0000000a",
        "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000"
        "037369700963796265726369747902646b00000100010001",
        "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f"
        "51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a",
    ),
    (
        "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "11223344",
        "0102030405060708", "4a2cbfe3", "00000002",
        "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000"
        "020405b40101040201020201",
        "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d34"
        "7f0545659f14e99def842d8eb335f4eecfdbf831824b4c4915956c96",
    ),
    (
        "00000000000000000000000000000000", "00000000", "0000000000000000", "00000000", "00000001",
        "4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c"
        "6d6e6f707172737475767761626364656667686901020201",
        "4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb6"
        "4de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d",
    ),
    (
        "7d773d00c144c525ac619d18c84a3f47", "d9664267", "43457e9182443bc6", "335467ae", "ffffffff",
        "01020201", "437f866bcb3f699fe9b0822bac961c4504bef270",
    ),
]  # fmt: skip


GCM = {
    "encryption": 20,
    "key_length": 128,
    "integrity": 0,
    "integrity_key": 0,
    "extended_sequence_numbers": 0,
}


def arguments(vector):
    key, salt, _, spi, sequence, _, _ = vector
    return {
        **GCM,
        "key_length": 4 * len(key),
        "key": int(key, 16),
        "salt": int(salt, 16),
        "spi": int(spi, 16),
        "sequence_number": int(sequence, 16),
    }


@pytest.mark.parametrize("vector", VECTORS, ids=["128", "256", "zeros", "empty"])
def test_published_packets(vector):
    iv, plaintext, sealed = vector[2], bytes.fromhex(vector[5]), bytes.fromhex(vector[6])
    pad, next_header = plaintext[-2:]
    inner = plaintext[: len(plaintext) - 2 - pad]
    result = esp.encapsulate(inner, iv=int(iv, 16), next_header=next_header, **arguments(vector))
    assert result == (EspResult.OK, bytes.fromhex(iv) + sealed)
    opened = esp.decapsulate(bytes.fromhex(iv) + sealed, **arguments(vector))
    assert opened == (EspResult.OK, next_header, inner)


SA = GCM | {"key": 7, "salt": 8, "spi": 0x100, "sequence_number": 1}


def seal(plaintext: bytes, iv: int = 9) -> bytes:
    """Encrypt any plaintext, trailer included, for `SA`."""
    nonce = SA["salt"].to_bytes(4, "big") + iv.to_bytes(8, "big")
    aad = SA["spi"].to_bytes(4, "big") + SA["sequence_number"].to_bytes(4, "big")
    cipher = AESGCM(SA["key"].to_bytes(16, "big"))
    return iv.to_bytes(8, "big") + cipher.encrypt(nonce, plaintext, aad)


def ipv4(length: int, ihl: int = 5, total: int | None = None) -> bytes:
    header = bytes([0x40 | ihl, 0]) + (length if total is None else total).to_bytes(2, "big")
    return header.ljust(length, b"\xaa")[:length]


@given(data=st.data(), inner=st.binary(max_size=200), iv=st.integers(0, 2**64 - 1))
def test_what_is_encapsulated_comes_out_again(data, inner, iv):
    encryption, key_length, integrity = data.draw(st.sampled_from(every_combination()))
    sa = SA | {
        "encryption": encryption,
        "key_length": key_length,
        "key": data.draw(st.integers(0, 2**256 - 1)),
        "integrity": integrity,
        "integrity_key": data.draw(st.integers(0, 2**512 - 1)),
        "extended_sequence_numbers": data.draw(st.integers(0, 1)),
        "sequence_number": data.draw(st.integers(0, 2**64 - 1)),
    }
    result, payload = esp.encapsulate(inner, iv=iv, next_header=41, **sa)
    assert result is EspResult.OK
    assert esp.decapsulate(payload, **sa) == (EspResult.OK, 41, inner)
    keyed = transform(encryption, key_length, sa["key"], integrity, sa["integrity_key"])
    sealed = len(payload) - keyed.iv_length - keyed.icv_length
    assert sealed % max(4, keyed.block_length) == 0  # RFC 4303 §2.4


def test_every_cipher_of_rfc_8221_is_there():
    names = {
        f"{encryption.name}-{key_length}/{integrity.name}"
        for encryption, key_length, integrity in every_combination()
    }
    assert len(names) == len(every_combination()) == 3 * 6 + 1 + 8 * 6
    assert {"AES_CBC-256/HMAC_SHA2_256_128", "NULL-0/HMAC_SHA2_512_256"} <= names
    assert {"CHACHA20_POLY1305-256/NONE", "AES_CCM_8-128/NONE"} <= names


CBC = SA | {"encryption": 12, "integrity": 12, "integrity_key": 5}


def test_iv_of_cbc_is_unpredictable_and_never_the_same():
    """NIST SP 800-38A, Appendix C: the number, encrypted."""
    ivs = [esp.encapsulate(b"x", iv=iv, **CBC)[1][:16] for iv in range(64)]
    encryptor = Cipher(algorithms.AES(SA["key"].to_bytes(16, "big")), modes.ECB()).encryptor()
    assert ivs == [encryptor.update(iv.to_bytes(16, "big")) for iv in range(64)]


def test_128_bit_key_is_the_low_half():
    low = SA | {"key": SA["key"] | 1 << 200}
    assert esp.encapsulate(b"x", iv=1, **low) == esp.encapsulate(b"x", iv=1, **SA)


@pytest.mark.parametrize("sa", [SA, CBC], ids=["AEAD", "CBC"])
def test_extended_sequence_number_is_authenticated_whole(sa):
    """RFC 4106 §5; RFC 4303 §2.2.1."""
    sa = sa | {"extended_sequence_numbers": 1, "sequence_number": 5 << 32 | 1}
    _, payload = esp.encapsulate(b"x", iv=1, **sa)
    assert esp.decapsulate(payload, **sa)[0] is EspResult.OK
    for other in (1, 6 << 32 | 1, 5 << 32 | 2):
        result, _, _ = esp.decapsulate(payload, **(sa | {"sequence_number": other}))
        assert result is EspResult.ICV_MISMATCH


def test_sequence_number_is_authenticated_by_its_low_half():
    """Without ESN (RFC 4106 §5)."""
    _, payload = esp.encapsulate(b"x", iv=1, **SA)
    assert esp.decapsulate(payload, **(SA | {"sequence_number": 1 << 32 | 1}))[0] is EspResult.OK
    result, _, _ = esp.decapsulate(payload, **(SA | {"sequence_number": 2}))
    assert result is EspResult.ICV_MISMATCH


@pytest.mark.parametrize(
    "wrong",
    [
        {"encryption": 0},
        {"encryption": 255},
        {"key_length": 127},
        {"key_length": 0},
        {"integrity": 12},  # an AEAD has no need of it
        {"encryption": 12},  # which this cipher has
        {"encryption": 12, "integrity": 255},
        {"encryption": 11, "integrity": 12},  # NULL has no key
        {"encryption": 28},
        {"encryption": 3, "integrity": 12},
    ],
    ids=str,
)
def test_unknown_algorithms(wrong):
    sa = SA | wrong
    assert esp.encapsulate(b"x", iv=1, **sa) == (EspResult.UNKNOWN_ALGORITHM, b"")
    assert esp.decapsulate(bytes(64), **sa) == (EspResult.UNKNOWN_ALGORITHM, 0, b"")


@pytest.mark.parametrize("length", [*range(48), 49, 63])
def test_too_short_or_no_whole_blocks(length):
    """IV 16, one block, ICV 16."""
    assert esp.decapsulate(bytes(length), **CBC)[0] is EspResult.MALFORMED
    assert esp.decapsulate(bytes(48), **CBC)[0] is EspResult.ICV_MISMATCH


@pytest.mark.parametrize("length", range(26))
def test_too_short(length):
    assert esp.decapsulate(bytes(length), **SA)[0] is EspResult.MALFORMED


@given(place=st.integers(0, 8 * 60 - 1), sa=st.sampled_from([SA, CBC, CBC | {"integrity": 5}]))
def test_any_changed_bit_is_noticed(place, sa):
    _, payload = esp.encapsulate(ipv4(32), iv=1, **sa)
    changed = int.from_bytes(payload, "big") ^ 1 << place
    result = esp.decapsulate(changed.to_bytes(len(payload), "big"), **sa)
    assert result == (EspResult.ICV_MISMATCH, 0, b"")


@pytest.mark.parametrize(
    "trailer",
    [
        bytes([255, 4]),  # longer than all there is
        bytes([9, 1, 4]),  # the padding counts from 1 (RFC 4303 §2.4)
        bytes([1, 1, 2, 4]),
        bytes([1, 2, 4, 3, 4]),
    ],
)
def test_bad_padding(trailer):
    result = esp.decapsulate(seal(ipv4(24) + trailer), **SA)
    assert result == (EspResult.MALFORMED, 0, b"")


def test_longest_padding():
    padding = bytes(range(1, 256)) + bytes([255, 4])
    assert esp.decapsulate(seal(ipv4(24) + padding), **SA) == (EspResult.OK, 4, ipv4(24))


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (ipv4(40) + b"\0" * 100, 40),  # traffic flow confidentiality, RFC 4303 §2.7
        (ipv4(40), 40),
        (ipv4(40, total=41), 40),  # says more than there is: the router shall drop it
        (ipv4(40, total=19), 40),
        (ipv4(40, ihl=4, total=30), 40),
        (ipv4(40, ihl=9, total=32), 40),
        (ipv4(19, total=19), 19),
        (b"", 0),
        (b"\x60" + bytes(59), 60),
    ],
)
def test_inner_packet_is_cut_to_its_own_length(inner, expected):
    result, next_header, out = esp.decapsulate(seal(inner + bytes([0, 4])), **SA)
    assert (result, next_header, out) == (EspResult.OK, 4, inner[:expected])


def test_dummy_packet():
    """RFC 4303 §2.6: whatever is inside, nobody looks at it."""
    assert esp.decapsulate(seal(b"\0\0\0\0" + bytes([0, 59])), **SA)[:2] == (EspResult.OK, 59)


@given(payload=st.binary(max_size=300))
def test_noise_is_never_accepted(payload):
    result, next_header, inner = esp.decapsulate(payload, **SA)
    assert result in (EspResult.MALFORMED, EspResult.ICV_MISMATCH)
    assert (next_header, inner) == (0, b"")
