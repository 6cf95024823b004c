"""Names in the configuration that stand for something else in it.

They are looked up in the file as it is, before the models, so that a name without meaning is told
together with a value that is wrong somewhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from controller.config.document import Document
from controller.config.problems import Path, Problem, did_you_mean

_SHOWN = 10


def check_references(document: Document) -> list[Problem]:
    """Return every name that is not defined."""
    access_lists = _section(document.data, "access_lists")
    transform_sets = _section(document.data, "transform_sets")
    crypto_maps = _section(document.data, "crypto_maps")
    trustpoints = _section(document.data, "crypto_pki_trustpoints")
    found: list[Problem] = []

    def look_up(kind: str, name: object, defined: Collection[str], path: Path) -> None:
        if isinstance(name, str) and name not in defined:
            message = f"{kind} {name} is not defined{did_you_mean(name, defined)}"
            found.append(document.problem(path, f"{message} (defined: {_names(defined)})"))

    for interface, path in _sections(document.data, ("interfaces",), 1):
        look_up("crypto map", interface.get("crypto_map"), crypto_maps, (*path, "crypto_map"))
    for entry, path in _sections(document.data, ("crypto_maps",), 2):
        list_path = (*path, "match_address")
        look_up("access list", entry.get("match_address"), access_lists, list_path)
        sets_path = (*path, "set_transform_set")
        names = entry.get("set_transform_set")
        for index, name in enumerate(names if isinstance(names, list) else [names]):
            look_up("transform set", name, transform_sets, (*sets_path, index))
    isakmp = _section(document.data, "isakmp")
    name = isakmp.get("ca_trust_point")
    look_up("trustpoint", name, trustpoints, ("isakmp", "ca_trust_point"))
    for key, profile in _section(isakmp, "profiles").items():
        if isinstance(profile, dict):
            path = ("isakmp", "profiles", key, "ca_trust_point")
            look_up("trustpoint", profile.get("ca_trust_point"), trustpoints, path)
    return found


def _section(data: object, key: str) -> Mapping[str, object]:
    section = data.get(key) if isinstance(data, dict) else None
    return section if isinstance(section, dict) else {}


def _sections(data: object, path: Path, depth: int) -> Iterator[tuple[Mapping[str, object], Path]]:
    """Yield the mappings that lie `depth` keys below a path, each with its own path."""
    section = _section(data, str(path[-1]))
    for key, value in section.items():
        if depth > 1:
            yield from _sections(section, (*path, key), depth - 1)
        elif isinstance(value, dict):
            yield value, (*path, key)


def _names(defined: Collection[str]) -> str:
    names = list(defined)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "") or "none"
