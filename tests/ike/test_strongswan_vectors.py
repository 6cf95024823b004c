"""Key derivation as strongSwan does it: recorded handshakes of every suite (§2.14, §2.15, §2.17).

``python -m tests.interop.record`` records `vectors/strongswan/` again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ike.config import EncryptionAlgorithm, Integrity, KeyExchange, Prf
from ike.crypto.auth import shared_key_mic, signed_octets
from ike.crypto.keys import IkeKeys, Nonces, child_keys, ike_keys
from ike.crypto.suites import EspSuite, IkeSuite
from ike.types import Secret

_FOLDER = Path(__file__).parent / "vectors" / "strongswan"
Vector = dict[str, Any]


def vectors(name: str) -> list[Vector]:
    loaded = json.loads((_FOLDER / f"{name}.json").read_text())
    assert loaded["strongSwan"]
    recorded: list[Vector] = loaded["vectors"]
    return recorded


def octets(vector: Vector, name: str) -> bytes:
    return bytes.fromhex(vector[name])


def nonces(vector: Vector) -> Nonces:
    return Nonces(octets(vector, "initiator_nonce"), octets(vector, "responder_nonce"))


def integrity(vector: Vector) -> Integrity | None:
    return None if vector["integrity"] is None else Integrity[vector["integrity"]]


@pytest.mark.parametrize("vector", vectors("ike"))
def test_keys_of_an_ike_sa(vector: Vector) -> None:
    suite = IkeSuite(
        EncryptionAlgorithm[vector["encryption"]],
        vector["key_bits"],
        integrity(vector),
        Prf[vector["prf"]],
        KeyExchange[vector["key_exchange"]],
    )
    spis = (int(vector[name], 16) for name in ("initiator_spi", "responder_spi"))
    keys = ike_keys(suite, Secret(octets(vector, "shared")), nonces(vector), *spis)
    assert keys == IkeKeys(
        *(Secret(octets(vector, f"sk_{n}")) for n in ("d", "ai", "ar", "ei", "er", "pi", "pr"))
    )


@pytest.mark.parametrize("vector", vectors("auth"))
def test_auth_by_a_preshared_key(vector: Vector) -> None:
    prf = Prf[vector["prf"]]
    signed = signed_octets(
        prf,
        octets(vector, "message"),
        octets(vector, "responder_nonce"),
        Secret(octets(vector, "sk_pi")),
        octets(vector, "identification"),
    )
    assert signed == octets(vector, "octets")
    key = Secret(octets(vector, "preshared_key"))
    assert shared_key_mic(prf, key, signed) == octets(vector, "auth")


@pytest.mark.parametrize("vector", vectors("child"))
def test_keys_of_a_child_sa(vector: Vector) -> None:
    suite = EspSuite(EncryptionAlgorithm[vector["cipher"]], vector["key_bits"], integrity(vector))
    shared = octets(vector, "shared")
    keys = child_keys(
        Prf[vector["prf"]],
        Secret(octets(vector, "sk_d")),
        suite,
        nonces(vector),
        (Secret(shared),) if shared else (),
    )
    for side, derived in (("initiator", keys.initiator), ("responder", keys.responder)):
        cipher = derived.key.reveal() + derived.salt.reveal()
        assert cipher == octets(vector, f"encryption_{side}")
        assert derived.integrity_key.reveal() == octets(vector, f"integrity_{side}")
