"""What can be wrong with what a peer sends us to compute with."""

from __future__ import annotations


class IntegrityError(Exception):
    """The integrity check value is wrong, or there is no room for one."""


class KeyExchangeError(Exception):
    """The peer's public value is not one that may be used."""


class SignatureError(Exception):
    """A signature does not verify, or says that it is one which may not be used."""
