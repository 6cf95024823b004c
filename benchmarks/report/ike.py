"""The sections on IKE."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import charon_handshake, ike_handshake, ike_profile
from benchmarks.report.document import Document
from benchmarks.report.text import opening, paragraph, percent, table


def beside_charon(document: Document) -> Iterator[str]:
    """Yield what an IKE SA costs, beside charon."""
    rows = document.rows("charon_handshake", charon_handshake.Measurement)
    if not rows:
        return
    yield from opening(
        "## IKE beside charon",
        "The engine (`ike/`) and strongSwan's charon as each other's peer, over UDP, with a",
        "pre-shared key: processor time of an IKE SA, with its CHILD_SA where there is one, and",
        "how many of them one core stands. `python -m benchmarks.charon_handshake`",
    )
    ordered = sorted(rows, key=lambda row: (not row.child_sa, row.key_exchange, row.role, row.who))
    yield from table(
        ("key exchange", "CHILD_SA", "role", "who", "CPU ms", "a second on one core", "bytes"),
        (
            (
                row.key_exchange,
                "one" if row.child_sa else "none",
                row.role,
                row.who,
                f"{row.cpu_ms:.2f}",
                f"{row.per_second:,.0f}",
                f"{row.memory:,}",
            )
            for row in ordered
        ),
        texts=4,
    )
    yield ""


def engine(document: Document) -> Iterator[str]:
    """Yield what an IKE SA costs in memory, without sockets, and where the time goes."""
    rows = document.rows("ike_handshake", ike_handshake.Measurement)
    if rows:
        yield from opening(
            "## The IKE engine alone",
            "Both ends in one process, messages handed over in memory.",
            "`python -m benchmarks.ike_handshake`",
        )
        yield from table(
            ("key exchange", "role", "CPU ms", "a second on one core", "bytes, both ends"),
            (
                (
                    row.key_exchange,
                    row.role,
                    f"{row.cpu_ms:.2f}",
                    f"{row.per_second:,.0f}",
                    f"{row.memory:,}",
                )
                for row in rows
            ),
            texts=2,
        )
        yield ""
    shares = document.rows("ike_profile", ike_profile.Share)
    if shares:
        yield from paragraph(
            "Where a responder's time goes, under a profiler, which makes Python look slower than",
            "it is. `python -m benchmarks.ike_profile`",
        )
        yield ""
        parts = list(dict.fromkeys(row.part for row in shares))
        found = {(row.key_exchange, row.part): row.share for row in shares}
        yield from table(
            ("key exchange", *parts),
            (
                (method, *(percent(found.get((method, part))) for part in parts))
                for method in dict.fromkeys(row.key_exchange for row in shares)
            ),
        )
        yield ""
