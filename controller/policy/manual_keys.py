"""Manually keyed SAs (PM-11, ``set session-key``)."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.config.algorithms import EspTransforms
from controller.config.crypto import CryptoMapEntry, CryptoMapType, SessionKeyEntry
from controller.config.models import Config
from controller.config.problems import Path
from controller.policy.findings import Findings
from controller.policy.model import Interface, ManualSa
from ike.crypto.suites import EspSuite
from ike.types import Secret


def manual_sa(entry: SessionKeyEntry, transforms: EspTransforms) -> ManualSa:
    """Return one direction. The keys have the lengths that the transforms take."""
    encryption, key_bits = transforms.encryption
    length = EspSuite(encryption, key_bits, None).encryption_spec.key_length
    cipher = entry.cipher.reveal()
    return ManualSa(
        entry.spi,
        encryption,
        key_bits,
        Secret(cipher[:length]),
        Secret(cipher[length:]),
        transforms.integrity,
        entry.authenticator,
    )


def check_manual_keys(
    config: Config, interfaces: tuple[Interface, ...], findings: Findings
) -> None:
    """Note errors of the manual entries, within each and between them.

    A key must have one use only: with AES-GCM, two SAs that count under one key can meet in an
    IV, and that gives the authentication key away (RFC 4106 §2, NIST SP 800-38D §8).
    """
    keys: dict[bytes, str] = {}
    spis: dict[tuple[IPv4Address, int], str] = {}
    bindings: dict[str, list[Interface]] = {}
    for interface in interfaces:
        if interface.crypto_map is not None:
            bindings.setdefault(interface.crypto_map, []).append(interface)
    for name, entries in config.crypto_maps.items():
        bound = bindings.get(name, [])
        for sequence, entry in entries.items():
            if entry.type is not CryptoMapType.MANUAL:
                continue
            path: Path = ("crypto_maps", name, str(sequence))
            _check_entry(config, entry, path, findings)
            if len(bound) > 1:
                findings.error(
                    (*path, "type"),
                    f"crypto map {name} is bound to {len(bound)} interfaces, which would use the "
                    "same manual keys; give each a crypto map of its own",
                )
            assert entry.set_session_key is not None
            inbound, outbound = entry.set_session_key.inbound, entry.set_session_key.outbound
            for direction, half in (("inbound", inbound), ("outbound", outbound)):
                half_path = (*path, "set_session_key", direction)
                label = f"crypto map {name} {sequence} {direction}"
                for material in (half.cipher.reveal(), half.authenticator.reveal()):
                    if material and material in keys:
                        findings.error(half_path, f"has the same key as {keys[material]}")
                    keys.setdefault(material, label)
                ends = (
                    [interface.address.ip for interface in bound]
                    if direction == "inbound"
                    else [entry.set_peer]
                )
                for end in ends:
                    if (end, half.spi) in spis:
                        findings.error(
                            (*half_path, "spi"),
                            f"{half.spi} towards {end} is the SPI of {spis[end, half.spi]}",
                        )
                    spis.setdefault((end, half.spi), label)


def _check_entry(config: Config, entry: CryptoMapEntry, path: Path, findings: Findings) -> None:
    name = entry.set_transform_set[0]
    transforms = config.transform_sets[name].transforms
    if config.transform_sets[name].esn:
        findings.error(
            (*path, "set_transform_set"),
            f"transform set {name} has extended sequence numbers, which need IKE: a receiver that "
            "can start to count again has no use for them (RFC 4303 §3.3.3)",
        )
    suite = EspSuite(*transforms.encryption, transforms.integrity)
    spec = suite.encryption_spec
    why = "these keys stay in use until somebody changes them at both ends"
    if spec.is_aead:
        why = f"{transforms} should have its keys from IKE (RFC 8221 §4), and {why}"
    findings.warning((*path, "type"), f"manual keys: {why}")
    assert entry.set_session_key is not None
    for direction in ("inbound", "outbound"):
        half: SessionKeyEntry = getattr(entry.set_session_key, direction)
        half_path: Path = (*path, "set_session_key", direction)
        if len(half.cipher) != spec.material_length:
            salt = f" with a salt of {spec.salt_length}" if spec.salt_length else ""
            findings.error(
                half_path,
                f"the cipher key has {len(half.cipher)} bytes, transform set {name} ({transforms}) "
                f"wants {spec.key_length}{salt}",
            )
        if len(half.authenticator) != suite.integrity_key_length:
            findings.error(
                half_path,
                f"the authenticator has {len(half.authenticator)} bytes, transform set {name} "
                f"({transforms}) wants {suite.integrity_key_length}",
            )
