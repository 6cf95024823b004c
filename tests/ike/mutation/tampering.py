"""Somebody on the path who has all keys: opens a message, changes it, and seals it again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mutation.chain import Chain, parse, serialize

from ike.codec.header import HEADER_LENGTH, Header
from ike.codec.registry import PayloadType

_GENERIC = 4
_IV = 8


@dataclass(frozen=True)
class Opened:
    """A message in the clear: its header, and its chain of payloads, inside SK if `protected`."""

    header: Header
    chain: Chain
    protected: bool


class Keys:
    """What the key logs of both ends tell (`ike.keylog`); AES-GCM-16 alone."""

    def __init__(self) -> None:
        self._by_spis: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._sealed = 0

    def log(self, line: str) -> None:
        """Take a line of a key log."""
        fields = line.split(",")
        if len(fields) != 8 or "GCM" not in fields[4]:
            return  # a line for ESP
        spis = int(fields[0], 16), int(fields[1], 16)
        self._by_spis[spis] = bytes.fromhex(fields[2]), bytes.fromhex(fields[3])

    def open(self, packet: bytes) -> Opened | None:
        """Read a message; None if it is in fragments, or of an IKE SA without known keys."""
        header = Header.parse(packet)
        if header.next_payload == PayloadType.SK:
            material = self._material(header)
            if material is None:
                return None
            aad, iv = packet[: HEADER_LENGTH + _GENERIC], packet[HEADER_LENGTH + _GENERIC :][:_IV]
            sealed = packet[HEADER_LENGTH + _GENERIC + _IV :]
            try:
                padded = AESGCM(material[:-4]).decrypt(material[-4:] + iv, sealed, aad)
            except InvalidTag:
                return None  # what was changed before has led to other keys
            plain = padded[: len(padded) - 1 - padded[-1]]
            return Opened(header, parse(packet[HEADER_LENGTH], plain), True)
        if header.next_payload == PayloadType.SKF:
            return None
        return Opened(header, parse(header.next_payload, packet[HEADER_LENGTH:]), False)

    def seal(self, header: Header, first: int, plain: bytes, protected: bool) -> bytes:
        """Write a message; `header` may be of another one than the keys' own."""
        if not protected:
            whole = replace(header, next_payload=first, length=HEADER_LENGTH + len(plain))
            return whole.serialize() + plain
        material = self._material(header)
        assert material is not None
        length = _GENERIC + _IV + len(plain) + 1 + 16
        whole = replace(header, next_payload=PayloadType.SK, length=HEADER_LENGTH + length)
        aad = whole.serialize() + bytes([first, 0]) + length.to_bytes(2, "big")
        self._sealed += 1
        iv = (1 << 63 | self._sealed).to_bytes(_IV, "big")
        return aad + iv + AESGCM(material[:-4]).encrypt(material[-4:] + iv, plain + b"\0", aad)

    def _material(self, header: Header) -> bytes | None:
        keys = self._by_spis.get((header.initiator_spi, header.responder_spi))
        return None if keys is None else keys[0 if header.from_initiator else 1]


def rewritten(keys: Keys, opened: Opened, chain: Chain) -> bytes:
    """Write a message with other payloads."""
    first, plain = serialize(chain)
    return keys.seal(opened.header, first, plain, opened.protected)
