"""Primitives by published vectors, key derivation by computing it again without our code."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from ike_network import LEFT, Network, left_peer, right_peer

from ike.codec.authentication import Authentication
from ike.codec.chain import find, parse_chain
from ike.codec.header import Header
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.config import EncryptionAlgorithm, IkeProposal, Integrity, KeyExchange, Prf
from ike.crypto import encryption, integrity, modp
from ike.crypto.aes_mac import xcbc
from ike.crypto.errors import IntegrityError
from ike.crypto.key_exchange import generate
from ike.crypto.message_cipher import MessageCipher, message_cipher
from ike.crypto.prf import compute, nonce_key, prf_plus
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished


def fixed(value: bytes) -> Callable[[int], bytes]:
    return lambda length: value.rjust(length, b"\0")


def test_curve25519_vector() -> None:
    """RFC 7748 §5.2."""
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    peer = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    shared = generate(KeyExchange.CURVE25519, fixed(scalar)).finish(peer)
    assert shared.hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


def test_secp256r1_vector() -> None:
    """RFC 5903 §8.1: public values are x | y, the shared secret is x alone."""
    i = int("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433", 16)
    r = int("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53", 16)
    initiator = generate(KeyExchange.SECP256R1, fixed((i - 1).to_bytes(40, "big")))
    responder = generate(KeyExchange.SECP256R1, fixed((r - 1).to_bytes(40, "big")))
    assert initiator.public.hex().upper() == (
        "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
        "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"
    )
    assert responder.public.hex().upper() == (
        "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"
    )
    shared = initiator.finish(responder.public)
    assert shared == responder.finish(initiator.public)
    assert shared.hex().upper() == (
        "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"
    )


@pytest.mark.parametrize(
    ("prf", "digest"),
    [
        (Prf.HMAC_SHA2_256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            Prf.HMAC_SHA2_384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
            "8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            Prf.HMAC_SHA2_512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ],
)
def test_prf_vectors(prf: Prf, digest: str) -> None:
    """RFC 4868 §2.7.2 (RFC 4231 case 2)."""
    assert compute(prf, b"Jefe", b"what do ya ", b"want for nothing?").hex() == digest


def test_prf_plus_has_an_end() -> None:
    with pytest.raises(ValueError, match="255 blocks"):
        prf_plus(Prf.HMAC_SHA2_256, b"k", b"s", 255 * 32 + 1)
    assert len(prf_plus(Prf.HMAC_SHA2_256, b"k", b"s", 255 * 32)) == 255 * 32


HASH = {
    Prf.HMAC_SHA1: "sha1",
    Prf.HMAC_SHA2_256: "sha256",
    Prf.HMAC_SHA2_384: "sha384",
    Prf.HMAC_SHA2_512: "sha512",
}


def expand(name: str, key: bytes, seed: bytes, length: int) -> bytes:
    """prf+ as RFC 7296 §2.13 writes it, on the standard library."""
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(key, block + seed + bytes([counter]), name)
        output += block
        counter += 1
    return output[:length]


@pytest.mark.parametrize("prf", list(HASH))
@pytest.mark.parametrize("bits", [128, 256])
def test_a_handshake_computed_again(prf: Prf, bits: int) -> None:
    """SKEYSEED, SK_*, AUTH and KEYMAT (RFC 7296 §2.14, §2.15, §2.17), from what is on the wire."""
    gcm = EncryptionAlgorithm.AES_GCM_16
    proposals = (IkeProposal(((gcm, bits),), (prf,), (KeyExchange.CURVE25519,)),)
    network = Network(
        replace(left_peer(), proposals=proposals), replace(right_peer(), proposals=proposals)
    )
    drawn: list[bytes] = []
    source = network.random.randbytes

    def recorded(length: int) -> bytes:
        drawn.append(source(length))
        return drawn[-1]

    network.left.endpoint = Endpoint(
        [replace(left_peer(), proposals=proposals)], random_bytes=recorded
    )
    network.left.endpoint.initiate("net", network.now)
    network.run(2)
    request, response, auth_request, auth_response = (d.payload for d in network.sent)

    first, second = Message.parse(request).payloads, Message.parse(response).payloads
    ni, nr = (need(p, Nonce).data for p in (first, second))
    public = need(first, KeyExchangePayload).data
    private = next(
        key
        for key in (X25519PrivateKey.from_private_bytes(d) for d in drawn if len(d) == 32)
        if key.public_key().public_bytes_raw() == public
    )
    peer_public = X25519PublicKey.from_public_bytes(need(second, KeyExchangePayload).data)
    shared = private.exchange(peer_public)

    name, size, material = HASH[prf], hmac.new(b"", b"", HASH[prf]).digest_size, bits // 8 + 4
    skeyseed = hmac.digest(ni + nr, shared, name)
    spis = response[:16]
    keys = expand(name, skeyseed, ni + nr + spis, 3 * size + 2 * material)
    sk_d, rest = keys[:size], keys[size:]
    sk_ei, sk_er = rest[:material], rest[material : 2 * material]
    sk_pi, sk_pr = rest[2 * material :][:size], rest[2 * material :][size:]

    inside = [opened(auth_request, sk_ei), opened(auth_response, sk_er)]
    psk = hmac.digest(b"a shared secret", b"Key Pad for IKEv2", name)
    identity = need(inside[0], IdentificationInitiator).serialize()
    octets = request + nr + hmac.digest(sk_pi, identity, name)
    assert need(inside[0], Authentication).data == hmac.digest(psk, octets, name)
    identity = need(inside[1], IdentificationResponder).serialize()
    octets = response + ni + hmac.digest(sk_pr, identity, name)
    assert need(inside[1], Authentication).data == hmac.digest(psk, octets, name)

    keymat = expand(name, sk_d, ni + nr, 72)
    made = network.left.one(ChildSaEstablished)
    outbound = made.key_out.reveal() + made.salt_out.reveal()
    inbound = made.key_in.reveal() + made.salt_in.reveal()
    assert outbound + inbound == keymat


def need(payloads: tuple[object, ...], kind: type) -> object:
    found = find(payloads, kind)  # type: ignore[arg-type]  # payloads
    assert found is not None
    return found


def opened(message: bytes, material: bytes) -> tuple[object, ...]:
    """Decrypt as RFC 5282 says: AAD up to the SK payload's generic header, 8 bytes of IV."""
    first = message[28]
    aad, iv, sealed = message[:32], message[32:40], message[40:]
    plain = AESGCM(material[:-4]).decrypt(material[-4:] + iv, sealed, aad)
    return parse_chain(plain, first, 0, len(plain) - 1 - plain[-1])


