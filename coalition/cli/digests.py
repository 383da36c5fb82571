"""`coalition digest`: plan, preview, test. What follows is in `sending`."""

import webbrowser
from pathlib import Path

import click
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.cli.shared import Group, changing, looking, opened
from coalition.clock import utcnow
from coalition.errors import BadContent, NotFound, Refused
from coalition.mail.digest import has_marker
from coalition.mail.message import has_control
from coalition.models import Cadence, Issue, Letter, Phase
from coalition.resources import Resources
from coalition.services import audit, editions, issues, planning, preflight, requests
from coalition.services.outbox.leases import Morgue
from coalition.tokens import random_code

ISSUE = click.argument("issue", metavar="CADENCE|NUMBER")


@click.group("digest", cls=Group)
def digest() -> None:
    """Digests: plan, preview, test, send."""


@digest.command("plan")
@click.argument("cadence", type=click.Choice([cadence.value for cadence in Cadence]))
@click.option("--subject", help="What the letter is called.")
@click.option("--intro", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Markdown to begin with.")
def plan(cadence: str, subject: str | None, intro: Path | None) -> None:
    """Work out who gets what in the period that is due. Again replaces an unsent plan.

    Example: coalition digest plan weekly --intro hello.md
    """
    intro_md = _text(intro)
    if subject is not None and not _is_subject(subject):
        raise BadContent("The subject is one line of 1 to 150 characters, none of them invisible.")
    resources = opened()
    with click.progressbar(length=1, label="Planning", show_eta=False) as bar:
        made = planning.plan(
            resources.database,
            resources.letters,
            resources.config.community,
            Cadence(cadence),
            subject=subject,
            intro_md=intro_md,
            now=utcnow(),
            planned_by=audit.login(),
            progress=lambda readers: _more(bar, readers),
        )
        bar.update(1)
    with resources.database.transaction() as session:
        audit.record(session, "digest plan", str(made.issue_id))
    click.echo(f"Issue {made.issue_id}: {made.letters} letters in {made.variants} variants.")
    for reason, readers in sorted(made.left_out.items()):
        if readers:
            click.echo(f"  left out: {readers} ({reason})")
    _tell_findings(resources, made.issue_id)
    click.echo(f"Look at it: coalition digest preview {made.issue_id}")
    click.echo(f"Send it:    coalition digest send {made.issue_id}")
    resources.database.close()


def _tell_findings(resources: Resources, issue_id: int) -> None:
    """What a reader should not meet; staff see it before they look at the letter."""
    with resources.database.reading() as session:
        found = issues.get(session, issue_id)
        all_of_them = preflight.findings(session, resources.letters, resources.links, found, utcnow())
    stops = preflight.stopping(found, all_of_them)
    for each in all_of_them:
        word = "stops it" if each in stops else "told only"
        click.echo(f"  {word}: {each.where}: {each.text} ({each.name})")


@digest.command("preview")
@ISSUE
@click.option("--variant", type=int, default=1, show_default=True, help="1 is the one that most readers get.")
@click.option("--no-browser", is_flag=True, help="Only write the files.")
def preview(issue: str, variant: int, no_browser: bool) -> None:
    """Open a letter in the browser, as HTML and as text, with a sample reader.

    Example: coalition digest preview weekly
    """
    with looking() as (resources, session):
        found = issues.find(session, issue)
        copy = editions.compose(session, resources.letters, _variant_id(session, found, variant))
        letter = copy.fill(editions.sample_slots(resources.letters, resources.links))
        folder = resources.config.home / "previews" / f"issue-{found.id}-variant-{variant}"
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / "letter.txt", letter.text)] + ([(folder / "letter.html", letter.html)] if letter.html else [])
    for path, body in files:
        path.write_text(body, "utf-8")
        click.echo(str(path))
        if not no_browser:
            webbrowser.open(path.as_uri())


@digest.command("test")
@ISSUE
@click.argument("address")
@click.option("--variant", type=int, default=1, show_default=True)
def test(issue: str, address: str, variant: int) -> None:
    """Send one letter to yourself; its links only say what they would do.

    Example: coalition digest test weekly staff@example.org
    """
    parsed = Address.parse(address)
    with changing() as (resources, session):
        found = issues.find(session, issue)
        nonce = random_code()
        requests.queue_service(
            session,
            utcnow(),
            letter=Letter.DIGEST,
            variant_id=_variant_id(session, found, variant),
            recipient_sealed=resources.vault.seal_text(parsed.written, nonce.encode()),
            nonce=nonce,
        )
        audit.record(session, "digest test", str(found.id))
    click.echo(f"A test letter of issue {found.id} goes to {parsed.masked}.")
    say_if_nobody_sends(resources)


def _variant_id(session: Session, issue: Issue, number: int) -> int:
    variants = issues.largest_variants(session, issue.id)
    if issue.state is Phase.PLANNING or not variants:
        raise Refused(f"Issue {issue.id} has no letters to show.")
    if not 1 <= number <= len(variants):
        raise NotFound(f"Issue {issue.id} has the variants 1 to {len(variants)}.")
    return variants[number - 1][0].id


def _is_subject(text: str) -> bool:
    return 0 < len(text.strip()) <= 150 and not (has_control(text) or has_marker(text) or "=?" in text)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text("utf-8").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise BadContent(f"{path}: the file is not UTF-8 text.") from error
    if has_marker(text) or has_control(text, allowed="\n\t"):
        raise BadContent(f"{path}: the text holds an invisible control character.")
    return text


def _more(bar: object, readers: int) -> None:
    if hasattr(bar, "length") and hasattr(bar, "update"):
        bar.length += readers
        bar.update(readers)


def say_if_nobody_sends(resources: Resources) -> None:
    """Say so where a letter would wait for ever."""
    living = Morgue(resources.config.home, same_machine=resources.database.is_sqlite).living()
    if not living:
        click.echo("No sender runs on this machine: start `coalition run` or `coalition outbox run`.")
