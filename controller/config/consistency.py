"""Values that are right by themselves and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from controller.config.crypto import CryptoMapType
from controller.config.models import Config
from controller.config.problems import Path, Problem
from ike.types import Identity


def check_consistency(config: Config) -> list[Problem]:
    """Return what contradicts itself within a section."""
    found = (*_transform_sets(config), *_isakmp(config), *_api(config))
    return [config.document.problem(path, message) for path, message in found]


def _transform_sets(config: Config) -> Iterator[tuple[Path, str]]:
    for name, entries in config.crypto_maps.items():
        for sequence, entry in entries.items():
            path: Path = ("crypto_maps", name, str(sequence), "set_transform_set")
            for index, transform_set in enumerate(entry.set_transform_set):
                if transform_set in entry.set_transform_set[:index]:
                    yield (*path, index), f"transform set {transform_set} is named twice"
            if entry.type is CryptoMapType.MANUAL and len(entry.set_transform_set) > 1:
                yield path, "expected one transform set: manual SAs are not negotiated"


def _isakmp(config: Config) -> Iterator[tuple[Path, str]]:
    seen: set[IPv4Network] = set()
    for index, key in enumerate(config.isakmp.keys):
        if key.address in seen:
            yield ("isakmp", "keys", index, "address"), f"a second key for {key.address}"
        seen.add(key.address)
    identity = config.isakmp.identity
    if identity not in ("address", "hostname"):
        try:
            Identity.from_text(identity)
        except ValueError as error:
            yield ("isakmp", "identity"), f"expected address, hostname or an identity: {error}"


def _api(config: Config) -> Iterator[tuple[Path, str]]:
    tls = config.api.tls
    if tls is not None and tls.certificate_file is None:
        yield ("api", "tls"), "'certificate_file' and 'key_file' are required for a server"
    for index, endpoint in enumerate(config.api.listen):
        path: Path = ("api", "listen", index)
        if endpoint in config.api.listen[:index]:
            yield path, f"{endpoint} is named twice"
        if (tls is None or tls.ca_file is None) and not endpoint.is_loopback:
            yield (
                path,
                f"{endpoint} can be reached from other machines: 'api.tls' with 'ca_file' is "
                "required, so that clients show a certificate",
            )
