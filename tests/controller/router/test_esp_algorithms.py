"""Every kind of ESP algorithm, from the configuration through IKE into the switch and back."""

import pytest

from controller.p4runtime.tables import SEQUENCE_LIMIT_64
from tests.controller.router.test_manual import manual
from tests.simulation.topology import site

TRANSFORMS = [
    "esp-gcm 256",
    "esp-gcm-8 192",
    "esp-ccm 128",
    "esp-chacha20-poly1305",
    "esp-aes 256 esp-sha256-hmac",
    "esp-aes 128 esp-sha512-hmac",
    "esp-aes 128 esp-aes-xcbc-mac",
    "esp-aes-ctr 256 esp-aes-cmac",
    "esp-null esp-sha384-hmac",
    "{transforms: esp-gcm 256, esn: true}",
    "{transforms: esp-aes 256 esp-sha256-hmac, esn: true}",
    "{transforms: esp-3des esp-sha-hmac, legacy: true}",
]


@pytest.mark.parametrize("transforms", TRANSFORMS)
def test_negotiated(sites, transforms):
    """RFC 8221; full-sized packets fit (RFC 4303 §2.4: padding is reckoned with)."""
    one, two = (
        site(number, peers={peer: []}).replace("gcm: esp-gcm 256", f"gcm: {transforms!s}")
        for number, peer in ((1, 2), (2, 1))
    )
    built = sites(one, two)
    built.exchange(1, 2)  # the first packet makes the SA
    built.run(2)
    assert built.exchange(1, 2)
    assert built.exchange(2, 1)
    assert built.core.count("clear") == 0
    (pair,) = built.routers[1].control.sad.pairs()
    assert pair.outbound.keying.extended_sequence_numbers is ("esn" in transforms)
    assert (pair.outbound.sequence_limit == SEQUENCE_LIMIT_64) is ("esn" in transforms)
    largest = pair.outbound.inner_mtu
    built.core.tap.clear()
    assert built.exchange(1, 2, b"x" * (largest - 28))
    (frame,) = (frame for _, frame in built.core.tap if frame[23] == 50)
    assert len(frame) - 14 <= 1500
    block = pair.outbound.keying.suite.encryption_spec.block_length
    assert len(frame) - 14 > 1500 - max(4, block)


def test_manual_keys_with_an_authenticator(sites):
    """PM-11."""
    keys = [(f"{number:02x}" * 16, f"{number + 2:02x}" * 32) for number in (1, 2)]

    def configuration(number: int, peer: int) -> str:
        (key_in, mac_in), (key_out, mac_out) = keys if number == 1 else keys[::-1]
        spis = (0x1001, 0x2002) if number == 1 else (0x2002, 0x1001)
        text = manual(number, peer, spis[0], key_in, spis[1], key_out)
        text = text.replace("esp-gcm 128", "esp-aes esp-sha256-hmac")
        text = text.replace(f"key: {key_in}", f"key: '{key_in}', authenticator_key: '{mac_in}'")
        return text.replace(f"key: {key_out}", f"key: '{key_out}', authenticator_key: '{mac_out}'")

    two = sites(configuration(1, 2), configuration(2, 1))
    assert two.exchange(1, 2)
    assert two.exchange(2, 1)
    assert two.core.count("esp") == 2
    assert two.core.count("clear") == 0


def test_additional_key_exchanges_with_perfect_forward_secrecy(sites):
    """RFC 9370 §2.2.4: where CREATE_CHILD_SA makes the SAs, IKE_FOLLOWUP_KE adds to their keys."""

    def hybrid(number: int, peer: int) -> str:
        text = site(number, peers={peer: []})
        transforms = "{transforms: esp-gcm 256, additional_key_exchange: [ml-kem-768]}"
        return (
            text.replace("gcm: esp-gcm 256", f"gcm: {transforms}").replace(
                "set_transform_set: gcm", "set_transform_set: gcm\n      set_pfs: group31"
            )
            + "  childless: true\n"
        )

    two = sites(hybrid(1, 2), hybrid(2, 1))
    two.send(1, 2)
    two.run(1)
    assert two.exchange(1, 2)
    assert two.exchange(2, 1)
    (sa,) = two.routers[1].control.negotiation.ike_sas()
    (child,) = sa.children
    assert str(child.suite).endswith("CURVE25519/ML_KEM_768")
