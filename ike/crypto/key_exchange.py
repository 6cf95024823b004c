"""Key exchange methods (transform type 4): curves, MODP groups and ML-KEM behind one interface.

A Diffie-Hellman exchange is the same at both ends, a KEM is not: the initiator sends an
encapsulation key, the responder a ciphertext. So there are two ends here: `generate` is for the
initiator, who calls `finish` with the answer; `respond` is for the responder, who has his value
and the shared secret at once.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ike.config import KeyExchange
from ike.crypto import ecdh, mlkem, modp
from ike.crypto.errors import KeyExchangeError
from ike.crypto.random import RandomBytes
from ike.types import Secret


class PrivateValue(Protocol):
    """The initiator's half of one key exchange. To be used for one exchange only."""

    @property
    def method(self) -> KeyExchange:
        """Which method it belongs to."""

    @property
    def public(self) -> bytes:
        """What goes into the KE payload."""

    @property
    def secret(self) -> Secret:
        """What `restore` makes the same value of again."""

    def finish(self, peer: bytes) -> bytes:
        """Compute the shared secret with the responder's value.

        Raises:
            KeyExchangeError: the value has the wrong length or form, or is one that gives a
                secret anybody knows.
        """


class Response(NamedTuple):
    """The responder's half: what goes into the KE payload, and the shared secret."""

    public: bytes
    shared: Secret


def known(method: int) -> KeyExchange | None:
    """Return the method with that number, None if this engine does not have it."""
    try:
        return KeyExchange(method)
    except ValueError:
        return None


def generate(method: KeyExchange, random_bytes: RandomBytes) -> PrivateValue:
    """Begin a key exchange. Some methods take their randomness from OpenSSL in any case."""
    if method in modp.GROUPS:
        return modp.generate(method, random_bytes)
    if method in mlkem.METHODS:
        return mlkem.DecapsulationKey(method, random_bytes)
    return ecdh.generate(method, random_bytes)


def restore(method: KeyExchange, secret: Secret) -> PrivateValue:
    """Make the private value again whose `secret` this is.

    Raises:
        KeyExchangeError: it is none of that method.
    """
    if method in modp.GROUPS:
        return modp.restore(method, secret)

    def drawn(length: int) -> bytes:
        if length != len(secret):
            raise KeyExchangeError(f"a secret of {len(secret)} bytes, {length} expected")
        return secret.reveal()

    return generate(method, drawn)


def respond(method: KeyExchange, peer: bytes, random_bytes: RandomBytes) -> Response:
    """Answer a key exchange that the peer began with the value `peer`.

    Raises:
        KeyExchangeError: as for `PrivateValue.finish`.
    """
    if method in mlkem.METHODS:
        ciphertext, shared = mlkem.encapsulate(method, peer)
        return Response(ciphertext, Secret(shared))
    private = generate(method, random_bytes)
    return Response(private.public, Secret(private.finish(peer)))
