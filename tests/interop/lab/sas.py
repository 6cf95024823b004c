"""A strongSwan's SAs, as `swanctl --list-sas` tells them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.interop.lab.errors import LabError
from tests.interop.lab.vici_text import Section, parse_messages


@dataclass(frozen=True, slots=True)
class ChildSa:
    """A pair of ESP SAs. SPIs as integers; traffic in packets and bytes since it was made."""

    name: str
    unique_id: int
    state: str  # "INSTALLED" while it carries traffic
    udp_encapsulated: bool
    spi_in: int
    spi_out: int
    encryption: str
    key_bits: int
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    local_ts: tuple[str, ...]
    remote_ts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IkeSa:
    """An IKE SA. SPIs as integers."""

    name: str
    unique_id: int
    state: str  # "ESTABLISHED" once both ends are authenticated
    remote_address: str
    is_initiator: bool
    initiator_spi: int
    responder_spi: int
    children: tuple[ChildSa, ...]


def parse_list_sas(text: str) -> tuple[IkeSa, ...]:
    """Read the output of ``swanctl --list-sas --pretty``.

    Raises:
        LabError: the text does not have swanctl's form, or lacks a value.
    """
    return tuple(
        _ike_sa(name, _as_section(value))
        for message in parse_messages(text, "list-sa")
        for name, value in message.items()
    )


def _ike_sa(name: str, sa: Section) -> IkeSa:
    children = _as_section(sa.get("child-sas", {}))
    return IkeSa(
        name=name,
        unique_id=int(_text(sa, "uniqueid")),
        state=_text(sa, "state"),
        remote_address=_text(sa, "remote-host"),
        is_initiator=sa.get("initiator") == "yes",
        initiator_spi=int(_text(sa, "initiator-spi"), 16),
        responder_spi=int(_text(sa, "responder-spi"), 16),
        children=tuple(_child_sa(_as_section(child)) for child in children.values()),
    )


def _child_sa(sa: Section) -> ChildSa:
    return ChildSa(
        name=_text(sa, "name"),
        unique_id=int(_text(sa, "uniqueid")),
        state=_text(sa, "state"),
        udp_encapsulated=sa.get("encap") == "yes",
        spi_in=int(_text(sa, "spi-in", "0"), 16),
        spi_out=int(_text(sa, "spi-out", "0"), 16),
        encryption=_text(sa, "encr-alg", ""),
        key_bits=int(_text(sa, "encr-keysize", "0")),
        packets_in=int(_text(sa, "packets-in", "0")),
        packets_out=int(_text(sa, "packets-out", "0")),
        bytes_in=int(_text(sa, "bytes-in", "0")),
        bytes_out=int(_text(sa, "bytes-out", "0")),
        local_ts=_items(sa, "local-ts"),
        remote_ts=_items(sa, "remote-ts"),
    )


def _as_section(value: str | list[str] | Section) -> Section:
    if not isinstance(value, dict):
        raise LabError(f"swanctl printed {value!r} where a section should be")
    return value


def _text(section: Section, key: str, default: str | None = None) -> str:
    value = section.get(key, default)
    if not isinstance(value, str):
        raise LabError(f"swanctl's SA has no value for {key}")
    return value


def _items(section: Section, key: str) -> tuple[str, ...]:
    value = section.get(key, [])
    return tuple(value) if isinstance(value, list) else ()
