"""PM-11: SAs from manual configuration."""

import pytest

from controller.router.sa_pair import SaSource
from tests.simulation.topology import Sites, site

ONE = "00112233445566778899aabbccddeeff" + "01020304"
OTHER = "ffeeddccbbaa99887766554433221100" + "05060708"


def manual(number: int, peer: int, spi_in: int, key_in: str, spi_out: int, key_out: str) -> str:
    base = site(number)
    base = base.replace(
        f"outside: {{port: 2, ip_address: 10.0.0.{number}/24}}",
        f"outside: {{port: 2, ip_address: 10.0.0.{number}/24, crypto_map: sites}}",
    )
    return (
        base
        + f"""
access_lists:
  {100 + peer}: [permit ip 10.{number}.0.0 0.0.255.255 10.{peer}.0.0 0.0.255.255]
transform_sets: {{gcm: esp-gcm 128}}
crypto_maps:
  sites:
    10:
      type: ipsec-manual
      set_peer: 10.0.0.{peer}
      set_transform_set: gcm
      match_address: {100 + peer}
      set_session_key:
        inbound: {{spi: {spi_in}, key: {key_in}}}
        outbound: {{spi: {spi_out}, key: {key_out}}}
"""
    )


@pytest.fixture
def two(sites) -> Sites:
    return sites(
        manual(1, 2, 0x1001, ONE, 0x2002, OTHER),
        manual(2, 1, 0x2002, OTHER, 0x1001, ONE),
    )


def test_pm11_manual_sas_protect_from_the_first_packet(two):
    assert two.exchange(1, 2)
    assert two.exchange(2, 1)
    assert two.core.count("esp") == 2
    assert two.core.count("clear") == 0
    assert two.core.count("ike") == 0


def test_pm11_a_restarted_controller_carries_on_with_them(two):
    r1 = two.routers[1]
    before = r1.entries("sad_out")
    r1.kill_controller()
    r1.start_controller()
    assert r1.entries("sad_out") == before
    assert r1.control.sad.pairs()[0].source is SaSource.MANUAL
    assert two.exchange(1, 2)


def test_pm11_after_a_switch_restart_no_iv_repeats_and_the_peer_still_accepts(two):
    """RFC 4106 §3.1; RFC 4303 §3.3.3 on anti-replay with manual keys."""
    assert two.exchange(1, 2)
    first = [frame[42:50] for _, frame in two.core.tap if frame[23] == 50]
    r1 = two.routers[1]
    r1.disconnect()
    r1.switch.reset()
    two.run(1)
    r1.connect()
    two.warm_up()
    two.core.tap.clear()
    assert two.exchange(1, 2)
    again = [frame[42:50] for _, frame in two.core.tap if frame[23] == 50]
    assert first
    assert again
    assert set(first).isdisjoint(again)


def test_pm11_clear_crypto_sa_installs_them_again(two):
    assert two.routers[1].clear_sas() == 1
    assert two.exchange(1, 2)
    assert two.exchange(2, 1)


def test_pm11_manual_sas_are_installed_at_another_address_of_ours(two):
    """Nobody negotiates them: the other end has to be configured too."""
    one = manual(1, 2, 0x1001, ONE, 0x2002, OTHER)
    other = manual(2, 1, 0x2002, OTHER, 0x1001, ONE)
    two.reload(1, one.replace("10.0.0.1/24", "10.0.0.9/24"))
    two.reload(2, other.replace("10.0.0.1\n", "10.0.0.9\n"))
    two.run(1)
    (pair,) = two.routers[1].control.sad.pairs()
    assert str(pair.outbound.tunnel_source) == "10.0.0.9"
    assert two.exchange(1, 2)
    assert two.exchange(2, 1)
    assert two.core.count("clear") == 0
