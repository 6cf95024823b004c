"""Finds the keys of SAs in the log of a charon that runs with `ike` and `chd` at level 4."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.interop.lab.charon_log import Dump, read_charon_log
from tests.interop.lab.key_tables import EspKeys, IkeKeys

_SPI = re.compile(r"  SPI 0x(?P<spi>[0-9a-f]{8}), src \S+ dst \S+")


@dataclass(slots=True)
class _Sa:
    """What has been read about one IKE SA so far."""

    spis: tuple[int, int] | None = None
    secrets: dict[str, bytes] = field(default_factory=dict)
    asked: bool = False  # this end asked for the CHILD_SA whose keys come next
    is_initiator: bool = False  # of the exchange that made the newest CHILD_SA
    next_spi_is_inbound: bool = False
    esp: dict[int, EspKeys] = field(default_factory=dict)

    def read(self, text: str) -> None:
        if text.startswith("establishing CHILD_SA"):
            self.asked = True
        elif text.endswith("bound ESP SA"):  # "adding" both, or "registering outbound" in a rekey
            self.next_spi_is_inbound = "inbound" in text
        elif spi := _SPI.fullmatch(text):
            self._add_esp(int(spi["spi"], 16))

    def keep(self, title: str, data: bytes) -> None:
        if title == "natd_chunk" and any(data[8:16]):
            self.spis = int.from_bytes(data[:8]), int.from_bytes(data[8:16])
        elif title in ("Sk_ei secret", "Sk_er secret"):
            self.secrets.setdefault(title, data)  # a rekeyed IKE SA is not this one
        elif title in ("encryption initiator key", "encryption responder key"):
            self.secrets[title] = data
            self.is_initiator, self.asked = self.is_initiator or self.asked, False
        elif title == "seed":
            self.is_initiator = False

    def _add_esp(self, spi: int) -> None:
        towards_responder = self.is_initiator != self.next_spi_is_inbound
        sender = "initiator" if towards_responder else "responder"
        key = self.secrets.get(f"encryption {sender} key")
        if key is not None:
            # A rekey tells the outbound SPI again once the old SA is gone: the first counts.
            self.esp.setdefault(spi, EspKeys(spi, key))


def read_charon_keys(log: str) -> tuple[list[IkeKeys], list[EspKeys]]:
    """Return the keys of the IKE SAs and ESP SAs that a charon's log tells.

    The keys of an IKE SA that replaced another by rekeying are left out: the log does not tell
    its SPIs.
    """
    sas: dict[str, _Sa] = {}
    for entry in read_charon_log(log):
        sa = sas.setdefault(entry.sa, _Sa())
        if isinstance(entry, Dump):
            sa.keep(entry.title, entry.data)
        else:
            sa.read(entry.text)
    ike = [
        IkeKeys(*sa.spis, sa.secrets["Sk_ei secret"], sa.secrets["Sk_er secret"])
        for sa in sas.values()
        if sa.spis and {"Sk_ei secret", "Sk_er secret"} <= sa.secrets.keys()
    ]
    return ike, [keys for sa in sas.values() for keys in sa.esp.values()]
