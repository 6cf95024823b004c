"""Signatures in AUTH, and what passes for one (RFC 7427, RFC 4754, RFC 8420).

CVE-2018-16151 and CVE-2018-16152 were lenient readers of PKCS #1 v1.5: here each such forgery is
made with the private key, so that nothing but the padding can be what is refused.
"""

from __future__ import annotations

from functools import cache

import pytest
from authority import PrivateKey, rsa_key
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from ike_authentication import LEFT_NAME, certified, credential, key_of, trust

from ike.authentication.signature import check_signature, make_signature
from ike.codec.authentication import Authentication
from ike.codec.registry import AuthMethod, HashAlgorithm
from ike.config import SignatureScheme
from ike.crypto.algorithm_identifier import algorithm_identifier, scheme_of
from ike.crypto.errors import SignatureError

OCTETS = b"what the initiator signs"
ALL = frozenset(HashAlgorithm)
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
PKCS1_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")


def digital(identifier: bytes, signature: bytes) -> Authentication:
    """AUTH as RFC 7427 §3 has it."""
    data = bytes([len(identifier)]) + identifier + signature
    return Authentication(AuthMethod.DIGITAL_SIGNATURE, data)


def sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


@cache
def raw_rsa(encoded: bytes) -> bytes:
    """Sign an encoded message as it is."""
    numbers = rsa_key().private_numbers()
    n = numbers.public_numbers.n
    return pow(int.from_bytes(encoded, "big"), numbers.d, n).to_bytes(256, "big")


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        (SignatureScheme.RSA_PKCS1_SHA2_256, "300d 0609 2a86 4886 f70d 0101 0b05 00"),
        (SignatureScheme.RSA_PKCS1_SHA2_384, "300d 0609 2a86 4886 f70d 0101 0c05 00"),
        (SignatureScheme.RSA_PKCS1_SHA2_512, "300d 0609 2a86 4886 f70d 0101 0d05 00"),
        (SignatureScheme.ECDSA_SHA2_256, "300a 0608 2a86 48ce 3d04 0302"),
        (SignatureScheme.ECDSA_SHA2_384, "300a 0608 2a86 48ce 3d04 0303"),
        (SignatureScheme.ECDSA_SHA2_512, "300a 0608 2a86 48ce 3d04 0304"),
        (
            SignatureScheme.RSA_PSS_SHA2_256,
            "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0201 0500 a11c"
            "301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203 0201 20",
        ),
        (SignatureScheme.ED25519, "3005 0603 2b65 70"),
        (SignatureScheme.ED448, "3005 0603 2b65 71"),
    ],
)
def test_the_algorithm_identifiers_of_the_rfcs(scheme: SignatureScheme, identifier: str) -> None:
    """RFC 7427 Appendix A, RFC 8420 Appendix A, byte for byte."""
    assert algorithm_identifier(scheme) == bytes.fromhex(identifier)
    assert scheme_of(bytes.fromhex(identifier)) is scheme


@pytest.mark.parametrize(
    "identifier",
    [
        "300b 0609 2a86 4886 f70d 0101 0b",  # PKCS #1 without NULL: RFC 4055 §5 has it accepted
        "303d 0609 2a86 4886 f70d 0101 0a30 30a0 0d30 0b06 0960 8648 0165 0304 0201 a11a 3018"
        "0609 2a86 4886 f70d 0101 0830 0b06 0960 8648 0165 0304 0201 a203 0201 20",
    ],
)
def test_parameters_may_be_absent(identifier: str) -> None:
    assert scheme_of(bytes.fromhex(identifier)) is not None


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "3000",
        "300d 0609 2a86 4886 f70d 0101 0a30 00",  # PSS by its defaults, which are SHA-1
        "300c 0608 2a86 48ce 3d04 0302 0500",  # ECDSA has no parameters
        "3009 0607 2a86 48ce 3d04 01",  # ECDSA with SHA-1
        "3007 0603 2b65 7005 00",  # Ed25519 has no parameters
        "300d 0609 2a86 4886 f70d 0101 0405 00",  # MD5
        "300f 0609 2a86 4886 f70d 0101 0b04 0261 62",  # an OCTET STRING for NULL
        "30810d 0609 2a86 4886 f70d 0101 0b05 00",  # a length that is not DER
        "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0201 0500"
        "a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0202 0500 a203 0201 20",
        "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0201 0500"
        "a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203 0201 00",
        "3046 0609 2a86 4886 f70d 0101 0a30 39a0 0f30 0d06 0960 8648 0165 0304 0201 0500 a11c 301a"
        "0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203 0201 20a3 0302 0101",
    ],
)
def test_no_other_algorithm_identifier_goes(identifier: str) -> None:
    """Other hashes, other salts, mixed hashes, an explicit trailer, garbage for parameters."""
    assert scheme_of(bytes.fromhex(identifier)) is None


