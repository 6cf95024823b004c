"""The lab from the command line: ``python -m tests.interop.lab up|shell|status|down|...``."""

from __future__ import annotations

from typing import Annotated

import typer

from tests.interop.lab.errors import LabError
from tests.interop.lab.lab import Lab, standing_labs
from tests.interop.lab.prompt import guide, open_shell
from tests.interop.lab.standing import StandingLab
from tests.interop.lab.topology import MACHINES

app = typer.Typer(
    help="Network namespaces with our router, a strongSwan gateway and a legacy router.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Id = Annotated[str, typer.Option("--id", help="which lab: 1 to 12 of a-z and 0-9")]
_DEFAULT = "lab"


@app.command()
def up(lab_id: Id = _DEFAULT) -> None:
    """Build the lab and start all of it."""
    standing = StandingLab(Lab(lab_id))
    standing.up()
    typer.echo(guide(standing.lab))


@app.command()
def shell(lab_id: Id = _DEFAULT) -> None:
    """Open a prompt in the lab; build it first if it does not stand."""
    standing = StandingLab(Lab(lab_id))
    if not standing.lab.is_up:
        typer.echo("Building the lab ...")
        standing.up()
    typer.echo(guide(standing.lab))
    open_shell(standing.lab, standing.router)
    typer.echo(f"Lab {lab_id!r} still stands; `make lab-clean` removes it.")


@app.command()
def status(lab_id: Id = _DEFAULT) -> None:
    """Say what stands and what runs."""
    standing = StandingLab(Lab(lab_id))
    others = [name for name in standing_labs() if name != lab_id]
    if standing.lab.is_up:
        for machine in MACHINES:
            namespace = standing.lab[machine]
            typer.echo(f"{namespace.name:24} {'up' if namespace.exists else 'missing'}")
        for name, running, log in standing.processes():
            typer.echo(f"{name:24} {'runs' if running else 'down'}  {log}")
    else:
        typer.echo(f"Lab {lab_id!r} does not stand.")
    if others:
        typer.echo(f"Other labs: {', '.join(others)}")


@app.command()
def upgrade(lab_id: Id = _DEFAULT) -> None:
    """Give the legacy router IPsec: a strongSwan that accepts our router's next attempt."""
    StandingLab(Lab(lab_id)).upgrade_legacy()
    typer.echo("legacy runs strongSwan now: our router finds it at its next retry.")


@app.command()
def downgrade(lab_id: Id = _DEFAULT) -> None:
    """Take IPsec from the legacy router again, as a crash would."""
    StandingLab(Lab(lab_id)).downgrade_legacy()
    typer.echo("legacy has no IPsec any more, and its peer was not told.")


@app.command()
def down(
    lab_id: Id = _DEFAULT,
    every: Annotated[bool, typer.Option("--all", help="every lab on this machine")] = False,
) -> None:
    """Remove every trace of the lab. Fine if there is none."""
    for name in standing_labs() if every else [lab_id]:
        Lab(name).down()
        typer.echo(f"Lab {name!r} is gone.")


def main() -> None:
    """Run the command; a `LabError` becomes one line and exit code 1."""
    try:
        app(standalone_mode=True)
    except LabError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
