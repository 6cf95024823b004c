"""The enumerations of the P4 program, by the same names (`headers.p4`, `metadata.p4`, ...)."""

from __future__ import annotations

from enum import IntEnum


class PuntReason(IntEnum):
    """Why a packet comes to the controller, and the cell of `punt_meter` (`headers.p4`)."""

    NONE = 0
    ARP = 1
    IKE = 2
    LOCAL = 3
    NO_SA = 4
    NEIGHBOR = 5
    TTL_EXPIRED = 6
    TOO_BIG = 7
    EARLY_ESP = 8


class DropReason(IntEnum):
    """Cells of `drop_counter` (`metadata.p4`, which says what each one means)."""

    NONE = 0
    MALFORMED = 1
    UNKNOWN_PORT = 2
    WRONG_MAC = 3
    NOT_IPV4 = 4
    BAD_CHECKSUM = 5
    IP_OPTIONS = 6
    NOT_UNICAST = 7
    ESP_FRAGMENT = 8
    NAT_KEEPALIVE = 9
    UNKNOWN_SPI = 10
    REPLAY = 11
    ICV_MISMATCH = 12
    ESP_MALFORMED = 13
    ESP_ALGORITHM = 14
    ESP_DUMMY = 15
    ESP_NOT_TUNNEL = 16
    SELECTOR_MISMATCH = 17
    ECN_ILLEGAL = 18
    CLEAR_NOT_ALLOWED = 19
    POLICY_DISCARD = 20
    NO_ROUTE = 21
    TTL_EXPIRED = 22
    NO_SA = 23
    NO_SA_HOLD = 24
    SEQUENCE_EXHAUSTED = 25
    TOO_BIG = 26
    NO_NEIGHBOR = 27
    PUNT_LIMITED = 28
    NOT_FOR_US = 29
    UNKNOWN_INTERFACE = 30
    IPSEC_FAILED = 31
    ESP_TOO_DEEP = 32


class ReportCell(IntEnum):
    """Cells of `report_meter` (`report.p4`)."""

    NEW_DESTINATION = 0
    KNOWN_DESTINATION = 1
    NEW_SOURCE = 2
    KNOWN_SOURCE = 3
    RETRY_DUE = 4
