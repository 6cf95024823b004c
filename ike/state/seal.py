"""The envelope of an exported state: AES-256-GCM under the caller's key, the header included.

::

    magic "IKESTATE" (8 bytes) | version (10 bytes) | nonce (12 bytes) | ciphertext and tag
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ike.crypto.random import RandomBytes
from ike.state.errors import StateError, UnknownVersionError, UnsealError
from ike.types import Secret

KEY_LENGTH = 32  # bytes
MAX_LENGTH = 1 << 28  # bytes: some 20,000 IKE SAs

_MAGIC = b"IKESTATE"
_NONCE_LENGTH = 12  # bytes; random, so one key is good for 2^32 exports (NIST SP 800-38D §8.3)
_TAG_LENGTH = 16
VERSION_LENGTH = 10  # bytes
_PREFIX_LENGTH = len(_MAGIC) + VERSION_LENGTH
_HEADER_LENGTH = _PREFIX_LENGTH + _NONCE_LENGTH


def seal(plaintext: bytes, key: Secret, version: bytes, random_bytes: RandomBytes) -> bytes:
    """Encrypt and authenticate.

    Raises:
        ValueError: the key does not have 32 bytes.
    """
    header = _MAGIC + version + random_bytes(_NONCE_LENGTH)
    return header + _cipher(key).encrypt(header[_PREFIX_LENGTH:], plaintext, header)


def unseal(blob: bytes, key: Secret, version: bytes) -> bytes:
    """Check and decrypt.

    Raises:
        ValueError: the key does not have 32 bytes.
        UnknownVersionError: the format is not `version`.
        UnsealError: the key is another one, or the blob has been changed.
        StateError: it is no exported state.
    """
    cipher = _cipher(key)
    if not blob.startswith(_MAGIC) or len(blob) < _HEADER_LENGTH + _TAG_LENGTH:
        raise StateError("this is no exported IKE state")
    if len(blob) > MAX_LENGTH:
        raise StateError(f"the state has {len(blob)} bytes, more than {MAX_LENGTH}")
    found = blob[len(_MAGIC) : _PREFIX_LENGTH]
    if found != version:
        raise UnknownVersionError(found, version)
    header = blob[:_HEADER_LENGTH]
    try:
        return cipher.decrypt(header[_PREFIX_LENGTH:], blob[_HEADER_LENGTH:], header)
    except InvalidTag:
        raise UnsealError from None


def _cipher(key: Secret) -> AESGCM:
    if len(key) != KEY_LENGTH:
        raise ValueError(f"a key of {len(key)} bytes, {KEY_LENGTH} are needed")
    return AESGCM(key.reveal())
