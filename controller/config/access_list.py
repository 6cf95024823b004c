"""Lines of an IOS extended access list.

::

    permit|deny PROTOCOL SOURCE [PORTS] DESTINATION [PORTS]
    remark TEXT

    PROTOCOL   ip, a name such as tcp, or a number
    SOURCE     any | host A.B.C.D | A.B.C.D WILDCARD | A.B.C.D/LENGTH
    PORTS      eq P | neq P | lt P | gt P | range P P     (tcp, udp, sctp)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from controller.config.service_names import PROTOCOLS, SERVICES

MAX_LINE_LENGTH = 512
_PORT_PROTOCOLS = frozenset((PROTOCOLS["tcp"], PROTOCOLS["udp"], PROTOCOLS["sctp"]))
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}
_NOT_SUPPORTED = frozenset(
    (
        *("dscp", "established", "fragments", "log", "log-input", "option"),
        *("precedence", "reflect", "time-range", "tos", "ttl"),
    )
)


class AccessListError(ValueError):
    """A line that can't be read. `column` counts from 1, in the line."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column


class Action(StrEnum):
    """What a line says of the traffic that it matches."""

    PERMIT = "permit"
    DENY = "deny"


class PortOperator(StrEnum):
    """How ports are compared."""

    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    GT = "gt"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class PortMatch:
    """A condition on a port. `high` differs from `low` with RANGE only."""

    operator: PortOperator
    low: int
    high: int

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The ports that match: ranges with both bounds inclusive, in order, none empty."""
        match self.operator:
            case PortOperator.LT:
                ranges = [(0, self.low - 1)]
            case PortOperator.GT:
                ranges = [(self.low + 1, 65535)]
            case PortOperator.NEQ:
                ranges = [(0, self.low - 1), (self.low + 1, 65535)]
            case _:
                ranges = [(self.low, self.high)]
        return tuple((low, high) for low, high in ranges if low <= high)

    def __str__(self) -> str:
        ports = f"{self.low} {self.high}" if self.operator is PortOperator.RANGE else f"{self.low}"
        return f"{self.operator} {ports}"


@dataclass(frozen=True, slots=True)
class AccessListEntry:
    """A permit or deny line. Protocol 0 is ``ip``: any; ports are None where any will do.

    `text` is the line as it was written; `str` gives it as IOS shows it.
    """

    action: Action
    protocol: int
    source: IPv4Network
    destination: IPv4Network
    source_port: PortMatch | None = None
    destination_port: PortMatch | None = None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        protocol = _PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
        parts = [self.action, protocol, _ios_address(self.source), self.source_port]
        parts += [_ios_address(self.destination), self.destination_port]
        return " ".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment among the lines."""

    text: str

    def __str__(self) -> str:
        return f"remark {self.text}"


AccessListLine = AccessListEntry | Remark


def _ios_address(network: IPv4Network) -> str:
    if network.prefixlen == 0:
        return "any"
    if network.prefixlen == 32:
        return f"host {network.network_address}"
    return f"{network.network_address} {network.hostmask}"


