"""What the API's server needs of the controller. No gRPC in here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Protocol

from controller.status import (
    CryptoMapStatus,
    CryptoOptionalStatus,
    IpsecSaStatus,
    IsakmpDetailStatus,
    IsakmpSaStatus,
    LogMessage,
    PkiCertificateStatus,
    SwitchStatus,
)

MAX_RETRY = 86_400
"""Seconds; the longest `retry` that the API takes, as in the configuration."""


class BackendError(Exception):
    """A request that can't be carried out. Its text is one sentence, meant for the operator."""


class SwitchUnavailableError(BackendError):
    """The switch doesn't answer; the request may be repeated."""


class UnknownPeerError(BackendError):
    """The peer is not in the configuration."""


class NotSavedError(BackendError):
    """The configuration file can't be written, or not without changing more than was asked."""


class Backend(Protocol):
    """The running controller. Every method may raise a BackendError."""

    async def show_crypto_optional(self) -> CryptoOptionalStatus:
        """Answer ``show crypto optional`` (PM-9)."""
        ...

    async def show_crypto_map(self) -> tuple[CryptoMapStatus, ...]:
        """Answer ``show crypto map``."""
        ...

    async def show_crypto_ipsec_sa(self) -> tuple[IpsecSaStatus, ...]:
        """Answer ``show crypto ipsec sa``."""
        ...

    async def show_crypto_isakmp_sa(self) -> tuple[IsakmpSaStatus, ...]:
        """Answer ``show crypto isakmp sa``."""
        ...

    async def show_crypto_isakmp_sa_detail(self) -> IsakmpDetailStatus:
        """Answer ``show crypto isakmp sa detail``."""
        ...

    async def show_crypto_pki_certificates(self) -> tuple[PkiCertificateStatus, ...]:
        """Answer ``show crypto pki certificates``."""
        ...

    async def show_switch(self) -> SwitchStatus:
        """Answer ``show switch``; also when the switch is not connected."""
        ...

    async def clear_crypto_sa(self, peer: IPv4Address | None) -> int:
        """Delete the SAs with a peer, or all; return how many pairs there were.

        Raises:
            UnknownPeerError: `peer` is not in the configuration.
        """
        ...

    async def set_passive_mode(self, enabled: bool) -> list[str]:
        """Turn passive mode on or off; return what the operator is to be told (PM-7, PM-10).

        Returns when the data plane has it: after turning it off, no clear packet leaves.

        Raises:
            SwitchUnavailableError: the switch doesn't answer. The mode is changed nevertheless,
                and is what the switch gets when it is back.
        """
        ...

    async def set_retry(self, seconds: float) -> None:
        """Set `retry`, which is more than 0 and at most `MAX_RETRY` (PM-4)."""
        ...

    async def write_memory(self) -> str:
        """Save the running passive-mode settings; return the path of the file (PM-10).

        Raises:
            NotSavedError: with the reason; the file is as it was.
        """
        ...

    def messages(self, history: int) -> AsyncIterator[LogMessage]:
        """Yield at most `history` of the latest messages, and then each as it comes."""
        ...
