"""Single values of the configuration: each reads a text and says what it expected.

Every reader here raises ValueError with a message that names the value. None of them is for key
material: see `key_material`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from controller.config.access_list import AccessListLine, parse_line
from ike.types import Identity, IdType

_T = TypeVar("_T")
# One way to write a number, because numbers are keys too: 010 must not stand beside 10.
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,39}")
_FRACTION = re.compile(r"(0|[1-9][0-9]{0,9})([.][0-9]{1,3})?")
_HEXADECIMAL = re.compile(r"0x[0-9a-f]{1,32}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}")
_NAME = re.compile(r"[!-~]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9-]{1,63})*")


def text(value: object) -> str:
    """Return a scalar as text.

    Raises:
        ValueError: a mapping, a list, or nothing.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    if value is None:
        raise ValueError("expected a single value, but there is none")
    raise ValueError("expected a single value")


def listed(value: object) -> object:
    """Take a single value as a list of one."""
    return [value] if isinstance(value, str | int) else value


def _reads(kind: type[_T] | tuple[type, ...], read: Callable[[str], _T]) -> BeforeValidator:
    """Make a validator of a reader; what is of the right type already is left as it is."""

    def validate(value: object) -> object:
        return value if isinstance(value, kind) else read(text(value))

    return BeforeValidator(validate)


def shown(value: str) -> str:
    """Quote a value for a message, cut to a readable length."""
    return repr(value if len(value) <= 60 else value[:57] + "...")


def integer(low: int, high: int, unit: str = "", *, hexadecimal: bool = False) -> BeforeValidator:
    """Make a reader of decimal integers between two bounds, both inclusive.

    Args:
        low: the smallest.
        high: the largest.
        unit: for the message.
        hexadecimal: take 0x-numbers too.
    """
    expected = f"expected {low} to {high}{' ' if unit else ''}{unit}"

    def read(value: object) -> int:
        word = text(value)
        if _DECIMAL.fullmatch(word):
            number = int(word)
        elif hexadecimal and _HEXADECIMAL.fullmatch(word.lower()):
            number = int(word, 16)
        else:
            raise ValueError(f"{expected}, not {shown(word)}")
        if not low <= number <= high:
            raise ValueError(f"{expected}, not {shown(word)}")
        return number

    return BeforeValidator(read)


def number(low: float, high: float, unit: str = "") -> BeforeValidator:
    """Make a reader of decimal numbers with up to 3 digits after the point, bounds inclusive.

    Args:
        low: the smallest.
        high: the largest.
        unit: for the message.
    """
    expected = f"expected {low:g} to {high:g}{' ' if unit else ''}{unit}"

    def read(value: object) -> float:
        if isinstance(value, float):
            return value
        word = text(value)
        if not _FRACTION.fullmatch(word) or not low <= float(word) <= high:
            raise ValueError(f"{expected}, not {shown(word)}")
        return float(word)

    return BeforeValidator(read)


def _boolean(word: str) -> bool:
    match word.lower():
        case "true" | "yes" | "on":
            return True
        case "false" | "no" | "off":
            return False
    raise ValueError(f"expected true or false, not {shown(word)}")


