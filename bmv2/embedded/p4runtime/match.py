"""Match keys: ``p4.v1.FieldMatch`` to `MatchKey` and back (specification §9.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from finsy.proto import p4r

from bmv2.embedded.model import FieldMatch, MatchKey, MatchKind
from bmv2.embedded.p4runtime.bytestring import decode, encode
from bmv2.embedded.p4runtime.errors import invalid
from bmv2.embedded.p4runtime.schema import MatchFieldSchema, TableSchema


def decode_key(table: TableSchema, entry: p4r.TableEntry) -> tuple[MatchKey, int]:
    """Read the match key and the priority of an entry that is not the default entry.

    Raises:
        P4RuntimeError: A field is unknown, missing, given twice, of another kind, or malformed;
            or the priority is not 0 where there is none, or not positive where there is one.
    """
    if len(entry.match) > len(table.fields):
        raise invalid(f"{table.name}: too many fields in the match key")
    given: list[FieldMatch | None] = [None] * len(table.fields)
    for field_match in entry.match:
        place = table.field_places.get(field_match.field_id)
        if place is None:
            raise invalid(f"{table.name}: there is no match field {field_match.field_id}")
        if given[place] is not None:
            raise invalid(f"{table.name}: match field {field_match.field_id} is given twice")
        given[place] = _decode_field(table.fields[place], field_match)
    key = tuple(
        _dont_care(field) if match is None else match
        for field, match in zip(table.fields, given, strict=True)
    )
    _check_priority(table, entry.priority)
    return key, entry.priority


def encode_key(table: TableSchema, match: MatchKey, entry: p4r.TableEntry) -> None:
    """Add the fields of a match key to a message; "don't care" is left out."""
    for field, value in zip(table.fields, match, strict=True):
        _ENCODERS[field.kind](field, value, entry)


def _check_priority(table: TableSchema, priority: int) -> None:
    if table.needs_priority:
        if priority <= 0:
            raise invalid(f"{table.name}: the priority must be greater than 0")
    elif priority != 0:
        raise invalid(f"{table.name}: the priority must be 0, its key needs none")


def _decode_field(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    kind = message.WhichOneof("field_match_type")
    if kind != field.kind.value:
        raise invalid(f"{field.name}: is a {field.kind.value} match, not {kind}")
    return _DECODERS[field.kind](field, message)


def _decode_exact(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    return decode(message.exact.value, field.bitwidth, field.name), 0


def _decode_lpm(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    value = decode(message.lpm.value, field.bitwidth, field.name)
    length = message.lpm.prefix_len
    if not 0 < length <= field.bitwidth:
        raise invalid(f"{field.name}: a prefix length is from 1 to {field.bitwidth}")
    if value & ((1 << (field.bitwidth - length)) - 1):
        raise invalid(f"{field.name}: the value has bits set beyond its prefix")
    return value, length


def _decode_ternary(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    value = decode(message.ternary.value, field.bitwidth, field.name)
    mask = decode(message.ternary.mask, field.bitwidth, field.name)
    if mask == 0:
        raise invalid(f"{field.name}: leave the field out instead of using mask 0")
    if value & ~mask:
        raise invalid(f"{field.name}: the value has bits set outside of its mask")
    return value, mask


def _decode_range(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    low = decode(message.range.low, field.bitwidth, field.name)
    high = decode(message.range.high, field.bitwidth, field.name)
    if low > high:
        raise invalid(f"{field.name}: low is above high")
    if (low, high) == _dont_care(field):
        raise invalid(f"{field.name}: leave the field out instead of using the full range")
    return low, high


def _decode_optional(field: MatchFieldSchema, message: p4r.FieldMatch) -> FieldMatch:
    return decode(message.optional.value, field.bitwidth, field.name), 1


def _dont_care(field: MatchFieldSchema) -> FieldMatch:
    if field.kind is MatchKind.EXACT:
        raise invalid(f"{field.name}: an exact match field is missing")
    if field.kind is MatchKind.RANGE:
        return 0, (1 << field.bitwidth) - 1
    return 0, 0


def _encode_exact(field: MatchFieldSchema, match: FieldMatch, entry: p4r.TableEntry) -> None:
    entry.match.add(field_id=field.id).exact.value = encode(match[0])


def _encode_lpm(field: MatchFieldSchema, match: FieldMatch, entry: p4r.TableEntry) -> None:
    value, length = match
    if length:
        message = entry.match.add(field_id=field.id).lpm
        message.value, message.prefix_len = encode(value), length


def _encode_ternary(field: MatchFieldSchema, match: FieldMatch, entry: p4r.TableEntry) -> None:
    value, mask = match
    if mask:
        message = entry.match.add(field_id=field.id).ternary
        message.value, message.mask = encode(value), encode(mask)


def _encode_range(field: MatchFieldSchema, match: FieldMatch, entry: p4r.TableEntry) -> None:
    low, high = match
    if match != _dont_care(field):
        message = entry.match.add(field_id=field.id).range
        message.low, message.high = encode(low), encode(high)


def _encode_optional(field: MatchFieldSchema, match: FieldMatch, entry: p4r.TableEntry) -> None:
    value, present = match
    if present:
        entry.match.add(field_id=field.id).optional.value = encode(value)


_DECODERS: Mapping[MatchKind, Callable[[MatchFieldSchema, p4r.FieldMatch], FieldMatch]] = {
    MatchKind.EXACT: _decode_exact,
    MatchKind.LPM: _decode_lpm,
    MatchKind.TERNARY: _decode_ternary,
    MatchKind.RANGE: _decode_range,
    MatchKind.OPTIONAL: _decode_optional,
}
_ENCODERS: Mapping[MatchKind, Callable[[MatchFieldSchema, FieldMatch, p4r.TableEntry], None]] = {
    MatchKind.EXACT: _encode_exact,
    MatchKind.LPM: _encode_lpm,
    MatchKind.TERNARY: _encode_ternary,
    MatchKind.RANGE: _encode_range,
    MatchKind.OPTIONAL: _encode_optional,
}