def test_ivs_never_repeat() -> None:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(200)
    ivs = [
        (d.source.address, d.payload[32:40])
        for d in network.sent
        if Header.parse(d.payload).exchange_type != 34
    ]
    assert len(ivs) > 20
    assert len(ivs) == len(set(ivs))
    assert any(address == LEFT for address, _ in ivs)


def cipher(algorithm: EncryptionAlgorithm, bits: int, seed: int = 1) -> MessageCipher:
    spec = encryption.spec(algorithm, bits)
    source = random.Random(seed).randbytes
    material = bytes(range(spec.material_length))
    check = None if spec.is_aead else integrity.spec(Integrity.HMAC_SHA2_256_128)
    key = bytes(check.key_length) if check else b""
    return message_cipher(algorithm, bits, material, check, key, source)


@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [(a, b) for a in EncryptionAlgorithm for b in (128, 192, 256) if encryption.is_known(a, b)],
)
def test_a_body_that_does_not_verify(algorithm: EncryptionAlgorithm, bits: int) -> None:
    receiver, sender = cipher(algorithm, bits), cipher(algorithm, bits)
    plain = bytes(3 * 16)
    sealed = sender.seal(b"associated", plain)
    assert len(sealed) == len(plain) + sender.overhead
    assert receiver.open(b"associated", sealed) == plain
    assert sender.seal(b"associated", plain) != sealed, "another IV each time"
    with pytest.raises(IntegrityError):
        receiver.open(b"Associated", sealed)
    for length in range(len(sealed)):
        with pytest.raises(IntegrityError):
            receiver.open(b"associated", sealed[:length])
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(IntegrityError):
            receiver.open(b"associated", bytes(changed))


