"""`coalition digest preview` and `test`: an issue as its readers would get it, before any of them does."""

import webbrowser
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import click

from coalition.address import Address
from coalition.cli.desk import ISSUE, say_if_nobody_sends
from coalition.cli.ending import Ending
from coalition.cli.planning import read_intro
from coalition.cli.shared import changing, json_option, opened, show
from coalition.clock import utcnow
from coalition.errors import BadContent, CoalitionError, Refused
from coalition.models import Format, Issue, Phase
from coalition.resources import Resources
from coalition.services import archive, audit, issues, previews, test_letters
from coalition.services.previews import Preview

_LOOK_AGAIN_SECONDS = 0.5
_RELOAD_SECONDS = 2

# Whoever wants to write to more people than this has readers, and they press a button first.
_MOST_TESTS = 10


@click.command("preview")
@ISSUE
@click.option("--variant", type=int, default=1, show_default=True, help="1 is the one that most readers get.")
@click.option("--locale", help="Only those in this language.")
@click.option("--format", "form", type=click.Choice([form.value for form in Format]), help="Only those of this kind.")
@click.option("--intro", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Try this introduction.")
@click.option("--watch", is_flag=True, help="Stay, and show it anew when the introduction or the plan changes.")
@click.option("--no-browser", is_flag=True, help="Only write the files.")
@json_option
def preview(
    issue: str,
    variant: int,
    locale: str | None,
    form: str | None,
    intro: Path | None,
    watch: bool,
    no_browser: bool,
    as_json: bool,
) -> None:
    """Open a letter in the browser, in light and dark, as text and as source, with a sample reader.

    The plan stays as it is: `digest plan` puts another introduction into the letter.

    Example: coalition digest preview weekly --variant 2
    """
    if watch and as_json:
        raise BadContent("`--watch` shows a page to a person, `--json` tells a script: take one of them.")
    desk = _Desk(opened(), issue, variant, locale, Format(form) if form else None, intro, watch)
    before = desk.stamp()
    shown = desk.compose()
    folder = desk.resources.config.home / "previews" / f"{archive.name_of(shown.issue)}-variant-{shown.chosen.variant}"
    page = previews.write(folder, shown, every=_RELOAD_SECONDS if watch else None)
    if as_json:
        show([_facts(shown, folder)], as_json=True, empty="")
        return
    click.echo(str(page))
    if shown.note:
        click.echo(shown.note)
    if not no_browser:
        webbrowser.open(page.as_uri())
    if watch:
        _watch(desk, folder, shown, before)


@click.command("test")
@ISSUE
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--variant", type=int, default=1, show_default=True, help="1 is the one that most readers get.")
def test(issue: str, addresses: tuple[str, ...], variant: int) -> None:
    """Send one letter to yourself and a few others; its links only say what they would do.

    Example: coalition digest test weekly staff@example.org board@example.org
    """
    parsed = list(dict.fromkeys(map(Address.parse, addresses)))
    if len(parsed) > _MOST_TESTS:
        raise Refused(f"A test letter goes to at most {_MOST_TESTS} addresses: it is no way to reach readers.")
    with changing() as (resources, session):
        found = issues.find(session, issue)
        chosen, _ = previews.choose(session, found, variant)
        for each in parsed:
            test_letters.queue(session, resources.vault, each, chosen.id, utcnow())
        audit.record(session, "digest test", str(found.id))
    for each in parsed:
        click.echo(f"A test letter of issue {found.id} goes to {each.masked}.")
    say_if_nobody_sends(resources)


@dataclass(frozen=True)
class _Desk:
    """What somebody wants to look at."""

    resources: Resources
    name: str
    variant: int
    locale: str | None
    form: Format | None
    intro: Path | None
    stays: bool  # whether they stay and watch: then a cancelled plan is no reason to show the one before it

    def compose(self) -> Preview:
        """The letter as it is now. Raises NotFound, Refused or BadContent."""
        held = self.resources
        with held.database.reading() as session:
            issue = issues.find(session, self.name, or_cancelled=self.stays)
            if self.stays and issue.state is Phase.CANCELLED:
                raise Refused(
                    f"Issue {issue.id} is cancelled. To see what is new: coalition digest plan {issue.cadence}"
                )
            chosen = previews.choose(session, issue, self.variant, locale=self.locale, form=self.form)
            intro_md = read_intro(self.intro) if self.intro else None
            composer = held.composer()
            shown = previews.compose(session, held.letters, held.links, composer, chosen, utcnow(), intro_md=intro_md)
        return replace(shown, note=self._note(issue, intro_md))

    def stamp(self) -> tuple[object, ...] | None:
        """What differs as soon as there is something new to look at; None while a plan is in the making."""
        with self.resources.database.reading() as session:
            issue = issues.find(session, self.name, or_cancelled=self.stays)
        if issue.state is Phase.PLANNING:
            return None
        return issue.id, issue.state, issue.plan_hash, _stamp(self.intro)

    def _note(self, issue: Issue, intro_md: str | None) -> str:
        if intro_md is None or intro_md == issue.intro_md:
            return ""
        if issue.sending_at is not None:
            return f"This shows {self.intro}. Issue {issue.id} is {issue.state} and stays as it is."
        again = f"coalition digest plan {issue.cadence} --intro {quote(str(self.intro))}"
        return f"This shows {self.intro}; the plan stays as it is. To put it into the letter: {again}"


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What a file looks like from outside; editors write it in place or put another one there."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _watch(desk: _Desk, folder: Path, shown: Preview, before: tuple[object, ...] | None) -> None:
    with Ending() as ending:
        click.echo(f"Watching {desk.intro or 'the plan'}; the page loads itself anew. Ctrl-C ends it.")
        while not ending.wait(_LOOK_AGAIN_SECONDS):
            now = desk.stamp()
            if now is not None and now != before:
                before, shown = now, _show_again(desk, folder) or shown
    previews.write(folder, shown)
    click.echo("\nNo longer watching.")


def _show_again(desk: _Desk, folder: Path) -> Preview | None:
    """None where it can't be shown at this moment: what was there stays."""
    try:
        shown = desk.compose()
    except (CoalitionError, OSError) as error:
        click.echo(str(error), err=True)
        return None
    previews.write(folder, shown, every=_RELOAD_SECONDS)
    click.echo(f"Shown anew: issue {shown.issue.id}.")
    return shown


def _facts(shown: Preview, folder: Path) -> dict[str, Any]:
    return {
        "issue": shown.issue.id,
        "subject": shown.letter.subject,
        "shown": asdict(shown.chosen),
        "note": shown.note,
        "files": sorted(str(path) for path in folder.iterdir()),
        "variants": [asdict(each) for each in shown.variants],
    }
