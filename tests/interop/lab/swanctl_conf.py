"""strongSwan's configuration from typed values: swanctl.conf and strongswan.conf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# `openssl` brings the AEADs, SHA-2, HMAC and all groups; `xcbc` and `cmac` are the MACs that it
# lacks, the rest is for certificates. `kernel-libipsec` must come before `kernel-netlink`, or ESP
# would be the kernel's.
_PLUGINS = (
    "random nonce openssl xcbc cmac kdf pem pkcs1 pkcs8 pubkey x509 revocation constraints"
    " kernel-libipsec kernel-netlink socket-default vici updown"
)

Options = tuple[tuple[str, str], ...]
"""Settings by the name that strongSwan has for them."""


@dataclass(frozen=True, slots=True)
class Child:
    """One CHILD_SA that a peer offers or accepts. Times in seconds; None: strongSwan's own."""

    name: str
    local_ts: tuple[str, ...]
    remote_ts: tuple[str, ...]
    esp_proposals: tuple[str, ...] = ("aes256gcm16",)
    # No "trap": kernel-libipsec can't acquire an SA on traffic before 5.9.11.
    start_action: Literal["none", "start"] = "none"
    close_action: Literal["none", "start"] = "none"
    dpd_action: Literal["clear", "start"] = "clear"
    rekey_time: float | None = None
    options: Options = ()

    def lines(self) -> Iterator[str]:
        """Yield its section of swanctl.conf."""
        yield f"{self.name} {{"
        yield f"local_ts = {','.join(self.local_ts)}"
        yield f"remote_ts = {','.join(self.remote_ts)}"
        yield f"esp_proposals = {','.join(self.esp_proposals)}"
        yield f"start_action = {self.start_action}"
        yield f"close_action = {self.close_action}"
        yield f"dpd_action = {self.dpd_action}"
        if self.rekey_time is not None:
            yield f"rekey_time = {self.rekey_time:g}s"
        yield from _settings(self.options)
        yield "}"


@dataclass(frozen=True, slots=True)
class Connection:
    """One peer of a strongSwan, with its pre-shared key. Times in seconds."""

    name: str
    local_address: str
    remote_address: str
    local_id: str
    remote_id: str
    preshared_key: str
    children: tuple[Child, ...]
    proposals: tuple[str, ...] = ("aes256gcm16-prfsha256-x25519",)
    dpd_delay: float = 0.0  # 0: never asks whether the peer lives
    rekey_time: float | None = None
    mobike: bool = True
    options: Options = ()
    local_auth: Options = (("auth", "psk"),)
    remote_auth: Options = (("auth", "psk"),)
    ppk: tuple[str, bytes] | None = None  # RFC 8784: its id and the key

    def lines(self) -> Iterator[str]:
        """Yield its section of swanctl.conf."""
        yield f"{self.name} {{"
        yield "version = 2"
        yield f"local_addrs = {self.local_address}"
        yield f"remote_addrs = {self.remote_address}"
        yield f"proposals = {','.join(self.proposals)}"
        yield f"dpd_delay = {self.dpd_delay:g}s"
        yield f"mobike = {'yes' if self.mobike else 'no'}"
        if self.rekey_time is not None:
            yield f"rekey_time = {self.rekey_time:g}s"
        yield from _settings(self.options)
        if self.ppk is not None:
            yield f"ppk_id = {self.ppk[0]}"
        yield from ("local {", *_settings(self.local_auth), f"id = {self.local_id}", "}")
        yield from ("remote {", *_settings(self.remote_auth), f"id = {self.remote_id}", "}")
        yield "children {"
        for child in self.children:
            yield from child.lines()
        yield from ("}", "}")

    def secret_lines(self) -> Iterator[str]:
        """Yield its secrets' sections of swanctl.conf."""
        yield f"ike-{self.name} {{"
        yield f"id-local = {self.local_id}"
        yield f"id-remote = {self.remote_id}"
        yield f"secret = 0x{self.preshared_key.encode().hex()}"
        yield "}"
        if self.ppk is not None:
            ppk_id, key = self.ppk
            yield from (f"ppk-{self.name} {{", f"id = {ppk_id}", f"secret = 0x{key.hex()}", "}")


def _settings(options: Options) -> Iterator[str]:
    return (f"{name} = {value}" for name, value in options)


def swanctl_conf(connections: Iterable[Connection]) -> str:
    """Return the text of a swanctl.conf with these connections."""
    connections = tuple(connections)
    lines = ["connections {", *(line for item in connections for line in item.lines()), "}"]
    lines += ["secrets {", *(line for item in connections for line in item.secret_lines()), "}"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Retransmission:
    """When strongSwan sends a request again, and gives it up. Seconds and a factor."""

    timeout: float = 4.0
    base: float = 1.8
    tries: int = 5


def strongswan_conf(
    *,
    socket: Path,
    log: Path,
    log_keys: bool,
    retransmission: Retransmission,
    options: Options = (),
    quiet: bool = False,
) -> str:
    """Return the text of a strongswan.conf for one instance.

    Args:
        socket: where vici listens.
        log: the file to log to.
        log_keys: log the keys of IKE and ESP SAs, for a judge to decrypt a capture with.
        retransmission: of IKE requests.
        options: more of the daemon's settings.
        quiet: log nothing, so that no time goes to it.
    """
    usual = -1 if quiet else 1
    level = 4 if log_keys else usual
    more = "\n".join(_settings(options))
    vici = f"plugins {{\nvici {{\nsocket = unix://{socket}\n}}\n}}"
    return f"""\
charon-systemd {{
load_modular = no
load = {_PLUGINS}
retransmit_timeout = {retransmission.timeout:g}
retransmit_base = {retransmission.base:g}
retransmit_tries = {retransmission.tries}
{more}
{vici}
journal {{
default = -1
}}
filelog {{
lab {{
path = {log}
time_format = %H:%M:%S
ike_name = yes
flush_line = yes
default = {usual}
ike = {level}
chd = {level}
}}
}}
}}
swanctl {{
load = random nonce openssl pem pkcs1 x509
{vici}
}}
"""
