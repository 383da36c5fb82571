"""What all commands share: opening what is there, errors in one line, tables for people and JSON for scripts."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from coalition.config import read_config
from coalition.errors import CoalitionError, Misconfigured
from coalition.resources import Resources, open_resources


class Group(click.Group):
    """A group whose errors are sentences: 1 for what can't be done, 2 for what is set up wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Misconfigured as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        except CoalitionError as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        except OperationalError as error:
            click.echo(f"The database gave up: {str(error.orig).splitlines()[0]}.", err=True)
            sys.exit(1)


def opened() -> Resources:
    """Everything, checked and open until the command ends, however it ends."""
    resources = open_resources(read_config())
    click.get_current_context().call_on_close(resources.database.close)
    return resources


@contextmanager
def changing() -> Iterator[tuple[Resources, Session]]:
    """One transaction around one service call: the door commits."""
    resources = opened()
    try:
        with resources.database.transaction() as session:
            yield resources, session
    finally:
        resources.database.close()


@contextmanager
def looking() -> Iterator[tuple[Resources, Session]]:
    """A look at the database."""
    resources = opened()
    try:
        with resources.database.reading() as session:
            yield resources, session
    finally:
        resources.database.close()


F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """`--json`, for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")(command)


def require_a_change(*values: str | bool | None) -> None:
    """Stop a command that would change nothing; None is an option that was not given."""
    if all(value is None for value in values):
        raise click.UsageError("Nothing to change: name at least one option.")


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print rows as an aligned table, or as JSON; `empty` is what to say where there are none."""
    if as_json:
        click.echo(json.dumps(rows, default=_plain, indent=2, ensure_ascii=False))
        return
    if not rows:
        click.echo(empty)
        return
    cells = [[_text(row[name]) for name in rows[0]] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(rows[0])]
    head = [name.replace("_", " ") for name in rows[0]]
    for line in [head, ["-" * width for width in widths], *cells]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "-"
    return str(value)
