"""Errors and warnings that a compilation gathers before it gives up or gives a policy."""

from __future__ import annotations

from controller.config.models import Config
from controller.config.problems import ConfigError, Path, Problem


class Findings:
    """What was found so far in one configuration."""

    def __init__(self, config: Config) -> None:
        self._document = config.document
        self._errors: list[Problem] = []
        self._warnings: list[Problem] = list(config.warnings)

    def error(self, path: Path, message: str) -> None:
        """Note what makes the configuration unusable."""
        self._errors.append(self._document.problem(path, message))

    def warning(self, path: Path, message: str) -> None:
        """Note what is legal, but hardly what was meant."""
        self._warnings.append(self._document.problem(path, message))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Every warning once, in order of the file."""
        unique = dict.fromkeys(self._warnings)
        return tuple(sorted(unique, key=lambda problem: (problem.line, problem.column)))

    def raise_errors(self) -> None:
        """Raise ConfigError if there was an error."""
        if self._errors:
            raise ConfigError(self._errors)
