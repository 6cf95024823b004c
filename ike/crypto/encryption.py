"""Ciphers (transform type 1): which there are, and what key material they take."""

from __future__ import annotations

from dataclasses import dataclass

from ike.config import EncryptionAlgorithm

_AES_BITS = (128, 192, 256)
_GCM_TAGS = {
    EncryptionAlgorithm.AES_GCM_8: 8,
    EncryptionAlgorithm.AES_GCM_12: 12,
    EncryptionAlgorithm.AES_GCM_16: 16,
}
_CCM_TAGS = {
    EncryptionAlgorithm.AES_CCM_8: 8,
    EncryptionAlgorithm.AES_CCM_12: 12,
    EncryptionAlgorithm.AES_CCM_16: 16,
}


@dataclass(frozen=True, slots=True)
class EncryptionSpec:
    """What there is to know about a cipher with one key length. Lengths in bytes.

    `salt_length` follows the key in the key material (RFC 4106 §8.1, RFC 5282 §7.1). An
    `icv_length` of 0 means that the cipher is no AEAD, and needs an integrity algorithm.
    """

    key_length: int
    salt_length: int
    iv_length: int
    icv_length: int
    block_length: int = 1

    @property
    def is_aead(self) -> bool:
        """Whether the cipher protects integrity itself."""
        return self.icv_length > 0

    @property
    def material_length(self) -> int:
        """How much of the key material one direction takes."""
        return self.key_length + self.salt_length


_SPECS: dict[tuple[EncryptionAlgorithm, int], EncryptionSpec] = {
    (EncryptionAlgorithm.TRIPLE_DES, 192): EncryptionSpec(24, 0, 8, 0, 8),
    (EncryptionAlgorithm.NULL, 0): EncryptionSpec(0, 0, 0, 0),
    (EncryptionAlgorithm.CHACHA20_POLY1305, 256): EncryptionSpec(32, 4, 8, 16),
    **{
        (EncryptionAlgorithm.AES_CBC, bits): EncryptionSpec(bits // 8, 0, 16, 0, 16)
        for bits in _AES_BITS
    },
    **{
        # RFC 3686 §5.1, RFC 5930 §4: the nonce ends the key material, as a salt does.
        (EncryptionAlgorithm.AES_CTR, bits): EncryptionSpec(bits // 8, 4, 8, 0)
        for bits in _AES_BITS
    },
    **{
        (algorithm, bits): EncryptionSpec(bits // 8, 4, 8, tag)
        for algorithm, tag in _GCM_TAGS.items()
        for bits in _AES_BITS
    },
    **{
        (algorithm, bits): EncryptionSpec(bits // 8, 3, 8, tag)
        for algorithm, tag in _CCM_TAGS.items()
        for bits in _AES_BITS
    },
}

_AEADS = frozenset(algorithm for (algorithm, _), found in _SPECS.items() if found.is_aead)

_FIXED_KEYS: dict[EncryptionAlgorithm, int] = {
    EncryptionAlgorithm.TRIPLE_DES: 192,
    EncryptionAlgorithm.NULL: 0,
    EncryptionAlgorithm.CHACHA20_POLY1305: 256,
}


def spec(algorithm: EncryptionAlgorithm, key_bits: int) -> EncryptionSpec:
    """Look a cipher up.

    Raises:
        KeyError: this engine does not have the cipher with that key length.
    """
    return _SPECS[algorithm, key_bits]


def is_known(algorithm: EncryptionAlgorithm, key_bits: int) -> bool:
    """Tell whether this engine has the cipher with that key length."""
    return (algorithm, key_bits) in _SPECS


def is_aead(algorithm: EncryptionAlgorithm) -> bool:
    """Tell whether the cipher protects integrity itself."""
    return algorithm in _AEADS


def fixed_key_bits(algorithm: EncryptionAlgorithm) -> int | None:
    """Return the key length of a cipher that has but one; it goes without the attribute."""
    return _FIXED_KEYS.get(algorithm)
