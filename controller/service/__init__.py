"""The controller as a process: a configuration file, a switch, an API, and signals."""

from controller.service.run import run

__all__ = ["run"]
