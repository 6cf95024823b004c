"""What the engine is told and what it tells in: identities, selectors, secrets, datagrams."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from ike.distinguished_name import looks_like_name, parse_name, read_name, show_name
from ike.printable import printable


class Secret:
    """Key material: bytes that no ``repr``, ``str`` or log shows.

    Compares in constant time, and only to another `Secret`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"<secret, {len(self._value)} bytes>"

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest

        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash would leak through dict and set order


class IdType(IntEnum):
    """Identification types (RFC 7296 §3.5)."""

    IPV4_ADDR = 1
    FQDN = 2
    RFC822_ADDR = 3
    IPV6_ADDR = 5
    DER_ASN1_DN = 9
    DER_ASN1_GN = 10
    KEY_ID = 11
    NULL = 13  # RFC 7619 §2.2; without data


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a peer says it is (RFC 7296 §3.5)."""

    id_type: IdType
    data: bytes

    @classmethod
    def from_text(cls, text: str) -> Identity:
        """Read an identity as operators write it.

        An IPv4 or IPv6 address, ``user@domain``, ``@#hex`` for a KEY_ID, a distinguished name as
        ``C=CH, O=example, CN=gw1``, else an FQDN.

        Raises:
            ValueError: the text is empty, longer than 255 bytes, not ASCII (both may be in a
                distinguished name), bad hex, or a malformed distinguished name.
        """
        if looks_like_name(text):
            return cls(IdType.DER_ASN1_DN, read_name(text))
        if not text or len(text) > 255 or not text.isascii():
            raise ValueError("an identity is 1 to 255 ASCII characters")
        if text.startswith("@#"):
            return cls(IdType.KEY_ID, bytes.fromhex(text[2:]))
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            kind = IdType.RFC822_ADDR if "@" in text else IdType.FQDN
            return cls(kind, text.encode())
        kind = IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR
        return cls(kind, address.packed)

    def __str__(self) -> str:
        if self.id_type is IdType.NULL:
            return "anonymous"
        if self.id_type in (IdType.IPV4_ADDR, IdType.IPV6_ADDR) and len(self.data) in (4, 16):
            return str(ipaddress.ip_address(self.data))
        if self.id_type in (IdType.FQDN, IdType.RFC822_ADDR):
            return printable(self.data.decode("ascii", "backslashreplace"))
        if self.id_type is IdType.DER_ASN1_DN:
            try:
                return show_name(parse_name(self.data))
            except ValueError:
                return f"malformed name {self.data.hex()}"
        return f"@#{self.data.hex()}"


NULL_IDENTITY = Identity(IdType.NULL, b"")
"""The identity of an end that does not say who it is (RFC 7619 §2.2)."""


@dataclass(frozen=True, slots=True)
class TrafficSelector:
    """A range of addresses, ports and protocol (RFC 7296 §3.13.1), all bounds inclusive.

    `protocol` 0 is any. For ICMP the "ports" are type and code, as §3.13.1 packs them.

    Raises:
        ValueError: one address is of IPv4 and the other of IPv6.
    """

    start_address: IPv4Address | IPv6Address
    end_address: IPv4Address | IPv6Address
    protocol: int = 0
    start_port: int = 0
    end_port: int = 65535

    def __post_init__(self) -> None:
        if self.start_address.version != self.end_address.version:
            raise ValueError(f"from {self.start_address} to {self.end_address} is no range")

    @property
    def version(self) -> int:
        """4 or 6, of IP."""
        return self.start_address.version

    def __str__(self) -> str:
        text = f"{self.start_address}-{self.end_address}"
        if self.protocol or (self.start_port, self.end_port) != (0, 65535):
            text += f" protocol {self.protocol} port {self.start_port}-{self.end_port}"
        return text

    def contains(self, other: TrafficSelector) -> bool:
        """Tell whether all that `other` matches is matched by this selector too."""
        return (
            self.version == other.version
            and int(self.start_address) <= int(other.start_address)
            and int(other.end_address) <= int(self.end_address)
            and self.protocol in (0, other.protocol)
            and self.start_port <= other.start_port
            and other.end_port <= self.end_port
        )


@dataclass(frozen=True, slots=True)
class UdpAddress:
    """Where a datagram comes from or goes to."""

    address: IPv4Address
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


IKE_PORT = 500
NAT_PORT = 4500  # shared with ESP in UDP (RFC 3948)
NAT_KEEPALIVE = b"\xff"


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram of IKE.

    `payload` starts with the IKE header on every port: whoever carries it adds and removes the
    non-ESP marker on port 4500 (RFC 3948 §2.2). A NAT keepalive has no marker (§2.3), and need not
    be handed in.
    """

    source: UdpAddress
    destination: UdpAddress
    payload: bytes

    @property
    def is_nat_keepalive(self) -> bool:
        """Whether it does nothing but keep a NAT's mapping alive."""
        return self.payload == NAT_KEEPALIVE
