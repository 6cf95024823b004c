"""Key derivations as charon logs them: what went in, and what came out."""

from __future__ import annotations

from collections.abc import Iterable

from ike.config import EspProposal, IkeProposal
from tests.interop.lab.charon_log import Dump, Line

Derivation = dict[str, str | int | None]
"""Names as in `ike.config`; bytes in hexadecimal."""

OUR_NONCE = 32  # bytes; strongSwan's are as long
_SK = ("d", "ai", "ar", "ei", "er", "pi", "pr")


def dumps_by_title(entries: Iterable[Line | Dump]) -> dict[str, list[bytes]]:
    """Sort the dumps of one IKE SA's handshake by their titles, in the order of the log."""
    found: dict[str, list[bytes]] = {}
    for entry in entries:
        if isinstance(entry, Dump):
            found.setdefault(entry.title, []).append(entry.data)
    return found


def ike_derivation(proposal: IkeProposal, dumps: dict[str, list[bytes]]) -> Derivation:
    """Describe the keys of a first IKE SA (RFC 7296 §2.14)."""
    ((encryption, key_bits),) = proposal.encryption
    nonces = dumps["seed"][0]
    spis = next(chunk for chunk in dumps["natd_chunk"] if any(chunk[8:16]))
    return {
        "encryption": encryption.name,
        "key_bits": key_bits,
        "integrity": proposal.integrity[0].name if proposal.integrity else None,
        "prf": proposal.prf[0].name,
        "key_exchange": proposal.key_exchange[0].name,
        "initiator_spi": spis[:8].hex(),
        "responder_spi": spis[8:16].hex(),
        "initiator_nonce": nonces[:OUR_NONCE].hex(),
        "responder_nonce": nonces[OUR_NONCE:].hex(),
        "shared": dumps["shared Diffie Hellman secret"][0].hex(),
        **{f"sk_{name}": dumps.get(f"Sk_{name} secret", [b""])[0].hex() for name in _SK},
    }


def auth_computation(proposal: IkeProposal, dumps: dict[str, list[bytes]]) -> Derivation:
    """Describe the initiator's AUTH by a pre-shared key (RFC 7296 §2.15)."""
    octets = dumps["octets = message + nonce + prf(Sk_px, IDx')"][0]
    spis = next(chunk for chunk in dumps["natd_chunk"] if any(chunk[8:16]))
    length = int.from_bytes(octets[24:28])  # of the first message, as its header has it
    assert octets[:8] == spis[:8]
    return {
        "prf": proposal.prf[0].name,
        "message": octets[:length].hex(),
        "responder_nonce": dumps["seed"][0][OUR_NONCE:].hex(),
        "sk_pi": dumps["SK_p"][0].hex(),
        "identification": dumps["IDx'"][0].hex(),
        "octets": octets.hex(),
        "preshared_key": dumps["secret"][0].hex(),
        "auth": dumps["AUTH = prf(prf(secret, keypad), octets)"][0].hex(),
    }


def child_derivation(
    ike: IkeProposal, esp: EspProposal, dumps: dict[str, list[bytes]], *, newest: bool = False
) -> Derivation:
    """Describe the keys of a CHILD_SA (RFC 7296 §2.17): the first, or the newest of the IKE SA."""
    which = -1 if newest else 0
    ((encryption, key_bits),) = esp.encryption
    seed = dumps["seed"][which]
    nonces, shared = seed[-2 * OUR_NONCE :], seed[: -2 * OUR_NONCE]
    keys = {
        f"{kind}_{side}": dumps.get(f"{kind} {side} key", [b""])[which].hex()
        for kind in ("encryption", "integrity")
        for side in ("initiator", "responder")
    }
    return {
        "cipher": encryption.name,
        "key_bits": key_bits,
        "integrity": esp.integrity[0].name if esp.integrity else None,
        "prf": ike.prf[0].name,
        "key_exchange": esp.key_exchange[0].name if shared else None,
        "sk_d": dumps["Sk_d secret"][0].hex(),
        "initiator_nonce": nonces[:OUR_NONCE].hex(),
        "responder_nonce": nonces[OUR_NONCE:].hex(),
        "shared": shared.hex(),
        **keys,
    }
