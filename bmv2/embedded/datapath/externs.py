"""Extern types that this switch has. A type is added by an entry in `EXTERNS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bmv2.embedded import esp
from bmv2.embedded.payload_parser import extract_ipv4


@dataclass(frozen=True, slots=True)
class Method:
    """A method that may read and replace the payload (what follows the parsed headers).

    Attributes:
        function: called as `function(payload, [header bytes,] *inputs)`, it returns the new
            payload, [header bytes,] and the results, as integers.
        takes_header: the first argument is a header, which is handed over serialized; no bytes
            where it is not valid.
        gives_header: the first argument is a header that is replaced by what is returned; no
            bytes: it stays as it was.
        inputs: name and width in bits of each argument that is read.
        outputs: the same of each argument that is written, which follow.
    """

    function: Callable[..., tuple[object, ...]]
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    takes_header: bool = False
    gives_header: bool = False


def esp_encapsulate(
    payload: bytes,
    inner_header: bytes,
    payload_length: int,
    encryption: int,
    key_length: int,
    key: int,
    salt: int,
    integrity: int,
    integrity_key: int,
    extended_sequence_numbers: int,
    spi: int,
    sequence_number: int,
    iv: int,
) -> tuple[bytes, int, int]:
    """`EspCipher.encapsulate`; returns the payload, its length and the `EspResult`."""
    if not inner_header or payload_length > len(payload):
        return payload, 0, esp.EspResult.MALFORMED
    result, sealed = esp.encapsulate(
        inner_header + payload[:payload_length],
        encryption=encryption,
        key_length=key_length,
        key=key,
        salt=salt,
        integrity=integrity,
        integrity_key=integrity_key,
        extended_sequence_numbers=extended_sequence_numbers,
        spi=spi,
        sequence_number=sequence_number,
        iv=iv,
    )
    if result != esp.EspResult.OK:
        return payload, 0, result
    if len(sealed) > _MAX_LENGTH:
        return payload, 0, esp.EspResult.MALFORMED
    return sealed, len(sealed), result


def esp_decapsulate(
    payload: bytes,
    offset: int,
    payload_length: int,
    encryption: int,
    key_length: int,
    key: int,
    salt: int,
    integrity: int,
    integrity_key: int,
    extended_sequence_numbers: int,
    spi: int,
    sequence_number: int,
) -> tuple[bytes, int, int]:
    """`EspCipher.decapsulate`; returns the payload, the next header and the `EspResult`."""
    end = offset + payload_length
    if end > len(payload):
        return payload, 0, esp.EspResult.MALFORMED
    result, next_header, inner = esp.decapsulate(
        payload[offset:end],
        encryption=encryption,
        key_length=key_length,
        key=key,
        salt=salt,
        integrity=integrity,
        integrity_key=integrity_key,
        extended_sequence_numbers=extended_sequence_numbers,
        spi=spi,
        sequence_number=sequence_number,
    )
    if result != esp.EspResult.OK or next_header != esp.NEXT_HEADER_IPV4:
        return payload, next_header, result
    return inner, next_header, result


_MAX_LENGTH = 0xFFFF  # of a payload, as its parameter is 16 bits wide

_SA_INPUTS = (
    ("encryption", 8),
    ("key_length", 16),
    ("key", 256),
    ("salt", 32),
    ("integrity", 8),
    ("integrity_key", 512),
    ("extended_sequence_numbers", 1),
    ("spi", 32),
    ("sequence_number", 64),
)

EXTERNS: dict[str, dict[str, Method]] = {
    # p4src/esp_cipher.p4
    "EspCipher": {
        "encapsulate": Method(
            esp_encapsulate,
            takes_header=True,
            inputs=(("payload_length", 16), *_SA_INPUTS, ("iv", 64)),
            outputs=(("esp_payload_length", 16), ("result", 8)),
        ),
        "decapsulate": Method(
            esp_decapsulate,
            inputs=(("offset", 16), ("payload_length", 16), *_SA_INPUTS),
            outputs=(("next_header", 8), ("result", 8)),
        ),
    },
    # p4src/payload_parser.p4
    "PayloadParser": {
        "extract_ipv4": Method(
            extract_ipv4,
            gives_header=True,
            inputs=(),
            outputs=(("source_port", 16), ("destination_port", 16), ("is_extracted", 8)),
        ),
    },
}
