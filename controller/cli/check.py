"""``p4ipsec check FILE``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.output import ExitCode, emit, fail, say_error, say_warning
from controller.cli.render.text import plural
from controller.config.loader import load_config
from controller.config.problems import ConfigError
from controller.policy.compile import compile_policy
from controller.policy.model import Policy

ConfigFile = Annotated[Path, typer.Argument(metavar="FILE", help="A configuration file.")]


def check(
    file: ConfigFile,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")] = False,
) -> None:
    """Check a configuration file, and tell every error with its line and field."""
    policy: Policy | None = None
    errors: ConfigError | None = None
    try:
        policy = compile_policy(load_config(file))
    except ConfigError as error:
        errors = error
    if json:
        _print_json(file, policy, errors)
        raise typer.Exit(ExitCode.FAILED if errors else 0)
    if errors is not None:
        say_problems(errors)
        fail(f"{file}: {plural(len(errors.problems), 'error')}")
    assert policy is not None
    for warning in policy.warnings:
        say_warning(str(warning))
    emit(f"{file}: valid")
    emit(_summary(policy))


def say_problems(error: ConfigError) -> None:
    """Print each problem to standard error."""
    for problem in error.problems:
        say_error(str(problem))


def _summary(policy: Policy) -> str:
    maps = {(packet_type.crypto_map, packet_type.sequence) for packet_type in policy.packet_types}
    peers = {packet_type.peer for packet_type in policy.packet_types}
    mode = f"on, retry {policy.retry:g} seconds" if policy.passive_mode else "off"
    return (
        f"  {policy.hostname}: {plural(len(policy.interfaces), 'interface')},"
        f" {plural(len(maps), 'crypto map entry', 'crypto map entries')},"
        f" {plural(len(policy.packet_types), 'packet type')}, {plural(len(peers), 'peer')};"
        f" passive mode {mode}"
    )


def _print_json(file: Path, policy: Policy | None, errors: ConfigError | None) -> None:
    document = {
        "file": str(file),
        "valid": errors is None,
        "errors": [problem.as_dict() for problem in errors.problems] if errors else [],
        "warnings": [warning.as_dict() for warning in policy.warnings] if policy else [],
    }
    emit(json_module.dumps(document, indent=2))
