"""Lines of IOS extended access lists (PM-12)."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.access_list import (
    AccessListEntry,
    AccessListError,
    Action,
    PortMatch,
    PortOperator,
    Remark,
    parse_line,
)

ANY = IPv4Network("0.0.0.0/0")
PORT = st.integers(0, 65535)


def entry(text: str) -> AccessListEntry:
    line = parse_line(text)
    assert isinstance(line, AccessListEntry)
    return line


def networks() -> st.SearchStrategy[IPv4Network]:
    return st.builds(
        lambda address, length: IPv4Network((address, length), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    )


@st.composite
def port_matches(draw: st.DrawFn) -> PortMatch:
    operator = draw(st.sampled_from(PortOperator))
    if operator is PortOperator.RANGE:
        low, high = sorted((draw(PORT), draw(PORT)))
        return PortMatch(operator, low, high)
    bounds = {PortOperator.LT: (1, 65535), PortOperator.GT: (0, 65534)}
    port = draw(st.integers(*bounds.get(operator, (0, 65535))))
    return PortMatch(operator, port, port)


@st.composite
def entries(draw: st.DrawFn) -> AccessListEntry:
    protocol = draw(st.integers(0, 255) | st.sampled_from([6, 17, 132]))
    ports = st.none() | port_matches() if protocol in (6, 17, 132) else st.none()
    return AccessListEntry(
        draw(st.sampled_from(Action)),
        protocol,
        draw(networks()),
        draw(networks()),
        draw(ports),
        draw(ports),
    )


@settings(deadline=None)
@given(entries())
def test_what_is_written_is_read_back(line: AccessListEntry) -> None:
    assert parse_line(str(line)) == line


KEYWORDS = ("permit", "deny", "remark", "ip", "tcp", "udp", "any", "host", "eq", "range", "neq")
OPERANDS = ("10.0.0.1", "0.0.0.255", "10.0.0.0/8", "255.255.0.0", "80", "www", "99999", "/24", "é")
words = st.sampled_from(KEYWORDS + OPERANDS)


@settings(deadline=None)
@given(st.text(max_size=80) | st.lists(words, max_size=12).map(" ".join))
def test_anything_else_is_refused_with_a_column(text: str) -> None:
    column = 1
    try:
        parse_line(text)
    except AccessListError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


@settings(deadline=None)
@given(port_matches(), PORT)
def test_ranges_hold_the_ports_that_the_operator_says(match: PortMatch, port: int) -> None:
    expected = {
        PortOperator.EQ: port == match.low,
        PortOperator.NEQ: port != match.low,
        PortOperator.LT: port < match.low,
        PortOperator.GT: port > match.low,
        PortOperator.RANGE: match.low <= port <= match.high,
    }[match.operator]
    assert any(low <= port <= high for low, high in match.ranges) is expected


def test_the_seeds_line() -> None:
    """PM-12: ``access-list 192 permit ip host 209.165.202.147 host 209.165.202.145``."""
    line = entry("permit ip host 209.165.202.147 host 209.165.202.145")
    assert line == AccessListEntry(
        Action.PERMIT, 0, IPv4Network("209.165.202.147/32"), IPv4Network("209.165.202.145/32")
    )
    assert line.text == "permit ip host 209.165.202.147 host 209.165.202.145"


@pytest.mark.parametrize(
    ("text", "source", "destination"),
    [
        ("permit ip any any", "0.0.0.0/0", "0.0.0.0/0"),
        ("PERMIT IP ANY HOST 10.0.0.1", "0.0.0.0/0", "10.0.0.1/32"),
        ("permit ip 10.1.0.0 0.0.255.255 10.2.3.0/24", "10.1.0.0/16", "10.2.3.0/24"),
        ("permit ip 10.1.2.3 0.0.255.255 10.2.3.4/24", "10.1.0.0/16", "10.2.3.0/24"),
        ("permit  ip\t10.1.2.3 0.0.0.0 0.0.0.0 255.255.255.255", "10.1.2.3/32", "0.0.0.0/0"),
    ],
)
def test_addresses(text: str, source: str, destination: str) -> None:
    line = entry(text)
    assert (line.source, line.destination) == (IPv4Network(source), IPv4Network(destination))


@pytest.mark.parametrize(
    ("name", "number"), [("ip", 0), ("tcp", 6), ("esp", 50), ("89", 89), ("0", 0), ("255", 255)]
)
def test_protocols(name: str, number: int) -> None:
    assert entry(f"permit {name} any any").protocol == number


def test_ports_on_both_sides_and_by_name() -> None:
    line = entry("permit udp any eq 4500 any range 1024 65535")
    assert line.source_port == PortMatch(PortOperator.EQ, 4500, 4500)
    assert line.destination_port == PortMatch(PortOperator.RANGE, 1024, 65535)
    assert entry("permit tcp any any eq www") == entry("permit tcp any any eq 80")
    assert entry("permit udp any any eq syslog") != entry("permit tcp any any eq syslog")


def test_remark() -> None:
    assert parse_line("remark to be upgraded: Site B ") == Remark("to be upgraded: Site B")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected permit, deny or remark, but the line ends here"),
        ("allow ip any any", 1, "expected permit, deny or remark, not 'allow'"),
        ("permit ipx any any", 8, "a protocol"),
        ("permit 256 any any", 8, "a protocol"),
        ("permit ip", 10, "but the line ends here"),
        ("permit ip any", 14, "the destination"),
        ("permit ip host 10.0.0.256 any", 16, "host's IPv4 address"),
        ("permit ip 10.0.0.0 any", 20, "the wildcard of 10.0.0.0"),
        ("permit ip 10.0.0.0/33 any", 11, "the source"),
        ("permit ip 10.0.0.0 0.255.0.255 any", 20, "not contiguous"),
        ("permit ip 10.0.0.0 255.255.255.0 any", 20, "whose wildcard is 0.0.0.255"),
        ("permit ip any any eq 80", 19, "tcp, udp and sctp only"),
        ("permit tcp any eq any", 19, "a port"),
        ("permit tcp any eq 65536 any", 19, "a port"),
        ("permit tcp any range 20 10 any", 25, "before its start"),
        ("permit tcp any gt 65535 any", 19, "no port matches"),
        ("permit tcp any any eq 80 443", 26, "the end of the line, not '443'"),
        ("permit tcp any any established", 20, "not supported"),
        ("permit ip any any é", 19, "ASCII"),
    ],
)
def test_errors_say_where_and_what(text: str, column: int, message: str) -> None:
    with pytest.raises(AccessListError, match=message) as caught:
        parse_line(text)
    assert caught.value.column == column


def test_length_is_bounded() -> None:
    with pytest.raises(AccessListError, match="at most 512"):
        parse_line("remark " + "x" * 600)
