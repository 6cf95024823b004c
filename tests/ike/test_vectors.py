"""Primitives and key derivation by published vectors; each file of `vectors/` names its source."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ike.config import EncryptionAlgorithm, Integrity, KeyExchange, Prf
from ike.crypto import integrity, key_exchange, modp
from ike.crypto.errors import IntegrityError
from ike.crypto.message_cipher import message_cipher
from ike.crypto.prf import compute, nonce_key, prf_plus
from ike.types import Secret

_FOLDER = Path(__file__).parent / "vectors"
Vector = dict[str, str]


def vectors(name: str) -> pytest.MarkDecorator:
    loaded = json.loads((_FOLDER / f"{name}.json").read_text())["vectors"]
    return pytest.mark.parametrize("vector", loaded, ids=range(len(loaded)))


def octets(vector: Vector, *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def fixed(value: bytes) -> Callable[[int], bytes]:
    return lambda length: value.rjust(length, b"\0")


@vectors("prf")
def test_prf(vector: Vector) -> None:
    key, data, output = octets(vector, "key", "data", "output")
    assert compute(Prf[vector["prf"]], key, data) == output


@vectors("integrity")
def test_integrity(vector: Vector) -> None:
    key, data, icv = octets(vector, "key", "data", "icv")
    spec = integrity.spec(Integrity[vector["integrity"]])
    assert spec.icv(key, data) == icv
    assert spec.icv_length == len(icv)


@vectors("kdf")
def test_key_derivation(vector: Vector) -> None:
    """SKEYSEED and prf+ (RFC 7296 §2.13, §2.14)."""
    prf = Prf[vector["prf"]]
    (output,) = octets(vector, "output")
    if vector["operation"] == "prf+":
        key, seed = octets(vector, "key", "seed")
        assert prf_plus(prf, key, seed, len(output)) == output
    else:
        nonces, shared = octets(vector, "nonces", "shared")
        half = len(nonces) // 2
        assert compute(prf, nonce_key(prf, nonces[:half], nonces[half:]), shared) == output


@vectors("aead")
def test_aead(vector: Vector) -> None:
    """Key, salt and IV make the nonce (RFC 4106 §4, RFC 5282 §4, RFC 7634 §2)."""
    algorithm, bits = EncryptionAlgorithm[vector["encryption"]], int(vector["bits"])
    key, salt, iv, associated, plaintext, sealed = octets(
        vector, "key", "salt", "iv", "associated", "plaintext", "sealed"
    )
    cipher = message_cipher(algorithm, bits, key + salt, None, b"", fixed(b""))
    assert cipher.open(associated, iv + sealed) == plaintext
    assert cipher.overhead == len(iv) + len(sealed) - len(plaintext)
    with pytest.raises(IntegrityError):
        cipher.open(associated, iv + sealed[:-1] + bytes([sealed[-1] ^ 1]))


@vectors("cbc")
def test_cbc(vector: Vector) -> None:
    """RFC 7296 §3.14: IV, ciphertext, and a MAC over it all."""
    key, iv, plaintext, ciphertext = octets(vector, "key", "iv", "plaintext", "ciphertext")
    algorithm, bits = EncryptionAlgorithm[vector["encryption"]], int(vector["bits"])
    check = integrity.spec(Integrity.HMAC_SHA2_256_128)
    mac_key = bytes(check.key_length)
    cipher = message_cipher(algorithm, bits, key, check, mac_key, fixed(iv))
    sealed = cipher.seal(b"associated", plaintext)
    assert sealed[: -check.icv_length] == iv + ciphertext
    assert sealed[-check.icv_length :] == check.icv(mac_key, b"associated" + iv + ciphertext)
    assert cipher.open(b"associated", sealed) == plaintext


@vectors("key_exchange")
def test_key_exchange(vector: Vector) -> None:
    """Public values are x | y on NIST's curves, the shared secret is x alone (RFC 5903 §7)."""
    method = KeyExchange[vector["method"]]
    initiator_public, responder_public, shared = octets(
        vector, "initiator_public", "responder_public", "shared"
    )
    initiator = key_exchange.generate(method, private(vector, "initiator_private"))
    assert initiator.public == initiator_public
    assert initiator.finish(responder_public) == shared
    answer = key_exchange.respond(method, initiator_public, private(vector, "responder_private"))
    assert answer == (responder_public, Secret(shared))


def private(vector: Vector, name: str) -> Callable[[int], bytes]:
    """Give the randomness that makes a private value: on NIST's curves it is 1 more."""
    (value,) = octets(vector, name)
    if vector["method"].startswith("SECP"):
        value = (int.from_bytes(value, "big") - 1).to_bytes(len(value), "big")
    return fixed(value)


@vectors("modp")
def test_modp(vector: Vector) -> None:
    """RFC 3526; our own exponent is not given from outside, so the peer's is the known one."""
    method = KeyExchange[vector["method"]]
    prime = modp.prime(method)
    if vector["prime"]:
        assert prime == int(vector["prime"], 16)
    theirs = int(vector["initiator_private"], 16)
    initiator_public, responder_public, shared = octets(
        vector, "initiator_public", "responder_public", "shared"
    )
    assert pow(2, theirs, prime) == int.from_bytes(initiator_public, "big")
    assert pow(int.from_bytes(responder_public, "big"), theirs, prime) == int.from_bytes(
        shared, "big"
    )
    ours = key_exchange.respond(method, initiator_public, random.Random(1).randbytes)
    expected = pow(int.from_bytes(ours.public, "big"), theirs, prime)
    assert ours.shared.reveal() == expected.to_bytes(len(initiator_public), "big")
