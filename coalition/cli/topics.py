"""`coalition topic`"""

import click

from coalition.cli.shared import Group, changing, json_option, looking, opened, require_a_change, show
from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services import audit, purposes, topics


@click.group("topic", cls=Group)
def topic() -> None:
    """What people can subscribe to."""


@topic.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="How pages and letters call it.")
@click.option("--description", required=True, help="One line that says what one gets.")
@click.option("--special", is_flag=True, help="It tells what people believe, how they live or how they are.")
@click.option("--wording", help="What people have to agree to expressly, word for word; for --special.")
def add(slug: str, name: str, description: str, special: bool, wording: str | None) -> None:
    """Open a topic.

    With --special, getting it tells something about people that the law protects more: politics, religion, a union,
    health, sex life (GDPR, article 9). They then have to tick a wording of its own, which is kept word for word.

    Example: coalition topic add housing --name Housing --description "Homes, rents and repairs."
    """
    if special != (wording is not None):
        raise click.UsageError("--special and --wording go together: say what people agree to expressly.")
    with changing() as (resources, session):
        locale = resources.config.community.locale
        topics.add(session, slug, name, description, explicit=wording, locale=locale)
        audit.record(session, "topic add", slug)
    click.echo(f"Topic {slug} is open. Offer it on a form: coalition form edit main --topic {slug} …")


@topic.command("edit")
@click.argument("slug")
@click.option("--name", help="How pages and letters call it from now on.")
@click.option("--description", help="One line that says what one gets.")
@click.option("--purpose-changed", is_flag=True, help="What it is for is another thing now: everybody is asked again.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def edit(slug: str, name: str | None, description: str | None, purpose_changed: bool, yes: bool) -> None:
    """Change how a topic is called or described.

    With --purpose-changed, those who agreed to what it was for until now get nothing of it until they agree again. A
    letter asks them. It can't be taken back.

    Example: coalition topic edit housing --name "Housing and rents"
    """
    if purpose_changed and description is None:
        raise click.UsageError("With --purpose-changed say in the --description what it is for now.")
    require_a_change(name, description)
    if purpose_changed and not yes:
        click.confirm(f"End what everybody has agreed to about {slug}, and ask them again by letter?", abort=True)
    resources = opened()
    with resources.database.transaction() as session:
        topics.edit(session, slug, name, description)
        if purpose_changed and description is not None:
            purposes.change(session, slug, description, utcnow())
        audit.record(session, "topic edit", slug)
    asked = _ask_again(resources) if purpose_changed else 0
    click.echo(f"Topic {slug} is changed." + (f" Asked again: {asked}." if purpose_changed else ""))


def _ask_again(resources: Resources) -> int:
    """A page of people at a time. `tick` goes on where this is stopped."""
    asked, some = 0, 1
    while some:
        with resources.database.transaction() as session:
            some = purposes.ask_again(session, utcnow())
        asked += some
    return asked


@topic.command("close")
@click.argument("slug")
def close(slug: str) -> None:
    """Take no new subscriptions and no more news; those who have it get what was published, and then it ends.

    Example: coalition topic close housing
    """
    with changing() as (_, session):
        was_open = topics.get(session, slug).open
        topics.close(session, slug)
        if was_open:
            audit.record(session, "topic close", slug)
    again = f"coalition topic open {slug}"
    click.echo(
        f"Topic {slug} takes no new subscriptions and no news{'' if was_open else ' already'}. To undo it: {again}"
    )


@topic.command("open")
@click.argument("slug")
def open_(slug: str) -> None:
    """Open a closed topic again. Nobody is subscribed again whose subscription has ended with it.

    Example: coalition topic open housing
    """
    with changing() as (_, session):
        was_open = topics.get(session, slug).open
        topics.reopen(session, slug)
        if not was_open:
            audit.record(session, "topic open", slug)
    click.echo(f"Topic {slug} takes subscriptions and news{' already' if was_open else ' again'}.")


@topic.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show every topic.

    Example: coalition topic list
    """
    with looking() as (_, session):
        rows = [
            {
                "slug": each.slug,
                "name": each.name,
                "open": each.open,
                "special": each.explicit_id is not None,
                "description": each.description,
            }
            for each in topics.all_of(session)
        ]
    show(rows, as_json=as_json, empty="There are no topics yet: coalition topic add …")
