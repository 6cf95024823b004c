"""Names in the configuration that stand for something else in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv4Network

from controller.config.crypto import CryptoMapType
from controller.config.models import Config
from controller.config.problems import Path, Problem, did_you_mean
from ike.types import Identity


def check_references(config: Config) -> list[Problem]:
    """Return what does not refer to anything, or refers to the same thing twice."""
    found: list[Problem] = []
    for path, message in (
        *_interfaces(config),
        *_crypto_maps(config),
        *_isakmp(config),
        *_api(config),
    ):
        found.append(config.document.problem(path, message))
    return found


def _undefined(kind: str, name: str, defined: Collection[str]) -> str:
    shown = ", ".join(list(defined)[:10]) or "none"
    if len(defined) > 10:
        shown += ", ..."
    return f"{kind} {name} is not defined{did_you_mean(name, defined)} (defined: {shown})"


def _interfaces(config: Config) -> Iterator[tuple[Path, str]]:
    for name, interface in config.interfaces.items():
        if interface.crypto_map is not None and interface.crypto_map not in config.crypto_maps:
            message = _undefined("crypto map", interface.crypto_map, config.crypto_maps)
            yield ("interfaces", name, "crypto_map"), message


def _crypto_maps(config: Config) -> Iterator[tuple[Path, str]]:
    for name, entries in config.crypto_maps.items():
        for sequence, entry in entries.items():
            path: Path = ("crypto_maps", name, str(sequence))
            if entry.match_address not in config.access_lists:
                message = _undefined("access list", entry.match_address, config.access_lists)
                yield (*path, "match_address"), message
            sets_path = (*path, "set_transform_set")
            for index, transform_set in enumerate(entry.set_transform_set):
                if transform_set not in config.transform_sets:
                    message = _undefined("transform set", transform_set, config.transform_sets)
                    yield (*sets_path, index), message
                elif transform_set in entry.set_transform_set[:index]:
                    yield (*sets_path, index), f"transform set {transform_set} is named twice"
            if entry.type is CryptoMapType.MANUAL and len(entry.set_transform_set) > 1:
                yield sets_path, "expected one transform set: manual SAs are not negotiated"


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
        if tls is None and not endpoint.is_loopback:
            yield path, f"{endpoint} can be reached from other machines: 'api.tls' is required"
