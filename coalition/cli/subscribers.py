"""`coalition subscriber`"""

import click

from coalition.address import Address
from coalition.cli.evidence import written_out
from coalition.cli.privacy import verified
from coalition.cli.shared import Group, changing, json_option, looking, opened, show
from coalition.clock import utcnow
from coalition.documents import to_json
from coalition.errors import NotFound
from coalition.models import Scope
from coalition.services import audit, bounces, counts, evidence, held, people, suppressions, unsubscribe
from coalition.services.unsubscribe import Channel

_MAY_GO = {Scope.LIST: "a letter to confirm, if they sign up again", Scope.ALL: "nothing"}


@click.group("subscriber", cls=Group)
def subscriber() -> None:
    """Help for somebody who calls."""


@subscriber.command("show")
@click.argument("address")
@json_option
def show_(address: str, as_json: bool) -> None:
    """Show how somebody stands, by the address they give. The look is recorded.

    Example: coalition subscriber show ada@example.org
    """
    with changing() as (resources, session):
        person = people.by_address(session, resources.vault, Address.parse(address))
        audit.record(session, "subscriber show", person.code)
        suppression = suppressions.of_person(session, person)
        facts = {
            "code": person.code,
            "state": person.state.value,
            "format": person.format.value,
            "confirmed": person.confirmed_at,
            "paused_until": person.pause_until,
            "suppressed": suppression.reason if suppression else None,
            "suppressed_since": suppression.since if suppression else None,
            "may_still_go": _MAY_GO[suppression.scope] if suppression else None,
        }
        came_back = [
            {"came": each.came_at, "what": each.fate.value, "status": each.status, "said": each.said}
            for each in bounces.of_person(session, person)
        ]
        topics = [
            {
                "topic": topic.slug,
                "cadence": subscription.cadence.value,
                "began": subscription.began_at,
                "ended": subscription.ended_at,
                "why": (subscription.ended_reason or subscription.source).value,
            }
            for subscription, topic in held.subscriptions(session, person)
        ]
        letters = [
            {"letter": each.letter.value if each.letter else None, "state": each.state.value, "at": each.at}
            for each in held.letters(session, person)
        ]
    if as_json:
        show([{**facts, "subscriptions": topics, "letters": letters, "came_back": came_back}], as_json=True, empty="")
        return
    show([{"what": name.replace("_", " "), "is": value} for name, value in facts.items()], as_json=False, empty="")
    click.echo()
    show(topics, as_json=False, empty="No subscriptions.")
    click.echo()
    show(letters, as_json=False, empty="No letters.")
    click.echo()
    show(came_back, as_json=False, empty="Nothing came back.")


@subscriber.command("evidence")
@click.argument("address")
@json_option
def evidence_(address: str, as_json: bool) -> None:
    """Print all that proves what somebody agreed to: wordings, letters, presses, every later change. It is recorded.

    It stands alone: whoever reads it can compute the hashes anew. Keep it as you would keep the address.

    Example: coalition subscriber evidence ada@example.org
    """
    parsed, resources = Address.parse(address), opened()
    with resources.database.reading() as session:
        code = evidence.subject(session, resources.vault, parsed)
        verdict = verified(resources, session)
        found = evidence.dossier(session, resources.config.community, parsed, code, verdict, utcnow())
    with resources.database.transaction() as session:
        audit.record(session, "subscriber evidence", code)
    if as_json:
        click.echo(to_json(found.as_dict()))
    else:
        click.echo("\n".join(written_out(found)))


@subscriber.command("leave")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def leave(address: str, yes: bool) -> None:
    """End all subscriptions of somebody who asks for it.

    Example: coalition subscriber leave ada@example.org
    """
    parsed = Address.parse(address)
    if not yes:
        click.confirm(f"End all subscriptions of {parsed.masked}?", abort=True)
    with changing() as (resources, session):
        person = people.by_address(session, resources.vault, parsed)
        left = unsubscribe.leave_all(session, person, Channel.STAFF, utcnow())
        audit.record(session, "subscriber leave", person.code)
    click.echo(f"{len(left.topics)} subscriptions ended. Nothing more is sent.")


@subscriber.command("suppress")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def suppress(address: str, yes: bool) -> None:
    """Write to an address no more, whoever asks: nothing goes there, not even a letter to confirm.

    Example: coalition subscriber suppress ada@example.org
    """
    parsed = Address.parse(address)
    if not yes:
        click.confirm(f"End all subscriptions of {parsed.masked} and write there no more?", abort=True)
    with changing() as (resources, session):
        new = suppressions.block(session, resources.vault, parsed, utcnow())
        audit.record(session, "subscriber suppress", suppressions.code_of(session, resources.vault, parsed))
    click.echo("Nothing more is sent there." if new else "Nothing was sent there before.")


@subscriber.command("lift")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def lift(address: str, yes: bool) -> None:
    """Let an address be written to again that staff or bounces had closed. Its owner then signs up as anybody does.

    A spam report is lifted by nobody but its owner, by signing up.

    Example: coalition subscriber lift ada@example.org
    """
    parsed = Address.parse(address)
    if not yes:
        click.confirm(f"Let {parsed.masked} be written to again?", abort=True)
    with changing() as (resources, session):
        suppressions.lift(session, resources.vault, parsed, utcnow())
        audit.record(session, "subscriber lift", suppressions.code_of(session, resources.vault, parsed))
    click.echo("This address may sign up again.")


@subscriber.command("forget")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def forget(address: str, yes: bool) -> None:
    """Erase somebody who asks for it, at once and for good. Make sure that it is they who ask.

    Who never subscribed may have asked to, or complained: that is forgotten too.

    Example: coalition subscriber forget ada@example.org
    """
    parsed = Address.parse(address)
    if not yes:
        click.confirm(f"Erase {parsed.masked} and all that is held about them? It can't be undone.", abort=True)
    with changing() as (resources, session):
        code = suppressions.code_of(session, resources.vault, parsed)
        if code is not None:
            resources.eraser.forget(session, people.by_address(session, resources.vault, parsed), utcnow())
        elif not resources.eraser.forget_stranger(session, parsed, utcnow()):
            raise NotFound("Nothing is known here of this address.")
        audit.record(session, "subscriber forget", code)
    resources.database.scrub()
    resources.database.close()
    if code is not None:
        click.echo("Erased. Only they themselves can return, by signing up.")
    else:
        click.echo("No subscriber has this address. What was known of it is erased.")


@subscriber.command("count")
@json_option
def count(as_json: bool) -> None:
    """Count people by state, and subscriptions by topic and cadence.

    Example: coalition subscriber count
    """
    with looking() as (_, session):
        states = counts.by_state(session, utcnow())
        topics = counts.by_topic(session)
    if as_json:
        show([{"states": states, "topics": topics}], as_json=True, empty="")
        return
    show([{"state": state, "people": n} for state, n in states.items()], as_json=False, empty="Nobody yet.")
    click.echo()
    show(topics, as_json=False, empty="No subscriptions yet.")