class _Words:
    """The words of a line, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip_space()

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1

    @property
    def column(self) -> int:
        """Where the next word begins, from 1."""
        return self._at + 1

    def peek(self) -> str:
        """The next word in lower case; empty at the end."""
        end = self._at
        while end < len(self._text) and self._text[end] not in " \t":
            end += 1
        return self._text[self._at : end].lower()

    def next(self, expected: str) -> tuple[str, int]:
        """Take a word.

        Returns:
            The word in lower case, and its column.

        Raises:
            AccessListError: the line ends here; `expected` says what is missing.
        """
        word, column = self.peek(), self.column
        if not word:
            raise AccessListError(column, f"expected {expected}, but the line ends here")
        self._at += len(word)
        self._skip_space()
        return word, column

    def rest(self) -> str:
        """What has not been taken, as written."""
        return self._text[self._at :].rstrip(" \t")


def parse_line(text: str) -> AccessListLine:
    """Read one line. Keywords may be in either case.

    Address bits that the wildcard or the length leaves out are cleared, as on IOS.

    Raises:
        AccessListError: with the column and what was expected.
    """
    if len(text) > MAX_LINE_LENGTH:
        raise AccessListError(
            MAX_LINE_LENGTH + 1, f"a line has at most {MAX_LINE_LENGTH} characters"
        )
    for index, character in enumerate(text):
        if not (character.isascii() and (character.isprintable() or character == "\t")):
            raise AccessListError(index + 1, "a line is made of printable ASCII characters")
    words = _Words(text)
    word, column = words.next("permit, deny or remark")
    if word == "remark":
        return Remark(words.rest())
    if word not in tuple(Action):
        raise AccessListError(column, f"expected permit, deny or remark, not '{word}'")
    protocol = _protocol(words)
    source = _network(words, "source")
    source_port = _ports(words, protocol)
    destination = _network(words, "destination")
    destination_port = _ports(words, protocol)
    if left := words.peek():
        hint = " is not supported in a crypto access list" if left in _NOT_SUPPORTED else ""
        raise AccessListError(words.column, f"expected the end of the line, not '{left}'{hint}")
    return AccessListEntry(
        Action(word), protocol, source, destination, source_port, destination_port, text.strip()
    )


def _protocol(words: _Words) -> int:
    expected = "a protocol (ip, icmp, tcp, udp, esp, ... or 0 to 255)"
    word, column = words.next(expected)
    if word in PROTOCOLS:
        return PROTOCOLS[word]
    number = _number(word, 255)
    if number is None:
        raise AccessListError(column, f"expected {expected}, not '{word}'")
    return number


def _number(word: str, highest: int) -> int | None:
    if not word.isdecimal() or len(word) > 5:
        return None
    number = int(word)
    return number if number <= highest else None


def _address(words: _Words, expected: str) -> tuple[IPv4Address, int]:
    word, column = words.next(expected)
    try:
        return IPv4Address(word), column
    except ValueError:
        raise AccessListError(column, f"expected {expected}, not '{word}'") from None


def _network(words: _Words, which: str) -> IPv4Network:
    expected = f"the {which}: any, host A.B.C.D, A.B.C.D WILDCARD or A.B.C.D/LENGTH"
    word, column = words.peek(), words.column
    if word == "any":
        words.next(expected)
        return IPv4Network("0.0.0.0/0")
    if word == "host":
        words.next(expected)
        address, _ = _address(words, f"the {which} host's IPv4 address")
        return IPv4Network(address)
    if "/" in word:
        words.next(expected)
        return _prefix(word, column, expected)
    address, _ = _address(words, expected)
    wildcard, column = _address(words, f"the wildcard of {address}, such as 0.0.0.255")
    return IPv4Network((address, 32 - _wildcard_bits(wildcard, column)), strict=False)


def _prefix(word: str, column: int, expected: str) -> IPv4Network:
    address, _, length = word.partition("/")
    bits = _number(length, 32)
    try:
        if bits is not None:
            return IPv4Network((address, bits), strict=False)
    except ValueError:
        pass
    raise AccessListError(column, f"expected {expected}, not '{word}'")


def _wildcard_bits(wildcard: IPv4Address, column: int) -> int:
    """Return how many low bits the wildcard leaves open."""
    value = int(wildcard)
    if value & (value + 1) == 0:
        return value.bit_length()
    inverted = value ^ 0xFFFFFFFF
    if inverted & (inverted + 1) == 0:
        hint = f"; {wildcard} is a subnet mask, whose wildcard is {IPv4Address(inverted)}"
    else:
        hint = "; write one line for each prefix"
    raise AccessListError(
        column, f"wildcard {wildcard} is not contiguous, and a security policy needs prefixes{hint}"
    )


def _ports(words: _Words, protocol: int) -> PortMatch | None:
    word, column = words.peek(), words.column
    if word not in tuple(PortOperator):
        return None
    if protocol not in _PORT_PROTOCOLS:
        raise AccessListError(column, "ports can be matched with tcp, udp and sctp only")
    words.next("a port operator")
    operator = PortOperator(word)
    low, column = _port(words, protocol)
    high = low
    if operator is PortOperator.RANGE:
        high, column = _port(words, protocol)
        if high < low:
            raise AccessListError(column, f"the range ends at {high}, before its start at {low}")
    ports = PortMatch(operator, low, high)
    if not ports.ranges:
        raise AccessListError(column, f"no port matches '{ports}'")
    return ports


def _port(words: _Words, protocol: int) -> tuple[int, int]:
    word, column = words.next("a port (0 to 65535)")
    port = SERVICES.get((protocol, word), _number(word, 65535))
    if port is None:
        raise AccessListError(column, f"expected a port (0 to 65535), not '{word}'")
    return port, column
