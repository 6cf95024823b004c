"""Values that are right by themselves and wrong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from controller.config.algorithms import Encryption, EspTransforms, algorithm_text
from controller.config.crypto import CryptoMapType
from controller.config.models import Config
from controller.config.problems import Path, Problem
from controller.p4runtime import capabilities
from ike.config import Integrity, KeyExchange, Mode, Prf, is_legacy
from ike.crypto.encryption import is_aead
from ike.types import Identity


def check_consistency(config: Config) -> list[Problem]:
    """Return what contradicts itself within a section."""
    found = (
        *_transform_sets(config),
        *_crypto_maps(config),
        *_policies(config),
        *_isakmp(config),
        *_api(config),
    )
    return [config.document.problem(path, message) for path, message in found]


def _transform_sets(config: Config) -> Iterator[tuple[Path, str]]:
    for name, section in config.transform_sets.items():
        transforms = section.transforms
        path: Path = ("transform_sets", name)
        if transforms.is_legacy and not section.legacy:
            yield path, f"{transforms} is for old peers only: it needs 'legacy: true'"
        if not capabilities.has_transforms(*transforms.encryption, transforms.integrity):
            yield path, f"the data plane has no {transforms}; it has {_data_plane()}"
        if section.mode is Mode.TRANSPORT and not capabilities.TRANSPORT_MODE:
            yield (*path, "mode"), "the data plane has tunnel mode only"
        if section.esn and not capabilities.EXTENDED_SEQUENCE_NUMBERS:
            yield (*path, "esn"), "the data plane has no extended sequence numbers"
        if not section.legacy:
            for where, method in _legacy_methods(section.additional_key_exchange):
                yield (*path, *where), _wants_legacy(method, "transform set")


def _data_plane() -> str:
    """Name what the data plane can do, as a configuration would."""
    names = []
    for cipher in capabilities.ESP_ENCRYPTION:
        if is_aead(cipher[0]):
            names.append(str(EspTransforms(cipher)))
        else:
            names += [str(EspTransforms(cipher, one)) for one in sorted(capabilities.ESP_INTEGRITY)]
    return ", ".join(names)


def _crypto_maps(config: Config) -> Iterator[tuple[Path, str]]:
    for name, entries in config.crypto_maps.items():
        for sequence, entry in entries.items():
            path: Path = ("crypto_maps", name, str(sequence), "set_transform_set")
            for index, transform_set in enumerate(entry.set_transform_set):
                if transform_set in entry.set_transform_set[:index]:
                    yield (*path, index), f"transform set {transform_set} is named twice"
            modes = {
                config.transform_sets[one].mode
                for one in entry.set_transform_set
                if one in config.transform_sets
            }
            if len(modes) > 1:
                yield path, "expected transform sets of one mode: an SA has either"
            if entry.type is CryptoMapType.MANUAL and len(entry.set_transform_set) > 1:
                yield path, "expected one transform set: manual SAs are not negotiated"
            sets = [config.transform_sets.get(one) for one in entry.set_transform_set]
            for index, one in enumerate(sets):
                if one is not None and one.additional_key_exchange and not entry.set_pfs:
                    yield (
                        (*path, index),
                        f"transform set {entry.set_transform_set[index]} has "
                        f"'additional_key_exchange': it needs {_a_first_one(entry.type)}",
                    )
            if not any(one.legacy for one in sets if one is not None):
                path = ("crypto_maps", name, str(sequence), "set_pfs")
                for index, group in enumerate(entry.set_pfs or ()):
                    if is_legacy(group):
                        yield (
                            (*path, index),
                            f"group{group} is for old peers only: it needs 'legacy: true' in the "
                            "transform set",
                        )


def _a_first_one(kind: CryptoMapType) -> str:
    """Name what additional key exchanges are added to."""
    if kind is CryptoMapType.MANUAL:
        return "an entry that IKE makes SAs for"
    return "'set_pfs' here, for the first key exchange"


def _policies(config: Config) -> Iterator[tuple[Path, str]]:
    for number, policy in config.isakmp.policies.items():
        if policy.legacy:
            continue
        path: Path = ("isakmp", "policies", str(number))
        for key in ("encryption", "integrity", "prf", "hash", "group"):
            for index, algorithm in enumerate(getattr(policy, key) or ()):
                kind = algorithm[0] if isinstance(algorithm, tuple) else algorithm
                if is_legacy(kind):
                    yield (*path, key, index), _wants_legacy(algorithm, "policy")
        for where, method in _legacy_methods(policy.additional_key_exchange):
            yield (*path, *where), _wants_legacy(method, "policy")


def _legacy_methods(
    additional: Iterable[Iterable[KeyExchange | None]],
) -> Iterator[tuple[Path, KeyExchange]]:
    for index, methods in enumerate(additional):
        for method in methods:
            if method is not None and is_legacy(method):
                yield ("additional_key_exchange", index), method


def _wants_legacy(algorithm: Encryption | Integrity | Prf | KeyExchange, where: str) -> str:
    name = algorithm_text(algorithm)
    return f"{name} is for old peers only: it needs 'legacy: true' in the {where}"


def _isakmp(config: Config) -> Iterator[tuple[Path, str]]:
    seen: set[IPv4Network] = set()
    for index, key in enumerate(config.isakmp.keys):
        if key.address in seen:
            yield ("isakmp", "keys", index, "address"), f"a second key for {key.address}"
        seen.add(key.address)
    profiles: set[IPv4Network] = set()
    own: list[tuple[Path, str | None]] = [(("isakmp", "identity"), config.isakmp.identity)]
    for name, profile in config.isakmp.profiles.items():
        path: Path = ("isakmp", "profiles", name)
        prefix = profile.match_identity_address
        if prefix in profiles:
            yield (*path, "match_identity_address"), f"a second profile for {prefix}"
        profiles.add(prefix)
        own.append(((*path, "self_identity"), profile.self_identity))
    for path, identity in own:
        if identity is None or identity in ("address", "hostname", "dn"):
            continue
        try:
            Identity.from_text(identity)
        except ValueError as error:
            yield path, f"expected address, hostname, dn or an identity: {error}"


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
