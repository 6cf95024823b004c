"""The algorithms that both peers have, in strongSwan's words and in those of the RFCs."""

from __future__ import annotations

from tests.interop.matrix.cells import Row
from tests.interop.matrix.keywords import KEY_EXCHANGE

_AES_BITS = (128, 192, 256)
_MACS = {
    "sha256": "HMAC-SHA2-256-128",
    "sha384": "HMAC-SHA2-384-192",
    "sha512": "HMAC-SHA2-512-256",
    "sha1": "HMAC-SHA1-96",
    "aesxcbc": "AES-XCBC-96",
    "aescmac": "AES-CMAC-96",
}
AEADS = [
    *(
        Row(f"AES-{mode.upper()}-{icv}, {bits} bits", f"aes{bits}{mode}{icv}")
        for mode in ("gcm", "ccm")
        for icv in (16, 12, 8)
        for bits in _AES_BITS
    ),
    Row("ChaCha20-Poly1305", "chacha20poly1305"),
]
UNAUTHENTICATED = [
    *(Row(f"AES-CBC, {bits} bits, {_MACS['sha256']}", f"aes{bits}-sha256") for bits in _AES_BITS),
    *(
        Row(f"AES-CBC, 256 bits, {name}", f"aes256-{m}")
        for m, name in _MACS.items()
        if m != "sha256"
    ),
    *(
        Row(f"AES-CTR, {bits} bits, {_MACS['sha256']}", f"aes{bits}ctr-sha256")
        for bits in _AES_BITS
    ),
    Row(f"3DES, {_MACS['sha1']}", "3des-sha1"),
]
NULL = [Row(f"NULL, {name}", f"null-{mac}") for mac, name in _MACS.items()]
PRFS = [
    Row("HMAC-SHA2-256", "prfsha256"),
    Row("HMAC-SHA2-384", "prfsha384"),
    Row("HMAC-SHA2-512", "prfsha512"),
    Row("HMAC-SHA1", "prfsha1"),
    Row("AES-XCBC", "prfaesxcbc"),
    Row("AES-CMAC", "prfaescmac"),
]
GROUPS = [Row(group.name, word) for word, group in KEY_EXCHANGE.items()]
