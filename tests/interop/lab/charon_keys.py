"""Finds the keys of SAs in the log of a charon that runs with `ike` and `chd` at level 4."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.interop.lab.key_tables import EspKeys, IkeKeys

# 08:16:46 16[IKE] <name|3> text; before the peer is known, only <3>
_LINE = re.compile(r"\S+ \d+\[(?:IKE|CHD)\] <(?:[^|>]*\|)?(?P<sa>\d+)> ?(?P<text>.*)")
_DUMP = re.compile(r"(?P<title>.*) => (?P<length>\d+) bytes @ 0x[0-9a-f]+")
_DUMPED = re.compile(r" +\d+: (?P<hex>(?:[0-9A-F]{2} ){0,15}[0-9A-F]{2})(?= |$)")
_SPI = re.compile(r"  SPI 0x(?P<spi>[0-9a-f]{8}), src \S+ dst \S+")


@dataclass(slots=True)
class _Sa:
    """What has been read about one IKE SA so far."""

    title: str = ""
    length: int = 0
    data: bytearray = field(default_factory=bytearray)
    spis: tuple[int, int] | None = None
    secrets: dict[str, bytes] = field(default_factory=dict)
    asked: bool = False  # this end asked for the CHILD_SA whose keys come next
    is_initiator: bool = False  # of the exchange that made the newest CHILD_SA
    next_spi_is_inbound: bool = False
    esp: dict[int, EspKeys] = field(default_factory=dict)

    def read(self, text: str) -> None:
        if dump := _DUMP.fullmatch(text):
            self.title, self.length = dump["title"], int(dump["length"])
            self.data.clear()
        elif dumped := _DUMPED.match(text):
            self.data += bytes.fromhex(dumped["hex"])
            if len(self.data) == self.length:
                self._keep(bytes(self.data))
        elif text.startswith("establishing CHILD_SA"):
            self.asked = True
        elif text.endswith("bound ESP SA"):  # "adding" both, or "registering outbound" in a rekey
            self.next_spi_is_inbound = "inbound" in text
        elif spi := _SPI.fullmatch(text):
            self._add_esp(int(spi["spi"], 16))

    def _keep(self, data: bytes) -> None:
        if self.title == "natd_chunk" and any(data[8:16]):
            self.spis = int.from_bytes(data[:8]), int.from_bytes(data[8:16])
        elif self.title in ("Sk_ei secret", "Sk_er secret"):
            self.secrets.setdefault(self.title, data)  # a rekeyed IKE SA is not this one
        elif self.title in ("encryption initiator key", "encryption responder key"):
            self.secrets[self.title] = data
            self.is_initiator, self.asked = self.is_initiator or self.asked, False
        elif self.title == "seed":
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
    for line in log.splitlines():
        if match := _LINE.fullmatch(line):
            sas.setdefault(match["sa"], _Sa()).read(match["text"])
    ike = [
        IkeKeys(*sa.spis, sa.secrets["Sk_ei secret"], sa.secrets["Sk_er secret"])
        for sa in sas.values()
        if sa.spis and {"Sk_ei secret", "Sk_er secret"} <= sa.secrets.keys()
    ]
    return ike, [keys for sa in sas.values() for keys in sa.esp.values()]
