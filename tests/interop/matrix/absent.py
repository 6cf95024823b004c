"""What one of the two peers has not, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass

from tests.interop.lab.swanctl_conf import Options
from tests.interop.matrix.cells import Cell

_LATER = "strongSwan 5.9.8 has it not: {}"


@dataclass(frozen=True, slots=True)
class Absent:
    """A field of the table that can't be filled.

    `refused`: settings of a connection that strongSwan turns down for that very reason, so that
    a version that has learnt it is noticed.
    """

    cell: Cell
    reason: str
    refused: Options = ()


def _lacks_keyword(area: str, what: str, keyword: str, since: str) -> Absent:
    proposal = f"aes256gcm16-prfsha256-x25519-{keyword}"
    reason = f"strongSwan 5.9.8 does not know `{keyword}`: {since}"
    return Absent(Cell(area, what), reason, (("proposals", proposal),))


ABSENT = (
    Absent(
        Cell("Authentication", "NULL (RFC 7619)"),
        "strongSwan has no NULL authentication",
        (("auth", "null"),),
    ),
    _lacks_keyword("Modern", "ML-KEM-512 (RFC 9370)", "ke1_mlkem512", "since 6.0"),
    _lacks_keyword("Modern", "ML-KEM-768 (RFC 9370)", "ke1_mlkem768", "since 6.0"),
    _lacks_keyword("Modern", "ML-KEM-1024 (RFC 9370)", "ke1_mlkem1024", "since 6.0"),
    _lacks_keyword("Modern", "additional key exchange over IKE_INTERMEDIATE", "ke1_x448", "6.0"),
    Absent(Cell("Modern", "ESN in use"), "kernel-libipsec has 32-bit sequence numbers only"),
    Absent(
        Cell("Modern", "transport mode"),
        "kernel-libipsec pretends a NAT, and protects no traffic between the peers themselves",
    ),
    Absent(
        Cell("Liveness", "quick crash detection (RFC 6290)"),
        "strongSwan does not take QCD_TOKEN",
    ),
    Absent(
        Cell("Modern", "several requests in flight"),
        "strongSwan announces no window, which makes it 1 (RFC 7296 §2.3)",
    ),
    Absent(Cell("ESP", "AES-GMAC"), "neither kernel-libipsec nor the engine has it"),
)