@given(st.sampled_from(SignatureScheme), st.integers(0, 66), st.integers(1, 255))
def test_a_changed_byte_is_not_overlooked(scheme: SignatureScheme, at: int, change: int) -> None:
    identifier = bytearray(algorithm_identifier(scheme))
    identifier[at % len(identifier)] ^= change
    assert scheme_of(bytes(identifier)) is not scheme


@given(st.binary(max_size=80), st.sampled_from(sorted(AuthMethod)))
def test_whatever_is_no_signature_is_refused_with_a_reason(data: bytes, method: int) -> None:
    if method in (AuthMethod.SHARED_KEY_MIC, AuthMethod.NULL, AuthMethod.DSS_SIGNATURE):
        return
    if method == AuthMethod.GENERIC_SECURE_PASSWORD:
        return
    for kind in ("p256", "rsa", "ed25519"):
        key = key_of(kind).public_key()
        with pytest.raises(SignatureError, match=r"\w"):
            check_signature(trust(), key, Authentication(method, data), OCTETS)


def em(info: bytes, digest: bytes, *, filling: int | None = None, after: bytes = b"") -> bytes:
    """An encoded message of 256 bytes, with so much filling as there is room for, or as given."""
    content = info + digest + after
    filled = 256 - 3 - len(content) if filling is None else filling
    encoded = b"\x00\x01" + b"\xff" * filled + b"\x00" + content
    return encoded + bytes(256 - len(encoded))


DIGEST = sha256(OCTETS)
FORGERIES = {
    "garbage after the digest": em(SHA256_INFO, DIGEST, filling=8, after=b"\xa5" * 194),
    "garbage after a full filling": em(SHA256_INFO, DIGEST, filling=190, after=b"\x01" * 12),
    "a shorter filling": em(SHA256_INFO, DIGEST, filling=100),
    "no filling": em(SHA256_INFO, DIGEST, filling=0),
    "no NULL": em(bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20", DIGEST),
    "garbage for parameters": em(
        bytes.fromhex("3041301d06096086480165030402010410") + b"\xa5" * 16 + b"\x04\x20", DIGEST
    ),
    "garbage after the parameters": em(
        bytes.fromhex("3035301106096086480165030402010500") + b"\x04\x02\xa5\xa5" + b"\x04\x20",
        DIGEST,
    ),
    "an OID that only begins right": em(
        bytes.fromhex("3032300e060a6086480165030402010005000420"), DIGEST
    ),
    "lengths that are not DER": em(
        bytes.fromhex("308131300d060960864801650304020105000420"), DIGEST
    ),
    "no DigestInfo": em(b"", DIGEST),
    "SHA-1's OID before the digest": em(bytes.fromhex("3021300906052b0e03021a05000414"), DIGEST),
    "block type 2": b"\x00\x02" + em(SHA256_INFO, DIGEST)[2:],
    "block type 0": b"\x00\x00" + em(SHA256_INFO, DIGEST)[2:],
    "filling that is not all ones": em(SHA256_INFO, DIGEST).replace(b"\xff", b"\xfe", 1),
}


def test_the_forger_can_sign() -> None:
    """Else the forgeries below would be refused for that."""
    good = digital(PKCS1_SHA256, raw_rsa(em(SHA256_INFO, DIGEST)))
    check_signature(trust(), rsa_key().public_key(), good, OCTETS)


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("method", [AuthMethod.DIGITAL_SIGNATURE, AuthMethod.RSA_SIGNATURE])
def test_padding_forgeries(forgery: str, method: AuthMethod) -> None:
    signature = raw_rsa(FORGERIES[forgery])
    forged = (
        digital(PKCS1_SHA256, signature)
        if method is AuthMethod.DIGITAL_SIGNATURE
        else Authentication(method, signature)
    )
    with pytest.raises(SignatureError, match="does not verify"):
        check_signature(trust(), rsa_key().public_key(), forged, OCTETS)


def test_bleichenbachers_forgery_with_a_low_exponent() -> None:
    """A cube root whose cube begins right: without the private key (CVE-2006-4339)."""
    key = rsa.RSAPublicNumbers(3, rsa_key().public_key().public_numbers().n).public_key()
    prefix = em(SHA256_INFO, DIGEST, filling=8)
    target = int.from_bytes(prefix, "big")
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < target else (low, middle)
    kept = len(prefix.rstrip(b"\x00"))
    assert (low**3).to_bytes(256, "big")[: kept - 1] == prefix[: kept - 1]
    forged = digital(PKCS1_SHA256, low.to_bytes(256, "big"))
    with pytest.raises(SignatureError):
        check_signature(trust(), key, forged, OCTETS)


@pytest.mark.parametrize("salt_length", [0, 20, 31, 64, 222])
def test_a_pss_salt_of_another_length(salt_length: int) -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length)
    signature = rsa_key().sign(OCTETS, pss, hashes.SHA256())
    forged = digital(algorithm_identifier(SignatureScheme.RSA_PSS_SHA2_256), signature)
    with pytest.raises(SignatureError):
        check_signature(trust(), rsa_key().public_key(), forged, OCTETS)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (1, 1), (ec.SECP256R1().group_order, 1)]
)
def test_degenerate_ecdsa(r: int, s: int) -> None:
    key = key_of("p256").public_key()
    raw = Authentication(
        AuthMethod.ECDSA_SHA256_P256, r.to_bytes(32, "big") + s.to_bytes(32, "big")
    )
    der = digital(algorithm_identifier(SignatureScheme.ECDSA_SHA2_256), encode_dss_signature(r, s))
    for forged in (raw, der):
        with pytest.raises(SignatureError):
            check_signature(trust(), key, forged, OCTETS)


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_without_rfc_7427_ecdsa_is_r_and_s(kind: str) -> None:
    """RFC 4754 §7: each as long as the order, and no hash of another length."""
    proof = make_signature(credential(certified(LEFT_NAME, kind)), frozenset(), OCTETS)
    lengths = {"p256": (9, 64), "p384": (10, 96), "p521": (11, 132)}
    assert (proof.method, len(proof.data)) == lengths[kind]
    key = key_of(kind).public_key()
    check_signature(trust(), key, proof, OCTETS)
    for wrong in (proof.data[:-1], proof.data + b"\x00", b""):
        with pytest.raises(SignatureError):
            check_signature(trust(), key, Authentication(proof.method, wrong), OCTETS)


