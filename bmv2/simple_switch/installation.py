"""Finds bmv2 and the ESP extern, and tells whether they go together."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bmv2.simple_switch.errors import SimpleSwitchError
from p4src.artefacts import SOURCE_DIR

PROGRAM = "simple_switch_grpc"
EXTERN_NAME = "libp4ipsec_esp.so"

_REPOSITORY = Path(__file__).parents[2]
EXTERN_PLACES = (
    _REPOSITORY / "build" / "extern",
    Path("/usr/local/lib/p4ipsec"),
    Path("/usr/lib/p4ipsec"),
)
"""Where the extern is looked for."""

_CONTRACTS = ("esp_cipher.p4", "payload_parser.p4")
_MARK = re.compile(rb"p4ipsec-esp-extern contract=([0-9a-f]{64,}) bmv2=([^;\0]*);")
_SECONDS_TO_ANSWER = 10.0

_GET_BMV2 = (
    "install p4lang-bmv2 (https://build.opensuse.org/package/show/home:p4lang/p4lang-bmv2 has it"
    " for Ubuntu and Debian) or build github.com/p4lang/behavioral-model with PI"
)
BUILD_EXTERN = "cmake -S bmv2/extern -B build/extern && cmake --build build/extern"
"""What makes the extern."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A bmv2 with the extern for it.

    Attributes:
        program: The path of `simple_switch_grpc`.
        extern: The path of the module that has `EspCipher`.
        version: What bmv2 says of its version.
        has_thrift: It has the Thrift server, which needs a port of its own.
    """

    program: Path
    extern: Path
    version: str
    has_thrift: bool


def find_installation(program: Path | None = None, extern: Path | None = None) -> Installation:
    """Find bmv2 and the extern.

    Args:
        program: Where `simple_switch_grpc` is; None: on the PATH.
        extern: Where the extern is; None: in one of `EXTERN_PLACES`.

    Raises:
        SimpleSwitchError: One is missing or broken, or they do not go together.
    """
    found = shutil.which(PROGRAM if program is None else program)
    if found is None:
        missing = "is not on the PATH" if program is None else f"is not at {program}"
        raise SimpleSwitchError(
            f"{PROGRAM} {missing}: {_GET_BMV2}, or use the embedded switch, which needs neither"
        )
    path = Path(found)
    options = _ask(path, "--help")
    if "--load-modules" not in options:
        raise SimpleSwitchError(
            f"{path} was built without modules, and cannot load the ESP extern: {_GET_BMV2}"
        )
    lines = _ask(path, "--version").split("\n")
    version = lines[0].strip()
    return Installation(
        program=path,
        extern=_find_extern(extern, path, version),
        version=version,
        has_thrift="--thrift-port" in options,
    )


def _ask(program: Path, option: str) -> str:
    try:
        done = subprocess.run(
            [program, option],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_TO_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimpleSwitchError(f"{program} {option} does not run: {error}") from error
    if done.returncode:
        said = done.stderr.strip().split("\n")[-1] or f"exit code {done.returncode}"
        raise SimpleSwitchError(f"{program} {option} fails ({said}): install bmv2 anew")
    return done.stdout


def _find_extern(given: Path | None, program: Path, version: str) -> Path:
    candidates = [place / EXTERN_NAME for place in EXTERN_PLACES] if given is None else [given]
    for path in candidates:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SimpleSwitchError(f"{path} cannot be read: {error.strerror}") from error
        _check_extern(path.resolve(), content, program, version)
        return path.resolve()
    where = "is not built" if given is None else f"is not at {given}"
    raise SimpleSwitchError(f"the ESP extern for bmv2 {where}: {BUILD_EXTERN}")


def contract_hash() -> str:
    """Return what tells the externs' declarations apart from other versions of them."""
    hashes = (hashlib.sha256((SOURCE_DIR / name).read_bytes()) for name in _CONTRACTS)
    return "".join(one.hexdigest() for one in hashes)


def _check_extern(path: Path, content: bytes, program: Path, version: str) -> None:
    mark = _MARK.search(content)
    if mark is None:
        raise SimpleSwitchError(f"{path} is not the ESP extern for bmv2: {BUILD_EXTERN}")
    contract, built_for = mark[1].decode(), mark[2].decode(errors="replace")
    if contract != contract_hash():
        raise SimpleSwitchError(
            f"{path} was built for other versions of p4src/{' and '.join(_CONTRACTS)}:"
            f" {BUILD_EXTERN}"
        )
    if built_for not in (version, "unknown"):
        raise SimpleSwitchError(
            f"{path} was built for bmv2 {built_for}, and {program} is {version}: {BUILD_EXTERN}"
        )
    if "," in str(path):
        raise SimpleSwitchError(f"{path} has a comma in its path, which bmv2 cannot take")
