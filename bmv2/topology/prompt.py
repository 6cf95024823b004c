"""Mininet's prompt, with an operator's commands for the P4 routers."""

from __future__ import annotations

from mininet.cli import CLI
from mininet.log import error, info

from bmv2.topology.nodes import P4Router, RouterError
from bmv2.topology.sites import RETRY, SITES, configuration

GUIDE = f"""
  h1 ── r1 ──┐            ┌── r3 ── h3     r1, r2  P4 routers in passive mode
             ├── core ────┤                r3      a P4 router, still without IPsec
  h2 ── r2 ──┘            └── r4 ── h4     r4      a Linux router, which will never have it

  h1 ping -c3 h2                  protected: IKE makes the SA with the first packet
  h1 ping h3                      dropped for 10 s, then in the clear
  show r1 crypto optional         who is still sent to in the clear
  show r1 crypto ipsec sa         the SAs, with their counters
  r1 p4ipsec show switch          any command of p4ipsec, on any P4 router
  core tcpdump -ni bridge         what an eavesdropper sees; end it with Ctrl-C
  upgrade r3                      r3 learns IPsec: the next retry, {RETRY} s at most, finds it
  downgrade r3                    and forgets it again
  iperf h1 h2                     throughput through both switches
  exit
"""


class Prompt(CLI):  # type: ignore[misc]  # Mininet has no types
    """See the module."""

    prompt = "p4ipsec> "

    def do_show(self, line: str) -> None:
        """Ask a P4 router: show r1 crypto optional."""
        words = line.split()
        router = self._router(words[0] if words else "")
        if router is None:
            return
        try:
            info(router.p4ipsec("show", *words[1:]))
        except RouterError as problem:
            error(f"{problem}\n")

    def do_upgrade(self, line: str) -> None:
        """Let a P4 router do IPsec: upgrade r3."""
        self._configure(line.strip(), ipsec=True)

    def do_downgrade(self, line: str) -> None:
        """Let a P4 router forget IPsec: downgrade r3."""
        self._configure(line.strip(), ipsec=False)

    def do_guide(self, line: str) -> None:
        """Say what there is to try."""
        info(GUIDE)

    def _configure(self, name: str, *, ipsec: bool) -> None:
        router = self._router(name)
        if router is None:
            return
        try:
            set_ipsec(router, ipsec=ipsec)
        except RouterError as problem:
            error(f"{problem}\n")

    def _router(self, name: str) -> P4Router | None:
        node = self.mn.nameToNode.get(name)
        if isinstance(node, P4Router):
            return node
        names = ", ".join(site.router for site in SITES if site.has_p4_router)
        error(f"expected a P4 router: {names}\n")
        return None


def set_ipsec(router: P4Router, *, ipsec: bool) -> None:
    """Have a router do IPsec, or have it forget how.

    Raises:
        RouterError: it refuses.
    """
    (site,) = (site for site in SITES if site.router == router.name)
    router.reconfigure(configuration(site, ipsec=ipsec, socket=str(router.api)))
