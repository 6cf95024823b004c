"""What the embedded datapath is tested for, demanded of a real target, packet for packet.

``pytest tests/conformance --target bmv2``: every test below is one of ``tests/bmv2/datapath``, and
what it expects is what both have to do.
"""

# ruff: noqa: F403 - the tests and fixtures of those modules are this module's
from tests.bmv2.datapath.test_branches import *
from tests.bmv2.datapath.test_drop_reasons import *
from tests.bmv2.datapath.test_early_esp import *
from tests.bmv2.datapath.test_esp_algorithms import *
from tests.bmv2.datapath.test_esp_tunnel import *
from tests.bmv2.datapath.test_forwarding import *
from tests.bmv2.datapath.test_passive_mode import *
