"""Which canonical code answers which mistake.

bmv2 is the reference: a code is the one that bmv2's P4Runtime frontend (p4lang/PI,
``proto/frontend/src``) gives. The specification asks for another one in the places named below;
they are constants so that a difference is decided in one place.
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """``google.rpc.Code``."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


# As bmv2, where the specification asks for something else.

BAD_BYTESTRING = Code.INVALID_ARGUMENT
"""A value does not fit its width (specification §8.4: OUT_OF_RANGE), or is empty (bmv2 reads an
empty string as 0; the specification always rejects it)."""

INDEX_BEYOND_SIZE = Code.UNKNOWN
"""The index of a counter or meter is not below its size (specification: OUT_OF_RANGE)."""

DIRECT_RESOURCE_WITHOUT_ENTRY = Code.INVALID_ARGUMENT
"""A direct counter or meter of an entry that is not there (specification: NOT_FOUND)."""

CONFIG_NOT_REALIZABLE = Code.UNKNOWN
"""The device config is not one that this switch can run (specification: INVALID_ARGUMENT)."""

CANNOT_RECONCILE = Code.UNKNOWN
"""The entries do not fit the new config (specification: INVALID_ARGUMENT)."""

NOTHING_TO_COMMIT = Code.UNKNOWN
"""COMMIT with no VERIFY_AND_SAVE before it (specification: NOT_FOUND)."""

ENTITY_NOT_SET = Code.UNKNOWN
"""The entity of an update or of a read is not set (specification: INVALID_ARGUMENT)."""

IMMUTABLE_ENTRY = Code.UNKNOWN
"""A change to a table with ``const entries`` (specification: PERMISSION_DENIED)."""

# As the specification, where bmv2 has only its catch-all UNKNOWN.

TABLE_FULL = Code.RESOURCE_EXHAUSTED
"""The table holds as many entries as it may (bmv2: UNKNOWN)."""
