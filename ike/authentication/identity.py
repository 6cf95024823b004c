"""Who a peer says it is, compared and shown; nothing of it is proven yet."""

from __future__ import annotations

from ike.distinguished_name import parse_name, same_name
from ike.types import Identity, IdType

_MAX_SHOWN = 255  # characters


def same_identity(configured: Identity, id_type: int, data: bytes) -> bool:
    """Compare an identity with the configured one.

    Domain names don't care for case, distinguished names not for how they are encoded.
    """
    if configured.id_type != id_type:
        return False
    if configured.data == data:
        return True
    if configured.id_type == IdType.FQDN:
        return configured.data.lower() == data.lower()
    if configured.id_type == IdType.DER_ASN1_DN:
        try:
            return same_name(parse_name(configured.data), parse_name(data))
        except ValueError:
            return False
    return False


def identity_of(id_type: int, data: bytes) -> Identity | None:
    """Return the identity of an ID payload; None if its type is not known."""
    try:
        return Identity(IdType(id_type), data)
    except ValueError:
        return None


def show_identity(id_type: int, data: bytes) -> str:
    """Write a peer's identity so that it can go into a log: it is not authenticated yet."""
    identity = identity_of(id_type, data)
    if identity is None:
        return f"an identity of the unknown type {id_type}"
    return str(identity)[:_MAX_SHOWN]
