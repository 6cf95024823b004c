"""Key exchange methods: both ends agree, and no value from the network does harm (RFC 6989)."""

from __future__ import annotations

import random
from hashlib import sha3_512, shake_256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ike.config import KeyExchange
from ike.crypto import key_exchange, mlkem, modp
from ike.crypto.errors import KeyExchangeError

LENGTHS = {
    KeyExchange.MODP1024: (128, 128, 128),
    KeyExchange.MODP1536: (192, 192, 192),
    KeyExchange.MODP2048: (256, 256, 256),
    KeyExchange.MODP3072: (384, 384, 384),
    KeyExchange.MODP4096: (512, 512, 512),
    KeyExchange.MODP6144: (768, 768, 768),
    KeyExchange.MODP8192: (1024, 1024, 1024),
    KeyExchange.SECP256R1: (64, 64, 32),
    KeyExchange.SECP384R1: (96, 96, 48),
    KeyExchange.SECP521R1: (132, 132, 66),
    KeyExchange.CURVE25519: (32, 32, 32),
    KeyExchange.CURVE448: (56, 56, 56),
    KeyExchange.ML_KEM_768: (1184, 1088, 32),
    KeyExchange.ML_KEM_1024: (1568, 1568, 32),
}
"""Bytes of the initiator's value, of the responder's, and of the secret."""

FAST = [m for m in KeyExchange if m not in modp.GROUPS] + [KeyExchange.MODP2048]
CURVES = [KeyExchange.SECP256R1, KeyExchange.SECP384R1, KeyExchange.SECP521R1]


def generate(method: KeyExchange, seed: int = 1) -> key_exchange.PrivateValue:
    return key_exchange.generate(method, random.Random(seed).randbytes)


def respond(method: KeyExchange, value: bytes) -> tuple[bytes, bytes]:
    """Give the answer and the secret."""
    public, shared = key_exchange.respond(method, value, random.Random(2).randbytes)
    return public, shared.reveal()


def refused_by_both(method: KeyExchange, value: bytes) -> None:
    """Whichever end gets it."""
    with pytest.raises(KeyExchangeError):
        respond(method, value)
    with pytest.raises(KeyExchangeError):
        generate(method).finish(value)


@pytest.mark.parametrize("method", KeyExchange, ids=lambda m: m.name)
def test_both_ends_agree(method: KeyExchange) -> None:
    initiator = generate(method)
    public, shared = respond(method, initiator.public)
    assert initiator.finish(public) == shared
    assert (len(initiator.public), len(public), len(shared)) == LENGTHS[method]
    assert any(shared)


@pytest.mark.parametrize("method", FAST, ids=lambda m: m.name)
def test_values_of_the_wrong_length(method: KeyExchange) -> None:
    initiator = generate(method)
    answer = respond(method, initiator.public)[0]
    for wrong in (b"", answer[:-1], answer + b"\0", bytes(65_000)):
        with pytest.raises(KeyExchangeError):
            initiator.finish(wrong)
    for wrong in (b"", initiator.public[:-1], initiator.public + b"\0", bytes(65_000)):
        with pytest.raises(KeyExchangeError):
            respond(method, wrong)


@pytest.mark.parametrize(
    "method", [m for m in FAST if m not in mlkem.METHODS], ids=lambda m: m.name
)
def test_our_own_value_is_not_the_peers(method: KeyExchange) -> None:
    private = generate(method)
    with pytest.raises(KeyExchangeError, match="our own"):
        private.finish(private.public)