def test_chacha20_poly1305_vector() -> None:
    """RFC 7634 appendix B, but for the message: key, salt and IV make the nonce of RFC 8439."""
    key = bytes.fromhex("80ba3192c803ce965ea371d5ff073cf0f43b6a2ab576b208426e11409c09b9b0")
    salt = bytes.fromhex("4da5bf8d")
    receiver = message_cipher(
        EncryptionAlgorithm.CHACHA20_POLY1305, 256, key + salt, None, b"", random.randbytes
    )
    iv = bytes.fromhex("10d5ab73c2a1ab85")
    sealed = ChaCha20Poly1305(key).encrypt(salt + iv, b"plain", b"associated")
    assert receiver.open(b"associated", iv + sealed) == b"plain"


COUNTING = bytes(range(64))


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "75f0251d528ac01c4573dfd584d79f29"),
        (3, "5b376580ae2f19afe7219ceef172756f"),
        (16, "d2a246fa349b68a79998a4394ff7a263"),
        (20, "47f51b4564966215b8985c63055ed308"),
        (32, "f54f0ec8d2b9f3d36807734bd5283fd4"),
        (34, "becbb3bccdb518a30677d5481fb6b4d8"),
    ],
)
def test_aes_xcbc_vectors(length: int, mac: str) -> None:
    """RFC 3566 §4.6."""
    assert xcbc(COUNTING[:16], COUNTING[:length]).hex() == mac


@pytest.mark.parametrize(
    ("prf", "key", "output"),
    [
        (Prf.AES128_XCBC, COUNTING[:16], "47f51b4564966215b8985c63055ed308"),
        (Prf.AES128_XCBC, COUNTING[:10], "0fa087af7d866e7653434e602fdde835"),
        (Prf.AES128_XCBC, COUNTING[:16] + b"\xed\xcb", "8cd3c93ae598a9803006ffb67c40e9e4"),
        (Prf.AES128_CMAC, COUNTING[:16], "980ae87b5f4c9c5214f5b6a8455e4c2d"),
        (Prf.AES128_CMAC, COUNTING[:10], "290d9e112edb09ee141fcf64c0b72f3d"),
        (Prf.AES128_CMAC, COUNTING[:16] + b"\xed\xcb", "84a348a4a45d235babfffc0d2b4da09a"),
    ],
)
def test_aes_prf_vectors(prf: Prf, key: bytes, output: str) -> None:
    """RFC 4434 §2, RFC 4615 §4."""
    assert compute(prf, key, COUNTING[:20]).hex() == output


def test_a_prf_with_a_fixed_key_takes_half_of_it_from_each_nonce() -> None:
    """RFC 7296 §2.14, RFC 4434 §2."""
    one, other = bytes([1] * 32), bytes([2] * 32)
    assert nonce_key(Prf.AES128_XCBC, one, other) == bytes([1] * 8 + [2] * 8)
    assert nonce_key(Prf.HMAC_SHA2_256, one, other) == one + other


def test_modp_2048_is_the_prime_of_rfc_3526() -> None:
    prime = modp.prime(KeyExchange.MODP2048)
    text = f"{prime:0512X}"
    assert text.startswith("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74")
    assert text.endswith("15728E5A8AACAA68FFFFFFFFFFFFFFFF")


@pytest.mark.parametrize("bits", [1024, 1536, 2048, 3072])
def test_modp_primes_are_safe(bits: int) -> None:
    """By Fermat's test to a few bases, for p and for (p - 1) / 2."""
    p = modp.prime(KeyExchange[f"MODP{bits}"])
    assert p.bit_length() == bits
    q = (p - 1) // 2
    for base in (2, 3):
        assert pow(base, p - 1, p) == 1
        assert pow(base, q - 1, q) == 1


@pytest.mark.parametrize("bits", [4096, 6144, 8192])
def test_the_large_modp_primes_look_right(bits: int) -> None:
    p = modp.prime(KeyExchange[f"MODP{bits}"])
    assert p.bit_length() == bits
    assert p % 8 == 7, "2 generates the subgroup of order (p - 1) / 2"
