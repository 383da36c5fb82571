"""`coalition form`"""

from typing import Any

import click
from sqlalchemy.orm import Session

from coalition.cli.shared import Group, changing, json_option, looking, require_a_change, show
from coalition.cli.snippets import frame_snippet, plain_snippet
from coalition.community import Community
from coalition.errors import NotFound
from coalition.languages import OWN_NAMES, language
from coalition.models import Cadence, Form
from coalition.services import audit, forms, topics, wordings

_CADENCE = click.Choice([cadence.value for cadence in Cadence])


@click.group("form", cls=Group)
def form() -> None:
    """Sign-up forms for any web site."""


@form.command("add")
@click.argument("slug")
@click.option("--topic", "topic_slugs", multiple=True, required=True, help="A topic it offers; once for each.")
@click.option("--wording", help="A consent wording of its own, in one language; by default ours, in every language.")
@click.option("--locale", help=f"Language of the form ({', '.join(OWN_NAMES)}); the community's by default.")
@click.option("--cadence", type=_CADENCE, help="Rhythm of new subscriptions; the community's by default.")
@click.option(
    "--origin", "origins", multiple=True, help="A site that may show it in a frame, like https://example.org."
)
@click.option("--thanks-url", help="A page of yours to land on after signing up.")
def add(
    slug: str,
    topic_slugs: tuple[str, ...],
    wording: str | None,
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
            wording=wording or "",
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
@click.option(
    "--wording", help="A new consent wording; the old one stays with those who agreed to it. An empty text: ours again."
)
@click.option("--cadence", type=_CADENCE, help="Rhythm of subscriptions that begin from now on.")
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
    require_a_change(*topic_slugs, wording, cadence, *origins, no_origins or None, thanks_url)
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
    with looking() as (resources, session):
        rows = [_facts(session, resources.config.community, each) for each in forms.all_of(session)]
    short = [
        {name: row[name] for name in ("slug", "topics", "cadence", "locale", "languages", "origins")} for row in rows
    ]
    show(rows if as_json else short, as_json=as_json, empty="There are no forms yet: coalition form add …")


@form.command("show")
@click.argument("slug")
@json_option
def show_(slug: str, as_json: bool) -> None:
    """Show all of one form.

    Example: coalition form show main
    """
    with looking() as (resources, session):
        facts = _facts(session, resources.config.community, forms.get(session, slug))
    rows = [facts] if as_json else [{"what": name.replace("_", " "), "is": value} for name, value in facts.items()]
    show(rows, as_json=as_json, empty="")


@form.command("snippet")
@click.argument("slug")
@click.option("--frame", is_flag=True, help="A frame that shows our page, instead of a form of the site's own.")
@click.option("--lang", help="Another language that the form speaks; its own by default.")
def snippet(slug: str, frame: bool, lang: str | None) -> None:
    """Print what to paste into a page of any web site.

    Example: coalition form snippet main --lang cy
    """
    with looking() as (resources, session):
        found, community = forms.get(session, slug), resources.config.community
        offered = wordings.offered(session, community, found)
        code = lang or language(found.locale).code
        if code not in offered:
            raise NotFound(f"The form {slug} does not speak {code}, but {', '.join(offered)}.")
        if frame:
            text = frame_snippet(resources.links, community, found, language(code))
        else:
            text = plain_snippet(resources.links, community, found, forms.offered(session, found), offered[code])
    click.echo(text)
    if frame and not found.origins:
        click.echo(
            f"No site may show this frame yet: coalition form edit {slug} --origin https://www.example.org", err=True
        )


def _facts(session: Session, community: Community, found: Form) -> dict[str, Any]:
    names = {each.id: each.slug for each in topics.all_of(session)}
    offered = wordings.offered(session, community, found)
    wording = offered[language(found.locale).code]
    return {
        "slug": found.slug,
        "topics": [names[topic_id] for topic_id in found.topics],
        "cadence": found.cadence.value,
        "locale": found.locale,
        "languages": list(offered),
        "origins": found.origins,
        "thanks_url": found.thanks_url,
        "wording": wording.text,
        "wording_version": wording.id,
        "wording_sha256": wording.sha256,
    }