def test_without_rfc_7427_rsa_is_sha_1_where_it_is_allowed_and_nothing_else() -> None:
    """RFC 7296 §3.8; strongSwan signs and verifies so too."""
    issued = certified(LEFT_NAME, "rsa")
    with pytest.raises(SignatureError, match="no signature hash algorithms"):
        make_signature(credential(issued), frozenset(), OCTETS)
    legacy = SignatureScheme.RSA_PKCS1_SHA1
    proof = make_signature(credential(issued, legacy), frozenset(), OCTETS)
    assert proof.method == AuthMethod.RSA_SIGNATURE
    check_signature(trust(legacy), rsa_key().public_key(), proof, OCTETS)
    with pytest.raises(SignatureError, match="SHA1 is not accepted"):
        check_signature(trust(), rsa_key().public_key(), proof, OCTETS)
    with pytest.raises(SignatureError, match="has announced"):
        make_signature(credential(issued, legacy), ALL, OCTETS)


def test_sha_1_is_never_announced_nor_taken_by_the_method_of_rfc_7427() -> None:
    """RFC 8247 §3.1: MUST NOT."""
    legacy = SignatureScheme.RSA_PKCS1_SHA1
    signature = rsa_key().sign(OCTETS, padding.PKCS1v15(), hashes.SHA1())  # forged
    forged = digital(algorithm_identifier(legacy), signature)
    with pytest.raises(SignatureError, match="SHA1, we have announced SHA2_256"):
        check_signature(
            trust(legacy, SignatureScheme.RSA_PSS_SHA2_256),
            rsa_key().public_key(),
            forged,
            OCTETS,
        )


def test_a_hash_that_was_not_announced() -> None:
    proof = make_signature(
        credential(certified(LEFT_NAME), SignatureScheme.ECDSA_SHA2_512), ALL, OCTETS
    )
    accepted = trust(SignatureScheme.ECDSA_SHA2_256)
    with pytest.raises(SignatureError, match="SHA2_512, we have announced SHA2_256"):
        check_signature(accepted, key_of("p256").public_key(), proof, OCTETS)


def test_a_scheme_that_is_not_configured_though_its_hash_is_announced() -> None:
    proof = make_signature(
        credential(certified(LEFT_NAME, "rsa"), SignatureScheme.RSA_PKCS1_SHA2_256), ALL, OCTETS
    )
    with pytest.raises(SignatureError, match="by rsa-pkcs1-sha256, configured is rsa-pss-sha256"):
        check_signature(
            trust(SignatureScheme.RSA_PSS_SHA2_256), rsa_key().public_key(), proof, OCTETS
        )


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (rsa_key(1024), "1024 bits"),
        (ec.generate_private_key(ec.SECP224R1()), "secp224r1"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "brainpool"),
    ],
)
def test_weak_and_unknown_keys(key: PrivateKey, why: str) -> None:
    proof = Authentication(AuthMethod.RSA_SIGNATURE, bytes(128))
    with pytest.raises(SignatureError, match=why):
        check_signature(trust(), key.public_key(), proof, OCTETS)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519", "ed448"])
def test_a_signature_over_anything_else(kind: str) -> None:
    proof = make_signature(credential(certified(LEFT_NAME, kind)), ALL, OCTETS)
    key = key_of(kind).public_key()
    check_signature(trust(), key, proof, OCTETS)
    for octets in (OCTETS + b"\x00", OCTETS[:-1], b""):
        with pytest.raises(SignatureError, match="does not verify"):
            check_signature(trust(), key, proof, octets)
