"""One function an entry: what a row of each table means, and, for adoption, the way back.

Each entry's label is for people; a `name` that callers pass goes into it.
"""

from controller.p4runtime.tables.clear import (
    clear_destination,
    clear_source,
    parse_clear_destination,
    parse_clear_source,
)
from controller.p4runtime.tables.interfaces import (
    egress_interface,
    ingress_interface,
    local_address,
)
from controller.p4runtime.tables.keying import Keying
from controller.p4runtime.tables.meters import (
    ike_meters,
    no_sa_meters,
    punt_meters,
    report_meters,
)
from controller.p4runtime.tables.no_sa import (
    PASSIVE_MODE_KEY,
    no_sa,
    parse_no_sa,
    parse_passive_mode,
    passive_mode,
)
from controller.p4runtime.tables.routes import (
    neighbor,
    parse_neighbor,
    route_blackhole,
    route_connected,
    route_via,
)
from controller.p4runtime.tables.sad import (
    AWAIT_KEYS,
    SEQUENCE_LIMIT_32,
    SEQUENCE_LIMIT_64,
    SadIn,
    SadOut,
    parse_sad_in,
    parse_sad_out,
    sad_in,
    sad_in_awaiting_keys,
    sad_out,
)
from controller.p4runtime.tables.selectors import parse_selector_sa_id, sa_selectors
from controller.p4runtime.tables.spd import spd_in, spd_out

__all__ = [
    "AWAIT_KEYS",
    "PASSIVE_MODE_KEY",
    "SEQUENCE_LIMIT_32",
    "SEQUENCE_LIMIT_64",
    "Keying",
    "SadIn",
    "SadOut",
    "clear_destination",
    "clear_source",
    "egress_interface",
    "ike_meters",
    "ingress_interface",
    "local_address",
    "neighbor",
    "no_sa",
    "no_sa_meters",
    "parse_clear_destination",
    "parse_clear_source",
    "parse_neighbor",
    "parse_no_sa",
    "parse_passive_mode",
    "parse_sad_in",
    "parse_sad_out",
    "parse_selector_sa_id",
    "passive_mode",
    "punt_meters",
    "report_meters",
    "route_blackhole",
    "route_connected",
    "route_via",
    "sa_selectors",
    "sad_in",
    "sad_in_awaiting_keys",
    "sad_out",
    "spd_in",
    "spd_out",
]
