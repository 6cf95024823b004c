"""The figures that matter most, for the README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks import p4runtime_writes
from benchmarks.charon_handshake import Measurement as Handshake
from benchmarks.report.document import Document
from benchmarks.report.text import paragraph, table
from benchmarks.report.tunnels import moment_rows, traffic_rows
from benchmarks.switch.cases import CLEAR as CASE_CLEAR
from benchmarks.switch.cases import PLAIN_FORWARDING
from benchmarks.switch.measurement import Measurement as Switch
from benchmarks.tunnel.runs import CLEAR, IN_UDP, LINUX, PLAIN, RAW, STRONGSWAN
from benchmarks.tunnel.traffic import Measurement as Traffic

BEGIN = "<!-- From here on written by `make bench-report`. -->"
END = "<!-- To here. -->"

_WAYS = (PLAIN, CLEAR, RAW, IN_UDP)
_NAMES = {LINUX: "strongSwan", STRONGSWAN: "strongSwan"}
_SHORT_NAMES = {"CURVE25519": "X25519", "SECP256R1": "P-256", "MODP2048": "MODP-2048"}


def summary(document: Document) -> Iterator[str]:
    """Yield the lines of the summary."""
    machine = document.machine
    yield from paragraph(
        f"On {machine.cores} cores, that hosts, switches and peers share ({machine.date},",
        f"bmv2 {machine.versions['bmv2']}, strongSwan {machine.versions['strongSwan']}, Python",
        f"{machine.versions['Python']}); compare within a table.",
    )
    for section in (_one_switch, _through_routers, _handshakes):
        lines = list(section(document))
        if lines:
            yield ""
            yield from lines
    sentences = list(_sentences(document))
    if sentences:
        yield ""
        yield from paragraph(*sentences)


def _one_switch(document: Document) -> Iterator[str]:
    rows = document.rows("switch", Switch)
    if not rows:
        return
    rates = {(row.case, row.target, row.octets): row.packets_per_second for row in rows}
    columns = list(dict.fromkeys((row.target, row.octets) for row in rows))
    yield "Packets a second through one switch under a flood, by bytes of IP packet:"
    yield ""
    yield from table(
        ("packets/s", *(f"{target}, {octets:,}" for target, octets in columns)),
        (
            (case, *(_number(rates.get((case, *column))) for column in columns))
            for case in (PLAIN_FORWARDING, CASE_CLEAR, "ESP out", "ESP in")
        ),
    )


def _through_routers(document: Document) -> Iterator[str]:
    rows = traffic_rows(document)
    if not rows:
        return
    yield from paragraph(
        "TCP between two hosts, each behind a router, Mbit/s forth and back (strongSwan: in user",
        "space, `kernel-libipsec`; in the clear, the kernel):",
    )
    yield ""
    yield from table(
        ("routers", *_WAYS),
        (
            (name, *(_both(found, way) for way in _WAYS))
            for name, found in _by_routers(rows).items()
        ),
    )


def _by_routers(rows: Sequence[Traffic]) -> dict[str, list[Traffic]]:
    """Group by what stands at both ends; Linux is the clear of strongSwan."""
    found: dict[str, list[Traffic]] = {}
    for row in rows:
        ends = [_NAMES.get(end, end) for end in (row.router, row.other_end)]
        found.setdefault(" and ".join(ends), []).append(row)
    return found


def _both(rows: Sequence[Traffic], way: str) -> str:
    return "".join(f"{row.forth:,}, {row.back:,}" for row in rows if row.way == way)


def _handshakes(document: Document) -> Iterator[str]:
    rows = [row for row in document.rows("charon_handshake", Handshake) if row.child_sa]
    if not rows:
        return
    spent = {(row.role, row.who, row.key_exchange): row.cpu_ms for row in rows}
    methods = list(dict.fromkeys(row.key_exchange for row in rows))
    yield "CPU milliseconds of an IKE SA with one CHILD_SA, our engine and strongSwan's charon:"
    yield ""
    yield from table(
        ("engine, charon", *(_SHORT_NAMES.get(method, method) for method in methods)),
        (
            (
                role,
                *(
                    ", ".join(f"{spent[role, who, method]:.2f}" for who in ("engine", "charon"))
                    for method in methods
                ),
            )
            for role in ("responder", "initiator")
        ),
    )


def _sentences(document: Document) -> Iterator[str]:
    moments = moment_rows(document)
    if moments:
        slowest = max(row.first_encrypted for row in moments)
        takeover = sum(row.lost_at_takeover or 0 for row in moments)
        restart = sum(row.lost_at_restart for row in moments)
        yield f"From the first packet to the first answer through ESP it takes {slowest:.2f} s."
        yield f"Of pings every 10 ms, {takeover or 'none'} are lost when an SA takes over from the"
        yield f"clear, and {restart or 'none'} when the controller, with a `state_file`, is killed"
        yield "and started again."
    rows = document.rows("p4runtime_writes", p4runtime_writes.Measurement)
    sas = {row.target: row for row in rows if row.what == p4runtime_writes.PAIRS_OF_SAS}
    if sas:  # the last of a target is the largest batch
        rates = (f"{target} {row.installed_per_second:,}" for target, row in sas.items())
        size = max(row.batch_size for row in sas.values())
        yield f"Pairs of SAs installed a second, {size} at once: {', '.join(rates)}."


def _number(rate: int | None) -> str:
    return "" if rate is None else f"{rate:,}"


def in_readme(text: str, document: Document) -> str:
    """Return a README with the summary of this run in place of the one that it had.

    Raises:
        ValueError: it has no place for one.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the README has no lines {BEGIN} and {END}")
    return f"{before}{begin}\n" + "\n".join(summary(document)) + f"\n{end}{after}"
