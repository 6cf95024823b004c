"""Record strongSwan's key derivations: ``python -m tests.interop.record [directory]`` (root).

One handshake of each suite, with charon's secrets logged. The keys are those of a run that is
over; the pre-shared key is the lab's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ike.events import ChildSaDeleted
from tests.interop.lab.charon_log import read_charon_log
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import CHILD
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.topology import SITE_A, SITE_B
from tests.interop.matrix.cells import By
from tests.interop.matrix.keywords import KEY_EXCHANGE, esp_proposal, ike_proposal
from tests.interop.matrix.pair import ESP, IKE, our_peer, paired, their_connection
from tests.interop.matrix.report import Versions
from tests.interop.matrix.suites import AEADS, NULL, PRFS, UNAUTHENTICATED
from tests.interop.record.derivations import (
    Derivation,
    auth_computation,
    child_derivation,
    dumps_by_title,
    ike_derivation,
)

DIRECTORY = Path("tests/ike/vectors/strongswan")


class Recorder:
    """Runs handshakes against a strongSwan that logs its secrets."""

    def __init__(self, lab: Lab, strongswan: StrongSwan) -> None:
        self._lab = lab
        self._strongswan = strongswan

    def handshake(self, ike: str, esp: str, *, rekey: bool = False) -> dict[str, list[bytes]]:
        """Bring up an IKE SA with one CHILD_SA, and return what charon has shown of it."""
        before = len(self._strongswan.log)
        ours, theirs = our_peer(ike, esp), their_connection(ike, esp)
        with paired(self._lab, self._strongswan, ours, theirs) as pair:
            pair.establish(By.ENGINE)
            if rekey:
                pair.engine.rekey_child(CHILD)
                pair.engine.wait_for(ChildSaDeleted)
        return dumps_by_title(read_charon_log(self._strongswan.log[before:]))

    def ike(self) -> Iterator[Derivation]:
        """Yield the keys of an IKE SA of each suite."""
        ciphers = [row.value for row in (*AEADS, *UNAUTHENTICATED)]
        suites = [
            *(f"{cipher}-prfsha256-x25519" for cipher in ciphers),
            *(f"aes256gcm16-{row.value}-x25519" for row in PRFS),
            *(f"aes256gcm16-prfsha256-{group}" for group in KEY_EXCHANGE),
        ]
        for suite in suites:
            yield ike_derivation(ike_proposal(suite), self.handshake(suite, ESP))

    def auth(self) -> Iterator[Derivation]:
        """Yield an AUTH of each PRF."""
        for row in PRFS:
            suite = f"aes256gcm16-{row.value}-x25519"
            yield auth_computation(ike_proposal(suite), self.handshake(suite, ESP))

    def children(self) -> Iterator[Derivation]:
        """Yield the keys of a CHILD_SA of each suite, and of some with a key exchange."""
        ike = ike_proposal(IKE)
        for suite in (row.value for row in (*AEADS, *UNAUTHENTICATED, *NULL)):
            yield child_derivation(ike, esp_proposal(suite), self.handshake(IKE, suite))
        for group in ("x25519", "ecp256", "modp2048"):
            suite = f"{ESP}-{group}"
            dumps = self.handshake(IKE, suite, rekey=True)
            yield child_derivation(ike, esp_proposal(suite), dumps, newest=True)


def main() -> int:
    """Record all of it."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    lab = Lab("record")
    lab.up()
    try:
        lab.network.make_linux_router(SITE_A)
        strongswan = lab.strongswan(SITE_B.router, log_keys=True)
        strongswan.start()
        versions = Versions.of_this_machine(strongswan.version)
        recorder = Recorder(lab, strongswan)
        for name, recorded in (
            ("ike", recorder.ike()),
            ("auth", recorder.auth()),
            ("child", recorder.children()),
        ):
            document = {
                "source": "the log of a charon at level 4, as responder to this engine",
                "recorded": versions.on.isoformat(),
                "strongSwan": versions.strongswan,
                "vectors": list(recorded),
            }
            (directory / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    finally:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
