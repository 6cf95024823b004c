"""Answering Configuration payloads (RFC 7296 §3.15).

We are a router without an address pool, and want no address of the peer's: what asks for one in
IKE_AUTH is passed over, as §3.15.4 lets us. In INFORMATIONAL we tell what we can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ike.codec.chain import find
from ike.codec.configuration import Configuration, ConfigurationAttribute
from ike.codec.payload import Payload
from ike.codec.reader import u16
from ike.codec.registry import ConfigurationAttributeType, ConfigurationType

_SUPPORTED = (
    ConfigurationAttributeType.APPLICATION_VERSION,
    ConfigurationAttributeType.SUPPORTED_ATTRIBUTES,
)


def answer(payloads: Iterable[Payload], version: str) -> list[Payload]:
    """Answer a CFG_REQUEST with what we know, a CFG_SET with nothing; else be silent.

    Args:
        payloads: the request's.
        version: what we say that we are; empty, we keep it to ourselves (§3.15.2).
    """
    asked = find(payloads, Configuration)
    if asked is None:
        return []
    if asked.configuration_type == ConfigurationType.REQUEST:
        return [Configuration(ConfigurationType.REPLY, _known(asked.attributes, version))]
    if asked.configuration_type == ConfigurationType.SET:
        return [Configuration(ConfigurationType.ACK, ())]
    return []


def _known(
    asked: Sequence[ConfigurationAttribute], version: str
) -> tuple[ConfigurationAttribute, ...]:
    values = {
        ConfigurationAttributeType.APPLICATION_VERSION: version.encode(),
        ConfigurationAttributeType.SUPPORTED_ATTRIBUTES: b"".join(map(u16, _SUPPORTED)),
    }
    types = {attribute.attribute_type for attribute in asked}
    return tuple(
        ConfigurationAttribute(kind, value) for kind, value in values.items() if kind in types
    )
