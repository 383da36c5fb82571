"""What the commands on digests share: how an issue is named, what the last look at it finds, and who sends."""

from collections.abc import Sequence

import click

from coalition.clock import utcnow
from coalition.mail.lint import Finding
from coalition.models import Issue
from coalition.resources import Resources
from coalition.services import dead_links, editions, issues, preflight
from coalition.services.outbox.leases import Morgue

ISSUE = click.argument("issue", metavar="CADENCE|NUMBER")
ONLINE = click.option("--online", is_flag=True, help="Ask every page that the issue links to, too.")


def subject_of(resources: Resources, issue: Issue) -> str:
    """What an issue is called, in the community's language."""
    return editions.subject_of(resources.letters, issue, resources.config.community.locale)


def short_hash(issue: Issue) -> str | None:
    """The beginning of a plan's hash, enough for two people to see that they mean the same plan."""
    return issue.plan_hash[:12] if issue.plan_hash else None


def look_over(resources: Resources, issue_id: int, *, online: bool) -> tuple[Issue, list[Finding]]:
    """The last look at an issue: what a reader should not meet. `online` asks the pages it links to as well."""
    with resources.database.reading() as session:
        issue = issues.get(session, issue_id)
        found = preflight.findings(session, resources.letters, resources.composer(), issue, utcnow())
        links = preflight.written_links(session, issue)
    if online:
        click.echo("Asking the pages that it links to ...", err=True)
        found += dead_links.findings(links, resources.links.host, dead_links.policy_of(resources.config))
    return issue, found


def tell_findings(issue: Issue, found: Sequence[Finding]) -> None:
    """Say what was found, and whether it keeps the issue from leaving."""
    stops = preflight.stopping(issue, found)
    for each in found:
        word = "stops it" if each in stops else "told only"
        click.echo(f"  {word}: {each.where}: {each.text} ({each.name})")


def say_if_nobody_sends(resources: Resources) -> None:
    """Say so where a letter would wait for ever."""
    living = Morgue(resources.config.home, same_machine=resources.database.is_sqlite).living()
    if not living:
        click.echo("No sender runs on this machine: start `coalition run` or `coalition outbox run`.")
