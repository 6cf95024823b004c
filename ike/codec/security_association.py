"""The Security Association payload: proposals, transforms, attributes (RFC 7296 §3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import ClassVar

from ike.codec.reader import Reader, u16
from ike.codec.registry import AttributeType, PayloadType

MAX_PROPOSALS = 64
MAX_TRANSFORMS = 255  # the field has one byte
MAX_ATTRIBUTES = 16

_MORE_PROPOSALS = 2
_MORE_TRANSFORMS = 3
_LAST = 0
_ATTRIBUTE_IS_SHORT = 0x8000
_SHORT_KEY_LENGTH = _ATTRIBUTE_IS_SHORT | AttributeType.KEY_LENGTH

_ATTRIBUTE = Struct("!HH")
_TRANSFORM = Struct("!BxHBxH")  # "last" field, length, type, id
_PROPOSAL = Struct("!BxHBBBB")  # "last" field, length, number, protocol, length of SPI, transforms


@dataclass(frozen=True, slots=True)
class Attribute:
    """A transform's attribute (§3.3.5): a number of 16 bits, or bytes of any length."""

    attribute_type: int
    value: int | bytes

    @classmethod
    def parse(cls, reader: Reader) -> Attribute:
        """Read one.

        Raises:
            ParseError: it is cut short.
        """
        first, second = reader.unpack(_ATTRIBUTE)
        if first & _ATTRIBUTE_IS_SHORT:
            return cls(first & 0x7FFF, second)
        return cls(first, reader.take(second))

    def serialize(self) -> bytes:
        """Write it."""
        if isinstance(self.value, int):
            return _ATTRIBUTE.pack(self.attribute_type | _ATTRIBUTE_IS_SHORT, self.value)
        return u16(self.attribute_type) + u16(len(self.value)) + self.value


