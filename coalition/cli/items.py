"""`coalition item`"""

import re
from collections.abc import Iterable
from pathlib import Path

import click

from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.errors import BadContent, NotFound, Refused
from coalition.models import Issue
from coalition.resources import Resources
from coalition.services import audit, cancelling, drafts, issues, items, topics

_FOLDER = re.compile(r"[\w.-]{1,60}")


@click.group("item", cls=Group)
def item() -> None:
    """News, in Markdown."""


@item.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(files: tuple[Path, ...]) -> None:
    """Publish Markdown files; the next digest of each topic brings them.

    A file begins with lines between `---`: title, topic, and if you like url and published.

    Example: coalition item add meeting.md
    """
    lines = []
    with changing() as (_, session):
        for path in files:
            draft = _read(path)
            try:
                done = items.publish(session, draft, utcnow())
            except (BadContent, NotFound, Refused) as error:
                raise BadContent(f"{path}: {error}") from error
            if done.is_new:
                audit.record(session, "item add", str(done.item.position))
            state = "published as" if done.is_new else "is there already as"
            lines.append(f"{path.name}: {state} item {done.item.position}, “{done.item.title}”")
    # Not before it is true: a bad file later in the row takes the whole of them back.
    click.echo("\n".join(lines))


@item.command("new")
@click.argument("topic")
@click.argument("title")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=".",
    help="Where to write it; here by default.",
)
def new(topic: str, title: str, folder: Path) -> None:
    """Write a file to begin with.

    Example: coalition item new housing "Rents fall"
    """
    with looking() as (_, session):
        topics.get(session, topic)
    text = drafts.blank(title, topic)  # first: a title that is refused must leave no file
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "item"
    path = folder / f"{utcnow():%Y-%m-%d}-{name}.md"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refused(f"{path} exists already.") from error
    click.echo(f"{path}: write under the second `---`, then: coalition item add {path}")


@item.command("edit")
@click.argument("position", type=int)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def edit(position: int, file: Path) -> None:
    """Change what an item says from now on; unsent plans with it are cancelled.

    Example: coalition item edit 7 rents.md
    """
    with changing() as (resources, session):
        found = items.edit(session, position, _read(file))
        unsent = issues.with_item(session, found.id)
        audit.record(session, "item edit", str(position))
    click.echo(f"Item {position} now says what {file.name} says.")
    _void(resources, unsent)


@item.command("sync")
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--name", help="What we know the folder by, wherever it lies; by default, what it is called.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be published, changed and cancelled.")
def sync(folder: Path, name: str | None, dry_run: bool) -> None:
    """Publish a folder of Markdown files: new ones are added, changed ones edited. Again changes nothing.

    A file is known by the name of the folder and its path in it, so folders of equal names need a --name each.

    Example: coalition item sync news/ --dry-run
    """
    name = folder.resolve().name if name is None else name
    if not _FOLDER.fullmatch(name):
        raise BadContent("Name the folder with --name: 1 to 60 letters, digits, dots, hyphens and underscores.")
    paths = [path for path in sorted(folder.rglob("*.md")) if path.is_file()]
    files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
    resources = opened()
    with resources.database.trying() if dry_run else resources.database.transaction() as session:
        done = items.sync(session, name, files, utcnow())
        unsent = {issue.id: issue for each in done.changed for issue in issues.with_item(session, each.id)}
        if done.new or done.changed:
            audit.record(session, "item sync", f"{len(done.new)} new, {len(done.changed)} changed")
        told = _told(done)
    click.echo(told)
    if dry_run:
        _foretell(unsent.values())
        return
    if done.new:
        click.echo(f"They are known as files of “{name}”: to sync them from elsewhere, --name {name}.")
    if done.gone:
        click.echo("What is no longer in the folder stays until you withdraw it: coalition item withdraw NUMBER")
    _void(resources, unsent.values())


@item.command("withdraw")
@click.argument("position", type=int)
def withdraw(position: int) -> None:
    """Keep an item out of every digest that is planned from now on; unsent plans with it are cancelled.

    Example: coalition item withdraw 7
    """
    with changing() as (resources, session):
        found = items.withdraw(session, position, utcnow())
        unsent = issues.with_item(session, found.id)
        audit.record(session, "item withdraw", str(position))
        title = found.title
    click.echo(f"Item {position}, “{title}”, is withdrawn.")
    _void(resources, unsent)


@item.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every item, newest first.

    Example: coalition item list
    """
    with looking() as (_, session):
        rows = [
            {
                "position": each.position,
                "topic": topic.slug,
                "title": each.title,
                "published": each.published_at,
                "withdrawn": each.withdrawn_at,
            }
            for each, topic in items.all_of(session)
        ]
    show(rows, as_json=as_json, empty="There are no items yet: coalition item add FILE.md")


def _read(path: Path) -> drafts.Draft:
    try:
        return drafts.read(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise BadContent(f"{path}: the file is not UTF-8 text.") from error
    except BadContent as error:
        raise BadContent(f"{path}: {error}") from error


def _told(done: items.Synced) -> str:
    found = [("new", done.new), ("changed", done.changed), ("no longer in the folder", done.gone)]
    lines = [f"{word}: item {each.position}, “{each.title}”" for word, several in found for each in several]
    return "\n".join([*lines, f"{len(done.new)} new, {len(done.changed)} changed, {len(done.same)} as they were."])


def _foretell(unsent: Iterable[Issue]) -> None:
    for issue in unsent:
        fate = "would be cancelled" if issue.sending_at is None else f"is {issue.state} and stays as it is"
        click.echo(f"Issue {issue.id}, with something that has changed, {fate}.")
    click.echo("Nothing was changed: this was a dry run.")


def _void(resources: Resources, unsent: Iterable[Issue]) -> None:
    """Cancel the plans that bring something that has changed; tell of those that are on their way."""
    for issue in unsent:
        if issue.sending_at is None:
            cancelling.cancel(resources.database, issue.id, utcnow())
            click.echo(f"Issue {issue.id} was planned with it and is cancelled: coalition digest plan {issue.cadence}")
        else:
            click.echo(f"Issue {issue.id} with it is {issue.state}; what has been sent stays sent.")
    resources.database.close()
