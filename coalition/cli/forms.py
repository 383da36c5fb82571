"""`coalition form`"""

from typing import Any

import click
from sqlalchemy.orm import Session

from coalition.cli.shared import Group, changing, json_option, looking, show
from coalition.cli.snippets import frame_snippet, plain_snippet
from coalition.models import Cadence, Form, Wording
from coalition.services import audit, forms, topics

_CADENCE = click.Choice([cadence.value for cadence in Cadence])


@click.group("form", cls=Group)
def form() -> None:
    """Sign-up forms for any web site."""


@form.command("add")
@click.argument("slug")
@click.option("--topic", "topic_slugs", multiple=True, required=True, help="A topic it offers; once for each.")
@click.option("--wording", required=True, help="The consent wording, shown beside the button.")
@click.option("--locale", help="Language of the form; the community's by default.")
@click.option("--cadence", type=_CADENCE, help="Rhythm of new subscriptions; the community's by default.")
@click.option(
    "--origin", "origins", multiple=True, help="A site that may show it in a frame, like https://example.org."
)
@click.option("--thanks-url", help="A page of yours to land on after signing up.")
def add(
    slug: str,
    topic_slugs: tuple[str, ...],
    wording: str,
    locale: str | None,
    cadence: str | None,
    origins: tuple[str, ...],
    thanks_url: str | None,
) -> None:
    """Make a form.

    Example: coalition form add partner --topic housing --wording "I would like news about housing by e-mail." --origin
    https://www.example.org
    """
    with changing() as (resources, session):
        community = resources.config.community
        forms.add(
            session,
            slug,
            topics=topic_slugs,
            wording=wording,
            locale=locale or community.locale,
            cadence=Cadence(cadence or community.cadence),
            origins=origins,
            thanks_url=thanks_url,
        )
        audit.record(session, "form add", slug)
    click.echo(f"Form {slug} is made. What to paste into a page: coalition form snippet {slug}")


@form.command("edit")
@click.argument("slug")
@click.option("--topic", "topic_slugs", multiple=True, help="The topics it offers from now on; once for each.")
@click.option("--wording", help="A new consent wording; the old one is kept for those who agreed to it.")
@click.option("--cadence", type=_CADENCE)
@click.option("--origin", "origins", multiple=True, help="The sites that may show it in a frame from now on.")
@click.option("--no-origins", is_flag=True, help="No site may show it in a frame any more.")
@click.option("--thanks-url", help="An empty text removes it.")
def edit(
    slug: str,
    topic_slugs: tuple[str, ...],
    wording: str | None,
    cadence: str | None,
    origins: tuple[str, ...],
    no_origins: bool,
    thanks_url: str | None,
) -> None:
    """Change parts of a form.

    Example: coalition form edit main --topic housing --topic events
    """
    with changing() as (_, session):
        forms.edit(
            session,
            slug,
            topics=topic_slugs or None,
            wording=wording,
            cadence=Cadence(cadence) if cadence else None,
            origins=[] if no_origins else origins or None,
            thanks_url=thanks_url,
        )
        audit.record(session, "form edit", slug)
    click.echo(f"Form {slug} is changed.")


@form.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every form.

    Example: coalition form list
    """
    with looking() as (_, session):
        rows = [_facts(session, each) for each in forms.all_of(session)]
    short = [{name: row[name] for name in ("slug", "topics", "cadence", "locale", "origins")} for row in rows]
    show(rows if as_json else short, as_json=as_json, empty="There are no forms yet: coalition form add …")


@form.command("show")
@click.argument("slug")
@json_option
def show_(slug: str, as_json: bool) -> None:
    """Show all of one form.

    Example: coalition form show main
    """
    with looking() as (_, session):
        facts = _facts(session, forms.get(session, slug))
    rows = [facts] if as_json else [{"what": name.replace("_", " "), "is": value} for name, value in facts.items()]
    show(rows, as_json=as_json, empty="")


@form.command("snippet")
@click.argument("slug")
@click.option("--frame", is_flag=True, help="A frame that shows our page, instead of a form of the site's own.")
def snippet(slug: str, frame: bool) -> None:
    """Print what to paste into a page of any web site.

    Example: coalition form snippet main
    """
    with looking() as (resources, session):
        found = forms.get(session, slug)
        if frame:
            text = frame_snippet(resources.links, resources.config.community.name, found)
        else:
            wording = session.get_one(Wording, found.wording_id)
            text = plain_snippet(resources.links, found, forms.offered(session, found), wording)
    click.echo(text)


def _facts(session: Session, found: Form) -> dict[str, Any]:
    names = {each.id: each.slug for each in topics.all_of(session)}
    wording = session.get_one(Wording, found.wording_id)
    return {
        "slug": found.slug,
        "topics": [names[topic_id] for topic_id in found.topics],
        "cadence": found.cadence.value,
        "locale": found.locale,
        "origins": found.origins,
        "thanks_url": found.thanks_url,
        "wording": wording.text,
        "wording_version": wording.id,
        "wording_sha256": wording.sha256,
    }
