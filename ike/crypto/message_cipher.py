"""Protection of one direction of an IKE SA's messages (RFC 7296 §3.14, RFC 5282, RFC 7634)."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from itertools import count
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from ike.codec.reader import u32, u64
from ike.config import EncryptionAlgorithm
from ike.crypto import encryption
from ike.crypto.encryption import EncryptionSpec
from ike.crypto.errors import IntegrityError
from ike.crypto.integrity import IntegritySpec
from ike.crypto.random import RandomBytes


class MessageCipher(Protocol):
    """One direction of an IKE SA: what protects its Encrypted payloads."""

    @property
    def block_length(self) -> int:
        """Bytes that the plaintext's length has to be a multiple of."""

    @property
    def overhead(self) -> int:
        """Bytes that `seal` adds to the plaintext."""

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        """Encrypt, and give IV, ciphertext and ICV."""

    def open(self, associated: bytes, body: bytes) -> bytes:
        """Check and decrypt IV, ciphertext and ICV.

        Raises:
            IntegrityError: the ICV is wrong, or the body is too short to hold one.
        """


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


class _ShortTagGcm:
    """AES-GCM with a tag of 8 or 12 bytes."""

    def __init__(self, key: bytes, tag_length: int) -> None:
        self._key = key
        self._tag_length = tag_length

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        encryptor = Cipher(algorithms.AES(self._key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        sealed = encryptor.update(data) + encryptor.finalize()
        return sealed + encryptor.tag[: self._tag_length]

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        sealed, tag = data[: -self._tag_length], data[-self._tag_length :]
        mode = modes.GCM(nonce, tag, min_tag_length=self._tag_length)
        decryptor = Cipher(algorithms.AES(self._key), mode).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(sealed) + decryptor.finalize()


class AeadMessageCipher:
    """An AEAD for the Encrypted payload (RFC 5282). The IV is a counter: it never repeats.

    It begins at `first_iv`: see `ike.state.iv`.

    Attributes:
        overhead: bytes that `seal` adds to the plaintext.
    """

    block_length = 1  # RFC 5282 §3: no padding is needed

    __slots__ = ("_aead", "_counter", "_iv_length", "_salt", "overhead")

    def __init__(self, spec: EncryptionSpec, aead: _Aead, salt: bytes, first_iv: int) -> None:
        self.overhead = spec.iv_length + spec.icv_length
        self._iv_length = spec.iv_length
        self._aead = aead
        self._salt = salt
        self._counter = first_iv

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        """Encrypt, and give IV, ciphertext and ICV."""
        iv = u64(self._counter)
        self._counter += 1
        return iv + self._aead.encrypt(self._salt + iv, plaintext, associated)

    def open(self, associated: bytes, body: bytes) -> bytes:
        """Check and decrypt IV, ciphertext and ICV.

        Raises:
            IntegrityError: the ICV is wrong, or the body is too short to hold one.
        """
        if len(body) < self.overhead:
            raise IntegrityError
        iv = body[: self._iv_length]
        try:
            return self._aead.decrypt(self._salt + iv, body[self._iv_length :], associated)
        except InvalidTag:
            raise IntegrityError from None


class BlockMessageCipher:
    """A block cipher in CBC or CTR mode, then a MAC over the whole message (RFC 7296 §3.14).

    Args:
        spec: the cipher's lengths.
        algorithm: the cipher with its key.
        mode: makes the mode out of an IV.
        next_iv: gives an IV that was not there before, and with CBC cannot be foreseen.
        integrity: the MAC.
        integrity_key: its key.
    """

    def __init__(
        self,
        spec: EncryptionSpec,
        algorithm: BlockCipherAlgorithm,
        mode: Callable[[bytes], modes.CBC | modes.CTR],
        next_iv: Callable[[], bytes],
        integrity: IntegritySpec,
        integrity_key: bytes,
    ) -> None:
        self._spec = spec
        self._algorithm = algorithm
        self._mode = mode
        self._next_iv = next_iv
        self._integrity = integrity
        self._integrity_key = integrity_key

    @property
    def block_length(self) -> int:
        """Bytes that the plaintext's length has to be a multiple of."""
        return self._spec.block_length

    @property
    def overhead(self) -> int:
        """Bytes that `seal` adds to the plaintext."""
        return self._spec.iv_length + self._integrity.icv_length

    def seal(self, associated: bytes, plaintext: bytes) -> bytes:
        """Encrypt, and give IV, ciphertext and ICV."""
        iv = self._next_iv()
        encryptor = Cipher(self._algorithm, self._mode(iv)).encryptor()
        sealed = iv + encryptor.update(plaintext) + encryptor.finalize()
        return sealed + self._integrity.icv(self._integrity_key, associated + sealed)

    def open(self, associated: bytes, body: bytes) -> bytes:
        """Check and decrypt IV, ciphertext and ICV.

        Raises:
            IntegrityError: the ICV is wrong, or the body is too short to hold one.
        """
        length = len(body) - self.overhead
        if length < self.block_length or length % self.block_length:
            raise IntegrityError
        sealed, icv = body[: -self._integrity.icv_length], body[-self._integrity.icv_length :]
        expected = self._integrity.icv(self._integrity_key, associated + sealed)
        if not compare_digest(icv, expected):
            raise IntegrityError
        iv = sealed[: self._spec.iv_length]
        decryptor = Cipher(self._algorithm, self._mode(iv)).decryptor()
        return decryptor.update(sealed[self._spec.iv_length :]) + decryptor.finalize()


def _aead(algorithm: EncryptionAlgorithm, key: bytes, tag_length: int) -> _Aead:
    match algorithm:
        case EncryptionAlgorithm.AES_GCM_16:
            return AESGCM(key)
        case EncryptionAlgorithm.AES_GCM_8 | EncryptionAlgorithm.AES_GCM_12:
            return _ShortTagGcm(key, tag_length)
        case EncryptionAlgorithm.CHACHA20_POLY1305:
            return ChaCha20Poly1305(key)
        case _:
            return AESCCM(key, tag_length)


_BLOCK_CIPHERS: dict[EncryptionAlgorithm, Callable[[bytes], BlockCipherAlgorithm]] = {
    EncryptionAlgorithm.AES_CBC: algorithms.AES,
    EncryptionAlgorithm.AES_CTR: algorithms.AES,
    EncryptionAlgorithm.TRIPLE_DES: TripleDES,
}


def message_cipher(
    algorithm: EncryptionAlgorithm,
    key_bits: int,
    material: bytes,
    integrity: IntegritySpec | None,
    integrity_key: bytes,
    random_bytes: RandomBytes,
    first_iv: int = 0,
) -> MessageCipher:
    """Make the cipher for one direction of an IKE SA.

    Args:
        algorithm: the cipher.
        key_bits: its key length.
        material: SK_ei or SK_er: the key, and the salt if it has one.
        integrity: the integrity algorithm; None with an AEAD.
        integrity_key: SK_ai or SK_ar; empty with an AEAD.
        random_bytes: for IVs that must not be foreseen.
        first_iv: where IVs begin that must not repeat.

    Raises:
        KeyError: this engine does not have the cipher with that key length for messages.
    """
    spec = encryption.spec(algorithm, key_bits)
    key, salt = material[: spec.key_length], material[spec.key_length :]
    if integrity is None:
        return AeadMessageCipher(spec, _aead(algorithm, key, spec.icv_length), salt, first_iv)
    block_cipher = _BLOCK_CIPHERS[algorithm](key)
    if algorithm is EncryptionAlgorithm.AES_CTR:
        counter = count()
        return BlockMessageCipher(
            spec,
            block_cipher,
            lambda iv: modes.CTR(salt + iv + u32(1)),  # RFC 3686 §4
            lambda: u64(next(counter)),
            integrity,
            integrity_key,
        )
    return BlockMessageCipher(
        spec,
        block_cipher,
        modes.CBC,
        lambda: random_bytes(spec.iv_length),
        integrity,
        integrity_key,
    )
