"""Every algorithm that both peers have, negotiated and used, whoever begins."""

from __future__ import annotations

import pytest

from tests.interop.lab.lab import Lab
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.matrix.cells import By, Row, table
from tests.interop.matrix.keywords import KEY_EXCHANGE
from tests.interop.matrix.pair import our_peer, paired, their_connection

pytestmark = pytest.mark.interop

_AES_BITS = (128, 192, 256)
_MACS = {
    "sha256": "HMAC-SHA2-256-128",
    "sha384": "HMAC-SHA2-384-192",
    "sha512": "HMAC-SHA2-512-256",
    "sha1": "HMAC-SHA1-96",
    "aesxcbc": "AES-XCBC-96",
    "aescmac": "AES-CMAC-96",
}
_AEADS = [
    *(
        Row(f"AES-{mode.upper()}-{icv}, {bits} bits", f"aes{bits}{mode}{icv}")
        for mode in ("gcm", "ccm")
        for icv in (16, 12, 8)
        for bits in _AES_BITS
    ),
    Row("ChaCha20-Poly1305", "chacha20poly1305"),
]
_CBC = [
    *(Row(f"AES-CBC, {bits} bits, {_MACS['sha256']}", f"aes{bits}-sha256") for bits in _AES_BITS),
    *(
        Row(f"AES-CBC, 256 bits, {name}", f"aes256-{m}")
        for m, name in _MACS.items()
        if m != "sha256"
    ),
    Row(f"3DES, {_MACS['sha1']}", "3des-sha1"),
]
_NULL = [Row(f"NULL, {name}", f"null-{mac}") for mac, name in _MACS.items()]
_PRFS = [
    Row("HMAC-SHA2-256", "prfsha256"),
    Row("HMAC-SHA2-384", "prfsha384"),
    Row("HMAC-SHA2-512", "prfsha512"),
    Row("HMAC-SHA1", "prfsha1"),
    Row("AES-XCBC", "prfaesxcbc"),
    Row("AES-CMAC", "prfaescmac"),
]
_GROUPS = [Row(group.name, word) for word, group in KEY_EXCHANGE.items()]


def _negotiate(lab: Lab, strongswan: StrongSwan, ike: str, esp: str, by: By) -> None:
    ours, theirs = our_peer(ike, esp), their_connection(ike, esp)
    with paired(lab, strongswan, ours, theirs) as pair:
        pair.establish(by)
        pair.ping_both_ways()


@table("IKE encryption and integrity", _AEADS + _CBC)
def test_ike_encryption(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"{value}-prfsha256-x25519", "aes256gcm16", by)


@table("IKE PRF", _PRFS)
def test_prf(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"aes256gcm16-{value}-x25519", "aes256gcm16", by)


@table("Key exchange method", _GROUPS)
def test_key_exchange(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    _negotiate(matrix_lab, strongswan, f"aes256gcm16-prfsha256-{value}", "aes256gcm16", by)


@table("ESP", _AEADS + _CBC + _NULL)
def test_esp(matrix_lab: Lab, strongswan: StrongSwan, value: str, by: By) -> None:
    """Echo requests go both ways through every suite."""
    _negotiate(matrix_lab, strongswan, "aes256gcm16-prfsha256-x25519", value, by)