@dataclass(frozen=True, slots=True)
class Transform:
    """One algorithm (§3.3.2)."""

    transform_type: int
    transform_id: int
    attributes: tuple[Attribute, ...] = ()

    @staticmethod
    @lru_cache(maxsize=1024)  # all offers are made of the same few
    def of(transform_type: int, transform_id: int) -> Transform:
        """Make a transform without attributes."""
        return Transform(int(transform_type), int(transform_id))

    @staticmethod
    @lru_cache(maxsize=1024)
    def with_key_length(transform_type: int, transform_id: int, key_bits: int) -> Transform:
        """Make a transform with the key length attribute, in bits."""
        return Transform(
            int(transform_type), int(transform_id), (Attribute(AttributeType.KEY_LENGTH, key_bits),)
        )

    @property
    def key_bits(self) -> int | None:
        """The key length attribute in bits; None where there is none."""
        for attribute in self.attributes:
            if attribute.attribute_type == AttributeType.KEY_LENGTH and isinstance(
                attribute.value, int
            ):
                return attribute.value
        return None

    @property
    def is_understood(self) -> bool:
        """Whether it has no attribute but one key length: else it is not for us (§3.3.6)."""
        if not self.attributes:
            return True
        return len(self.attributes) == 1 and self.key_bits is not None

    @classmethod
    def parse(cls, reader: Reader) -> tuple[Transform, bool]:
        """Read one, and tell whether more follow.

        Raises:
            ParseError: a length or the "last" field is wrong, or there are too many attributes.
        """
        begin, length, transform_type, transform_id = reader.unpack(_TRANSFORM)
        more = _more_follow(reader, begin, _MORE_TRANSFORMS)
        if length == _TRANSFORM.size:
            return cls.of(transform_type, transform_id), more
        if length < _TRANSFORM.size:
            raise reader.error(f"a transform of {length} bytes, {_TRANSFORM.size} is the least")
        if length == _TRANSFORM.size + _ATTRIBUTE.size:
            begin_of_attribute = reader.position
            attribute_type, value = reader.unpack(_ATTRIBUTE)
            if attribute_type == _SHORT_KEY_LENGTH:
                return cls.with_key_length(transform_type, transform_id, value), more
            reader.position = begin_of_attribute
        block = reader.block("transform", length - _TRANSFORM.size)
        attributes: list[Attribute] = []
        while block.remaining:
            if len(attributes) == MAX_ATTRIBUTES:
                raise block.error(f"more than {MAX_ATTRIBUTES} attributes")
            attributes.append(Attribute.parse(block))
        return cls(transform_type, transform_id, tuple(attributes)), more

    def serialize(self, last: bool) -> bytes:
        """Write it."""
        attributes = b"".join([attribute.serialize() for attribute in self.attributes])
        begin = _LAST if last else _MORE_TRANSFORMS
        length = _TRANSFORM.size + len(attributes)
        return _TRANSFORM.pack(begin, length, self.transform_type, self.transform_id) + attributes


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to protect an SA (§3.3.1); `spi` is empty for the first IKE SA."""

    number: int
    protocol: int
    spi: bytes
    transforms: tuple[Transform, ...]

    def of_type(self, transform_type: int) -> tuple[Transform, ...]:
        """Return the transforms of one type, in the order they came."""
        return tuple([t for t in self.transforms if t.transform_type == transform_type])

    @classmethod
    def parse(cls, reader: Reader) -> tuple[Proposal, bool]:
        """Read one, and tell whether more follow.

        Raises:
            ParseError: a length, a count or a "last" field is wrong.
        """
        begin, length, number, protocol, spi_size, count = reader.unpack(_PROPOSAL)
        more = _more_follow(reader, begin, _MORE_PROPOSALS)
        if length < _PROPOSAL.size:
            raise reader.error(f"a proposal of {length} bytes, {_PROPOSAL.size} is the least")
        block = reader.block("proposal", length - _PROPOSAL.size)
        spi = block.take(spi_size)
        transforms: list[Transform] = []
        more_transforms = count > 0
        while more_transforms:
            if len(transforms) == count:
                raise block.error(f"more than the {count} transforms announced")
            transform, more_transforms = Transform.parse(block)
            transforms.append(transform)
        if len(transforms) != count:
            raise block.error(f"{count} transforms announced, {len(transforms)} found")
        block.finish()
        return cls(number, protocol, spi, tuple(transforms)), more

    def serialize(self, last: bool) -> bytes:
        """Write it."""
        final = len(self.transforms) - 1
        transforms = b"".join([t.serialize(i == final) for i, t in enumerate(self.transforms)])
        header = _PROPOSAL.pack(
            _LAST if last else _MORE_PROPOSALS,
            _PROPOSAL.size + len(self.spi) + len(transforms),
            self.number,
            self.protocol,
            len(self.spi),
            len(self.transforms),
        )
        return header + self.spi + transforms


@dataclass(frozen=True, slots=True)
class SecurityAssociation:
    """Proposals, in the sender's order of preference; one in an answer."""

    payload_type: ClassVar[int] = PayloadType.SA

    proposals: tuple[Proposal, ...]

    @classmethod
    def parse(cls, reader: Reader) -> SecurityAssociation:
        """Read the body.

        Raises:
            ParseError: it is empty, cut short, too long, or a count or length is wrong.
        """
        proposals: list[Proposal] = []
        more = True
        while more:
            if len(proposals) == MAX_PROPOSALS:
                raise reader.error(f"more than {MAX_PROPOSALS} proposals")
            proposal, more = Proposal.parse(reader)
            proposals.append(proposal)
        reader.finish()
        return cls(tuple(proposals))

    def serialize(self) -> bytes:
        """Write the body."""
        final = len(self.proposals) - 1
        return b"".join([p.serialize(i == final) for i, p in enumerate(self.proposals)])


def _more_follow(reader: Reader, begin: int, more: int) -> bool:
    """Tell by the "last" field of a proposal or transform whether another follows."""
    if begin == more:
        return True
    if begin != _LAST:
        raise reader.error(f"{begin} where {_LAST} (last) or {more} (more) belongs")
    return False
