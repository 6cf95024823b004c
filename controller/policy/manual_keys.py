"""Manually keyed SAs (PM-11, ``set session-key``)."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.config.crypto import CryptoMapEntry, CryptoMapType, SessionKeyEntry
from controller.config.models import Config
from controller.config.problems import Path
from controller.policy.findings import Findings
from controller.policy.model import Interface, ManualSa
from ike.config import EncryptionAlgorithm


def manual_sa(entry: SessionKeyEntry) -> ManualSa:
    """Return one direction."""
    return ManualSa(entry.spi, entry.cipher_key, entry.salt)


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
                material = half.cipher_key.reveal() + half.salt.reveal()
                if material in keys:
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
    findings.warning(
        (*path, "type"),
        "manual keys: AES-GCM should have its keys from IKE (RFC 4106 §2), and these stay in use "
        "until somebody changes them at both ends",
    )
    transforms = config.transform_sets[entry.set_transform_set[0]].transforms
    algorithm, bits = transforms.encryption
    if algorithm is not EncryptionAlgorithm.AES_GCM_16:
        findings.error((*path, "set_transform_set"), "manual keys are for esp-gcm only")
        return
    assert entry.set_session_key is not None
    for direction in ("inbound", "outbound"):
        half: SessionKeyEntry = getattr(entry.set_session_key, direction)
        if len(half.cipher_key) * 8 != bits:
            findings.error(
                (*path, "set_session_key", direction),
                f"the cipher key has {len(half.cipher_key) * 8} bits, transform set "
                f"{entry.set_transform_set[0]} wants {bits}",
            )
