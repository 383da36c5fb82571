"""`coalition digest plan`"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from coalition.cli import explaining
from coalition.cli.desk import ONLINE, look_over, short_hash, tell_findings
from coalition.cli.shared import json_option, opened, show
from coalition.clock import utcnow
from coalition.errors import BadContent
from coalition.mail.digest import has_marker
from coalition.mail.lint import Finding
from coalition.mail.message import has_control
from coalition.models import Cadence, Issue
from coalition.resources import Resources
from coalition.services import audit, planning, preflight
from coalition.services.explaining import Explanation, explain
from coalition.services.opening import NothingToPlan
from coalition.services.planning import Plan


@click.command("plan")
@click.argument("cadence", type=click.Choice([cadence.value for cadence in Cadence]))
@click.option("--subject", help="What the letter is called; without it, in each reader's language, what and when.")
@click.option("--intro", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Markdown to begin with.")
@click.option("--explain", "explained", is_flag=True, help="Tell in tables who gets what, and what is new.")
@click.option("--if-new", is_flag=True, help="For timers: leave a plan alone, and end well where nothing is new.")
@ONLINE
@json_option
def plan(
    cadence: str, subject: str | None, intro: Path | None, explained: bool, if_new: bool, online: bool, as_json: bool
) -> None:
    """Work out who gets what in the period that is due. Again replaces an unsent plan.

    Example: coalition digest plan weekly --intro hello.md --explain
    """
    intro_md = read_intro(intro)
    if subject is not None and not _is_subject(subject):
        raise BadContent("The subject is one line of 1 to 150 characters, none of them invisible.")
    resources = opened()
    try:
        made = _plan(resources, Cadence(cadence), subject, intro_md, if_new=if_new)
    except NothingToPlan as nothing:
        if not if_new:
            raise
        show([], as_json=as_json, empty=str(nothing))
        return
    issue, found = look_over(resources, made.issue_id, online=online)
    explanation = _explain(resources, issue) if explained or as_json else None
    if as_json:
        show([_facts(made, issue, found, explanation)], as_json=True, empty="")
    else:
        _tell(made, issue, found, explanation)


def read_intro(path: Path | None) -> str:
    """An introduction from a file; nothing without one. Raises BadContent."""
    if path is None:
        return ""
    try:
        text = path.read_text("utf-8").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise BadContent(f"{path}: the file is not UTF-8 text.") from error
    if has_marker(text) or has_control(text, allowed="\n\t"):
        raise BadContent(f"{path}: the text holds an invisible control character.")
    return text


def _is_subject(text: str) -> bool:
    return 0 < len(text.strip()) <= 150 and not (has_control(text) or has_marker(text) or "=?" in text)


def _plan(resources: Resources, cadence: Cadence, subject: str | None, intro_md: str, *, if_new: bool) -> Plan:
    # What scripts read is the other stream; and without a terminal nobody watches a bar.
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label="Planning", show_eta=False, file=sys.stderr, hidden=hidden) as bar:
        made = planning.plan(
            resources.database,
            resources.letters,
            resources.config.community,
            cadence,
            subject=subject,
            intro_md=intro_md,
            now=utcnow(),
            planned_by=audit.login(),
            if_new=if_new,
            progress=lambda readers: _more(bar, readers),
        )
        bar.update(1)
    with resources.database.transaction() as session:
        audit.record(session, "digest plan", str(made.issue_id))
    return made


def _more(bar: Any, readers: int) -> None:
    """How many readers there are is known only when all have been seen."""
    bar.length += readers
    bar.update(readers)


def _explain(resources: Resources, issue: Issue) -> Explanation:
    with resources.database.reading() as session:
        return explain(session, resources.letters, resources.links, issue)


def _facts(made: Plan, issue: Issue, found: list[Finding], explanation: Explanation | None) -> dict[str, Any]:
    stops = preflight.stopping(issue, found)
    facts = {
        "issue": issue.id,
        "cadence": issue.cadence.value,
        "period": issue.period_key,
        "plan": issue.plan_hash,
        "replaced": made.replaced,
        "letters": made.letters,
        "left_out": made.left_out,
        "findings": [asdict(each) | {"stops": each in stops} for each in found],
    }
    return facts | (asdict(explanation) if explanation else {})


def _tell(made: Plan, issue: Issue, found: list[Finding], explanation: Explanation | None) -> None:
    letters, variants = _count(made.letters, "letter"), _count(made.variants, "variant")
    click.echo(f"Issue {issue.id}: {letters} in {variants}, plan {short_hash(issue)}.")
    if made.replaced is not None:
        click.echo(f"Issue {made.replaced}, which was planned before, is cancelled.")
    if explanation is not None:
        explaining.tell(explanation, made.left_out)
        click.echo("\nWhat a reader should not meet" + ("" if found else "\n  nothing found"))
    else:
        for reason, readers in sorted(made.left_out.items()):
            click.echo(f"  left out: {readers} ({reason})")
    tell_findings(issue, found)
    click.echo(f"Look at it: coalition digest preview {issue.id}")
    if preflight.stopping(issue, found):
        click.echo(
            "It can't be sent like this: mend what stops it (coalition item edit NUMBER FILE, or item withdraw NUMBER)"
            " and plan again, or let it pass by its name: "
            f"coalition digest send {issue.id} --allow NAME --because REASON"
        )
    else:
        click.echo(f"Send it:    coalition digest send {issue.id}")


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
