"""What the pipeline has room for: the constants of `p4src/sizes.p4` that bound a policy."""

from typing import Final

PACKET_TYPES: Final = 4096  # PACKET_TYPE_TABLE_SIZE
RULES: Final = 8192  # SPD_TABLE_SIZE, over all crypto maps
INTERFACES: Final = 512  # INTERFACE_TABLE_SIZE
ROUTES: Final = 16384  # ROUTE_TABLE_SIZE, connected networks included
