"""What Mininet's routers are configured to do; the rest is tested in Mininet itself."""

import pytest

from bmv2.topology.sites import SITES, configuration
from controller.config.loader import parse_config
from controller.policy.compile import compile_policy

P4_SITES = [site for site in SITES if site.has_p4_router]


@pytest.mark.parametrize("site", P4_SITES, ids=lambda site: site.router)
def test_configuration_is_a_good_one(site):
    policy = compile_policy(parse_config(configuration(site, ipsec=True, socket="/tmp/api.sock")))
    others = {other.core_address for other in SITES if other is not site}
    assert {str(packet_type.peer) for packet_type in policy.packet_types} == others
    assert not policy.warnings


def test_a_router_before_its_upgrade_protects_nothing():
    text = configuration(P4_SITES[2], ipsec=False, socket="/tmp/api.sock")
    policy = compile_policy(parse_config(text))
    assert policy.packet_types == ()
    assert policy.peers == ()
