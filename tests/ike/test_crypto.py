"""Key derivation computed again without our code, ciphers that do not verify, bad public values."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ike_network import LEFT, Network, left_peer, right_peer

from ike.codec.authentication import Authentication
from ike.codec.chain import find, parse_chain
from ike.codec.header import Header
from ike.codec.identification import IdentificationInitiator, IdentificationResponder
from ike.codec.key_exchange import KeyExchangePayload
from ike.codec.message import Message
from ike.codec.nonce import Nonce
from ike.config import EncryptionAlgorithm, IkeProposal, Integrity, KeyExchange, Prf
from ike.crypto import encryption, integrity
from ike.crypto.errors import IntegrityError
from ike.crypto.message_cipher import MessageCipher, message_cipher
from ike.crypto.prf import nonce_key, prf_plus
from ike.endpoint import Endpoint
from ike.events import ChildSaEstablished


def fixed(value: bytes) -> Callable[[int], bytes]:
    return lambda length: value.rjust(length, b"\0")


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


def test_a_prf_with_a_fixed_key_takes_half_of_it_from_each_nonce() -> None:
    """RFC 7296 §2.14, RFC 4434 §2."""
    one, other = bytes([1] * 32), bytes([2] * 32)
    assert nonce_key(Prf.AES128_XCBC, one, other) == bytes([1] * 8 + [2] * 8)
    assert nonce_key(Prf.HMAC_SHA2_256, one, other) == one + other