@pytest.mark.parametrize("bits", [1024, 2048])
def test_modp_values_that_give_a_known_secret(bits: int) -> None:
    """RFC 6989 §2.1, CVE-2015-3240: 0, 1, p - 1, p and above."""
    method = KeyExchange[f"MODP{bits}"]
    p = modp.prime(method)
    for bad in (0, 1, p - 1, p, p + 1, p + 2, (1 << bits) - 1):
        refused_by_both(method, bad.to_bytes(bits // 8, "big"))


@pytest.mark.parametrize("method", CURVES, ids=lambda m: m.name)
def test_points_that_are_on_no_curve(method: KeyExchange) -> None:
    """RFC 6989 §2.3."""
    point = generate(method, seed=3).public
    half = len(point) // 2
    for bad in (
        bytes(len(point)),
        point[:half] + point[half:][::-1],
        point[half:] + point[:half],
        point[:-1] + bytes([point[-1] ^ 1]),
        b"\xff" * len(point),  # coordinates beyond the prime
    ):
        refused_by_both(method, bad)


@pytest.mark.parametrize(
    ("method", "values"),
    [
        (
            # 0, 1, p - 1, p, p + 1 and the two points of order 8.
            KeyExchange.CURVE25519,
            [
                bytes(32),
                b"\1" + bytes(31),
                *((2**255 - 19 + n).to_bytes(32, "little") for n in (-1, 0, 1)),
                bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
                bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
            ],
        ),
        (
            KeyExchange.CURVE448,
            [
                bytes(56),
                b"\1" + bytes(55),
                *((2**448 - 2**224 - 1 + n).to_bytes(56, "little") for n in (-1, 0, 1)),
            ],
        ),
    ],
    ids=["CURVE25519", "CURVE448"],
)
def test_points_of_low_order(method: KeyExchange, values: list[bytes]) -> None:
    """RFC 8031 §2: an all-zero secret is refused."""
    for value in values:
        refused_by_both(method, value)


@pytest.mark.parametrize("method", sorted(mlkem.METHODS), ids=lambda m: m.name)
def test_an_encapsulation_key_that_is_not_reduced(method: KeyExchange) -> None:
    """FIPS 203 §7.2, the modulus check: coefficients of 12 bits below q = 3329."""
    key = generate(method).public
    for bad in (b"\xff" * len(key), b"\x01\x0d" + key[2:], key[:-36] + b"\xff\xff" + key[-34:]):
        with pytest.raises(KeyExchangeError):
            respond(method, bad)


@pytest.mark.parametrize("method", sorted(mlkem.METHODS), ids=lambda m: m.name)
def test_a_ciphertext_for_another_key_gives_another_secret(method: KeyExchange) -> None:
    """FIPS 203 §6.3: implicit rejection, SHAKE256(z | c), the same each time."""
    seed = random.Random(1).randbytes(64)
    private = generate(method)
    ciphertext, shared = respond(method, private.public)
    changed = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    assert private.finish(changed) == shake_256(seed[32:] + changed).digest(32)
    assert private.finish(changed) != shared


def test_the_encapsulation_key_comes_from_the_seed() -> None:
    """FIPS 203 §5.1: (rho, sigma) = G(d | k); the key ends in rho. The rest is OpenSSL's."""
    d = random.Random(1).randbytes(64)[:32]
    for method, k in ((KeyExchange.ML_KEM_768, 3), (KeyExchange.ML_KEM_1024, 4)):
        public = generate(method).public
        assert public[-32:] == sha3_512(d + bytes([k])).digest()[:32]


@given(st.binary(max_size=1600), st.sampled_from(FAST[:-1]))
def test_nothing_but_the_refusal_comes_of_noise(value: bytes, method: KeyExchange) -> None:
    try:
        public, shared = respond(method, value)
    except KeyExchangeError:
        return
    assert public
    assert any(shared)


@pytest.mark.parametrize("bits", [1024, 2048])
def test_modp_by_gmp_is_modp_by_openssl(bits: int) -> None:
    """What takes the place of `cryptography`'s Diffie-Hellman agrees with it, and by itself."""
    method = KeyExchange[f"MODP{bits}"]
    randomness = random.Random(1).randbytes
    assert modp.HAS_OPENSSL
    assert modp.HAS_GMP
    openssl = modp.ModpPrivateValue(method, modp.OpenSslExponent(method, randomness))
    gmp = [modp.ModpPrivateValue(method, modp.GmpExponent(method, randomness)) for _ in range(2)]
    assert gmp[0].public != gmp[1].public
    assert gmp[0].finish(openssl.public) == openssl.finish(gmp[0].public)
    assert gmp[0].finish(gmp[1].public) == gmp[1].finish(gmp[0].public)
    with pytest.raises(KeyExchangeError):
        gmp[0].finish(bytes(bits // 8))


def test_modp_without_cryptographys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modp, "HAS_OPENSSL", False)
    initiator = generate(KeyExchange.MODP2048)
    assert initiator.public == generate(KeyExchange.MODP2048).public, "the randomness is ours"
    public, shared = respond(KeyExchange.MODP2048, initiator.public)
    assert initiator.finish(public) == shared


def test_methods_that_there_are_not() -> None:
    assert key_exchange.known(36) is KeyExchange.ML_KEM_768
    for number in (0, 1, 22, 23, 24, 33, 35, 65535):
        assert key_exchange.known(number) is None