def _name(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise ValueError(
            f"expected a name of 1 to 64 printable characters, no spaces, not {shown(word)}"
        )
    return word


def hostname(word: str) -> str:
    """Read a host name: labels of letters, digits and hyphens (RFC 1123 §2.1)."""
    if len(word) > 253 or not _HOST.fullmatch(word):
        raise ValueError(f"expected a host name such as R1 or r1.example.com, not {shown(word)}")
    return word


def is_unicast(address: IPv4Address) -> bool:
    """Tell whether the pipeline forwards to this address: not 0/8, 127/8, or 224/3 (`admit.p4`)."""
    first = address.packed[0]
    return first not in (0, 127) and first < 224


def ipv4_address(word: str) -> IPv4Address:
    """Read an IPv4 address."""
    try:
        return IPv4Address(word)
    except ValueError:
        raise ValueError(f"expected an IPv4 address, not {shown(word)}") from None


def unicast_address(word: str) -> IPv4Address:
    """Read an IPv4 address that a host can have."""
    address = ipv4_address(word)
    if not is_unicast(address):
        raise ValueError(f"expected a unicast IPv4 address, not {address}")
    return address


def _length(address: str, mask: str, value: str) -> int:
    """Return the prefix length that a mask such as 255.255.255.0, or a length, says."""
    if mask.isascii() and mask.isdecimal() and len(mask) <= 2 and int(mask) <= 32:
        return int(mask)
    try:
        bits = int(IPv4Address(mask))
    except ValueError:
        bits = -1
    inverted = bits ^ 0xFFFFFFFF
    if bits < 0 or inverted & (inverted + 1):
        raise ValueError(
            f"expected {address}/LENGTH or a contiguous mask such as 255.255.255.0, "
            f"not {shown(value)}"
        )
    return 32 - inverted.bit_length()


def _address_and_length(word: str) -> tuple[IPv4Address, int]:
    parts = word.split("/") if "/" in word else word.split()
    if len(parts) != 2:
        raise ValueError(f"expected A.B.C.D/LENGTH or 'A.B.C.D MASK', not {shown(word)}")
    return ipv4_address(parts[0]), _length(parts[0], parts[1], word)


def interface_address(word: str) -> IPv4Interface:
    """Read ``A.B.C.D/LENGTH`` or ``A.B.C.D MASK``: an address that a host can have, on a link."""
    address, length = _address_and_length(word)
    interface = IPv4Interface((address, length))
    if not is_unicast(address):
        raise ValueError(f"expected a unicast IPv4 address, not {address}")
    if length == 0:
        raise ValueError("expected a prefix length of 1 to 32, not 0")
    network = interface.network
    if length < 31 and address in (network.network_address, network.broadcast_address):
        raise ValueError(f"{address} is the network or broadcast address of {network}")
    return interface


def prefix(word: str) -> IPv4Network:
    """Read ``A.B.C.D/LENGTH``, ``A.B.C.D MASK`` or a single address; no bits beyond the length."""
    if "/" not in word and len(word.split()) == 1:
        return IPv4Network(ipv4_address(word))
    address, length = _address_and_length(word)
    network = IPv4Network((address, length), strict=False)
    if network.network_address != address:
        raise ValueError(f"{address} has bits beyond its length; did you mean {network}?")
    return network


def mac_address(word: str) -> int:
    """Read ``02:00:00:00:00:01`` or ``0200.0000.0001``: 48 bits, unicast and not zero."""
    if not _MAC.fullmatch(word.lower()):
        raise ValueError(
            f"expected a MAC address such as 02:00:00:00:00:01 or 0200.0000.0001, not {shown(word)}"
        )
    value = int(re.sub(r"[:.]", "", word), 16)
    if value == 0 or value >> 40 & 1:
        raise ValueError(f"expected a unicast MAC address, not {word}")
    return value


def _identity(word: str) -> Identity:
    try:
        identity = Identity.from_text(word)
    except ValueError as error:
        raise ValueError(f"expected an identity, not {shown(word)}: {error}") from None
    if identity.id_type is IdType.KEY_ID and not identity.data:
        raise ValueError("expected hexadecimal digits after '@#'")
    return identity


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gRPC server is. `host` is empty for a Unix socket, `path` for TCP."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_unix(self) -> bool:
        """Tell whether this is a Unix socket."""
        return bool(self.path)

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it, as far as the text says."""
        if self.is_unix or self.host == "localhost":
            return True
        try:
            return IPv4Address(self.host).is_loopback
        except ValueError:
            return self.host == "::1"

    def __str__(self) -> str:
        if self.is_unix:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint(word: str) -> Endpoint:
    """Read ``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``."""
    wrong = f"expected HOST:PORT or unix:PATH, not {shown(word)}"
    if word.startswith("unix:"):
        path = word.removeprefix("unix:")
        # sun_path has 108 bytes on Linux, one of them for the end.
        if not path or "\0" in path or len(path.encode()) > 107:
            raise ValueError("expected unix:PATH with a path of 1 to 107 bytes")
        return Endpoint(path=path)
    host, _, port = word.rpartition(":")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError(wrong)
    if host.startswith("[") and host.endswith("]"):
        try:
            return Endpoint(host=str(IPv6Address(host[1:-1])), port=int(port))
        except ValueError:
            raise ValueError(wrong) from None
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise ValueError(wrong)
    return Endpoint(host=host, port=int(port))


@dataclass(frozen=True, slots=True)
class IpRoute:
    """``ip route PREFIX GATEWAY``; no gateway is ``Null0``."""

    prefix: IPv4Network
    gateway: IPv4Address | None


def ip_route(word: str) -> IpRoute:
    """Read ``PREFIX GATEWAY``, ``PREFIX Null0`` or the same with ``NETWORK MASK``."""
    parts = word.split()
    if len(parts) not in (2, 3) or ("/" in parts[0]) != (len(parts) == 2):
        raise ValueError(
            "expected 'A.B.C.D/LENGTH GATEWAY' or 'A.B.C.D MASK GATEWAY', where the gateway is "
            f"an address or Null0, not {shown(word)}"
        )
    network = prefix(" ".join(parts[:-1]))
    if parts[-1].lower() == "null0":
        return IpRoute(network, None)
    return IpRoute(network, unicast_address(parts[-1]))


def _described(what: str) -> Any:
    """Say what a value is, for the message when it is missing."""
    return Field(description=what)


ElementT = TypeVar("ElementT")
# One value, or a list in order of preference.
OneOrMore = Annotated[list[ElementT], BeforeValidator(listed), Field(min_length=1, max_length=16)]
Boolean = Annotated[bool, _reads(bool, _boolean), _described("true or false")]
Name = Annotated[str, _reads((), _name), _described("a name")]
Hostname = Annotated[str, _reads((), hostname), _described("a host name such as R1")]
InterfaceAddress = Annotated[
    IPv4Interface, _reads(IPv4Interface, interface_address), _described("A.B.C.D/LENGTH")
]
UnicastAddress = Annotated[
    IPv4Address, _reads(IPv4Address, unicast_address), _described("an IPv4 address")
]
Prefix = Annotated[
    IPv4Network, _reads(IPv4Network, prefix), _described("an IPv4 address or A.B.C.D/LENGTH")
]
MacAddress = Annotated[int, _reads((), mac_address), _described("a MAC address")]
PeerIdentity = Annotated[Identity, _reads(Identity, _identity), _described("an identity")]
GrpcEndpoint = Annotated[Endpoint, _reads(Endpoint, endpoint), _described("HOST:PORT or unix:PATH")]
Route = Annotated[IpRoute, _reads(IpRoute, ip_route)]
AccessLine = Annotated[AccessListLine, _reads((), parse_line)]
