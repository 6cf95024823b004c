"""The lab of `make lab`: our router in passive mode, a strongSwan gateway, a legacy router."""

from __future__ import annotations

from pathlib import Path

from tests.interop.lab.lab import Lab
from tests.interop.lab.router import Router
from tests.interop.lab.router_config import RouterConfig
from tests.interop.lab.scenario import peer_connection
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import SITE_B, SITE_C


class StandingLab:
    """The lab with all that runs in it, found again by every command that works on it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    @property
    def router(self) -> Router:
        """Our router."""
        return Router(self.lab["router"], self.lab.run / "router")

    @property
    def gateway(self) -> StrongSwan:
        """The strongSwan in front of host-b."""
        return self.lab.strongswan(SITE_B.router)

    @property
    def legacy(self) -> StrongSwan:
        """The strongSwan that host-c's router gets when it is upgraded."""
        return self.lab.strongswan(SITE_C.router)

    def up(self) -> None:
        """Build the network and start our router and the gateway.

        Raises:
            LabError: something did not come up; nothing is left behind.
        """
        self.lab.up()
        try:
            self.gateway.start(peer_connection(SITE_B))
            self.router.start(RouterConfig())
        except BaseException:
            self.lab.down()
            raise

    def upgrade_legacy(self) -> None:
        """Start strongSwan on the legacy router."""
        self.legacy.start(peer_connection(SITE_C))

    def downgrade_legacy(self) -> None:
        """Kill it again; its peer hears nothing."""
        self.legacy.kill()

    def processes(self) -> list[tuple[str, bool, Path]]:
        """Return every process that can run: its name, whether it does, and its log."""
        router = self.router
        return [
            ("switch", router.switch.running, router.switch.log_path),
            ("controller", router.controller.running, router.controller.log_path),
            ("strongSwan of gateway", self.gateway.running, self.gateway.log_path),
            ("strongSwan of legacy", self.legacy.running, self.legacy.log_path),
        ]
