"""What the API asks of the running controller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from controller.api.backend import NotSavedError, SwitchUnavailableError, UnknownPeerError
from controller.config.write_memory import WriteMemoryError, write_memory
from controller.p4runtime.counters import Counters
from controller.p4runtime.errors import P4RuntimeError
from controller.policy.model import Policy
from controller.router import show, show_isakmp, show_pki
from controller.service.service import Service
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


class ServiceBackend:
    """Implements `controller.api.backend.Backend`.

    Args:
        service: the running controller.
        config_path: where ``write memory`` writes to; None: it can't.
    """

    def __init__(self, service: Service, config_path: Path | None) -> None:
        self._service = service
        self._router = service.router
        self._channel = service.channel
        self._clock = service.clock
        self._config_path = config_path

    async def show_crypto_optional(self) -> CryptoOptionalStatus:
        """Answer ``show crypto optional`` (PM-9)."""
        counters = await self._counters() or Counters()
        return show.crypto_optional(self._router, counters, self._clock.now())

    async def show_crypto_map(self) -> tuple[CryptoMapStatus, ...]:
        """Answer ``show crypto map``."""
        return show.crypto_map(self._router)

    async def show_crypto_ipsec_sa(self) -> tuple[IpsecSaStatus, ...]:
        """Answer ``show crypto ipsec sa``."""
        counters = await self._counters()
        return show.crypto_ipsec_sa(self._router, counters, self._clock.now())

    async def show_crypto_isakmp_sa(self) -> tuple[IsakmpSaStatus, ...]:
        """Answer ``show crypto isakmp sa``."""
        return show_isakmp.summary(self._router, self._clock.now())

    async def show_crypto_isakmp_sa_detail(self) -> IsakmpDetailStatus:
        """Answer ``show crypto isakmp sa detail``."""
        return show_isakmp.detail(self._router, self._clock.now())

    async def show_crypto_pki_certificates(self) -> tuple[PkiCertificateStatus, ...]:
        """Answer ``show crypto pki certificates``."""
        at = datetime.fromtimestamp(self._clock.wall(), UTC)
        return show_pki.certificates(self._router.policy, at)

    async def show_switch(self) -> SwitchStatus:
        """Answer ``show switch``; also when the switch is not connected."""
        counters = await self._counters() or Counters()
        return SwitchStatus(
            address=self._channel.address,
            device_id=self._channel.device_id,
            # Not while it is being set up: it is ours, but not yet in force.
            connected=self._channel.is_connected
            or (self._channel.is_answering and not self._channel.is_primary),
            is_primary=self._channel.is_primary,
            entries=len(self._router.desired.entries()),
            drops=(
                *show.drops(self._router, counters),
                *show.queue_drops(
                    self._channel.inputs.packets_dropped,
                    self._channel.inputs.reports_dropped,
                    self._channel.packets_out_dropped,
                ),
            ),
        )

    async def clear_crypto_sa(self, peer: IPv4Address | None) -> int:
        """Delete the SAs with a peer, or all; return how many pairs there were.

        Raises:
            UnknownPeerError: `peer` is not in the configuration.
        """
        if peer is not None and peer not in _peers(self._router.policy):
            raise UnknownPeerError(f"no crypto map entry has the peer {peer}")
        return await self._service.operate(partial(self._router.clear_sas, peer))

    async def set_passive_mode(self, enabled: bool) -> list[str]:
        """Turn passive mode on or off; return what the operator is to be told (PM-7, PM-10).

        Raises:
            SwitchUnavailableError: the switch doesn't answer; it gets the mode when it is back.
        """
        told = await self._service.operate(partial(self._router.set_passive_mode, enabled))
        if not self._channel.is_connected:
            raise SwitchUnavailableError(
                f"the switch {self._channel.address} doesn't answer: it goes on as it is, and"
                f" gets passive mode {'on' if enabled else 'off'} when it is back"
            )
        return [message.text for message in told]

    async def set_retry(self, seconds: float) -> None:
        """Set `retry` (PM-4)."""
        await self._service.operate(partial(self._router.set_retry, seconds))

    async def write_memory(self) -> str:
        """Save the running passive-mode settings; return the path of the file (PM-10).

        Raises:
            NotSavedError: with the reason; the file is as it was.
        """
        if self._config_path is None:
            raise NotSavedError("this controller was not started from a file")
        passive = self._router.passive
        try:
            await asyncio.to_thread(
                write_memory,
                self._config_path,
                enabled=passive.enabled,
                retry=round(passive.retry),
            )
        except WriteMemoryError as error:
            raise NotSavedError(str(error)) from None
        return str(self._config_path)

    def messages(self, history: int) -> AsyncIterator[LogMessage]:
        """Yield at most `history` of the latest messages, and then each as it comes."""
        return self._service.messages.watch(history)

    async def _counters(self) -> Counters | None:
        """Return what the switch has counted; None if it doesn't answer."""
        if not self._channel.is_connected:
            return None
        try:
            return await self._channel.read_counters()
        except P4RuntimeError:
            return None


def _peers(policy: Policy) -> Iterator[IPv4Address]:
    return (packet_type.peer for packet_type in policy.packet_types)
