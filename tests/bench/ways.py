"""Two ways to a digest: ours, and the usual one, which works for one reader at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import groupby

from css_inline import CSSInliner
from jinja2 import Environment
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.mail import markdown
from coalition.models import (
    Batch,
    Cadence,
    Delivery,
    Format,
    Item,
    Lane,
    Letter,
    Outbound,
    Subscription,
    Topic,
    Variant,
)
from coalition.resources import Resources
from coalition.services import issues, planning
from coalition.services.outbox.claims import Claimed
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.looking import look
from coalition.services.outbox.ready import Ready
from coalition.services.planning import Plan
from coalition.tokens import random_code

SUBJECT, INTRO = "The digest", "Hello everybody, here is what came in."


def plan(resources: Resources, now: datetime) -> Plan:
    """Plan the weekly issue, as `coalition digest plan weekly` does."""
    community, letters = resources.config.community, resources.letters
    return planning.plan(
        resources.database, letters, community, Cadence.WEEKLY, subject=SUBJECT, intro_md=INTRO, now=now
    )


@dataclass(frozen=True)
class Waiting:
    """One letter right before it is composed: as the sender has it, and what the usual way has to know."""

    ready: Ready
    reader: int
    items: Sequence[int]
    form: Format


def send(resources: Resources, issue_id: int, now: datetime) -> list[Waiting]:
    """Let an issue go. All its letters, as a sender has looked at them."""
    with resources.database.transaction() as session:
        issues.send(session, resources.config.community, issue_id, now)
    with resources.database.reading() as session:
        mine = (
            select(Delivery.id, Delivery.subscriber_id, Variant.items, Variant.format)
            .join(Variant, Variant.id == Delivery.variant_id)
            .where(Delivery.issue_id == issue_id)
            .order_by(Delivery.id)
        )
        rows = session.execute(mine).all()
    letters = looked(resources, issue_id, now, len(rows))
    return [
        Waiting(letter, reader or 0, brought, form)
        for letter, (_, reader, brought, form) in zip(letters, rows, strict=True)
    ]


def looked(resources: Resources, issue_id: int, now: datetime, most: int) -> list[Ready]:
    """So many letters of an issue that goes, as a sender has looked at them."""
    found: list[Ready] = []
    with resources.database.reading() as session:
        first_ones = select(Delivery.batch_id, Delivery.id).where(Delivery.issue_id == issue_id)
        rows = session.execute(first_ones.order_by(Delivery.batch_id, Delivery.id).limit(most)).all()
        for batch_id, group in groupby(rows, lambda row: row[0]):
            ids = tuple(row[1] for row in group)
            found += look(session, resources.vault, Claimed(batch_id, issue_id, Lane.LIST, 1, now, ids), ids, now)
    return sorted(found, key=lambda ready: ready.delivery_id)


def compose(composer: Composer, letters: Sequence[Waiting]) -> int:
    """Write letters as the sender does. Returns their bytes."""
    return sum(composer.compose(letter.ready).size for letter in letters)


@dataclass(frozen=True)
class News:
    """An item as the usual way keeps it: rendered once, and kept in memory, which is kind to it."""

    id: int
    position: int
    topic: int
    facts: Mapping[str, object]


class OneByOne:
    """The usual way: for each reader ask for their news, render the templates, inline the CSS, build the message."""

    def __init__(self, session: Session, resources: Resources, issue_id: int) -> None:
        self._session, self._links, self._letters = session, resources.links, resources.letters
        self._community = resources.config.community
        self._batch = session.scalars(select(Batch.id).where(Batch.issue_id == issue_id).limit(1)).one()
        self._topics = {topic.id: topic.name for topic in session.scalars(select(Topic).order_by(Topic.order))}
        items = session.scalars(select(Item).where(Item.withdrawn_at.is_(None)).order_by(Item.position))
        self._news = [News(item.id, item.position, item.topic_id, _facts(item)) for item in items]
        environment = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
        self._text = environment.from_string(_TEXT)
        self._html = environment.overlay(autoescape=True).from_string(_HTML)
        self._inliner = CSSInliner(load_remote_stylesheets=False, extra_css=_CSS)

    def plan(self, reader: int, issue_id: int) -> None:
        """What planning is for one reader: whether they have had this issue, their news, and a row for their letter."""
        had = select(Delivery.id).where(Delivery.issue_id == issue_id, Delivery.subscriber_id == reader)
        mine = (
            select(Item.id)
            .join(Subscription, Subscription.topic_id == Item.topic_id)
            .where(
                Subscription.subscriber_id == reader,
                Subscription.cadence == Cadence.WEEKLY,
                Subscription.ended_at.is_(None),
                Item.position > Subscription.cursor,
                Item.withdrawn_at.is_(None),
            )
        )
        self._session.scalar(had)
        self._session.scalars(mine.order_by(Item.position)).all()
        row = {"batch_id": self._batch, "letter": Letter.DIGEST, "state": Outbound.QUEUED, "attempts": 0}
        self._session.add(Delivery(nonce=random_code(), **row))
        self._session.flush()

    def compose(self, letter: Waiting) -> bytes:
        """One reader's letter, from the templates to the bytes."""
        community, ready, person = self._community, letter.ready, letter.ready.person
        assert person is not None
        facts = {
            "subject": SUBJECT,
            "intro": INTRO,
            "sections": self._sections(letter.items),
            "community": community,
            "preferences": self._links.preferences(person.code, person.epoch, ready.dated_at),
            "unsubscribe": self._links.unsubscribe(person.code),
            "since": {slug: self._letters.day(moment, ready.locale) for slug, moment in ready.since.items()},
            "locale": ready.locale,
        }
        message = EmailMessage(policy=SMTP)
        message["From"] = f'"{community.name}" <{community.sender.written}>'
        message["To"] = ready.recipient.written
        message["Reply-To"] = f'"{community.name}" <{community.reply_to.written}>'
        message["Subject"] = SUBJECT
        message["Date"] = format_datetime(ready.dated_at)
        message["Message-ID"] = f"<{ready.nonce}@{community.mail_domain}>"
        message["List-Id"] = f"<{community.list_id}>"
        message["List-Unsubscribe"] = f"<{facts['unsubscribe']}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._text.render(facts), cte="quoted-printable")
        if letter.form is Format.HTML:
            html = self._inliner.inline(self._html.render(facts))
            message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message.as_bytes()

    def _sections(self, items: Sequence[int]) -> list[tuple[str, list[Mapping[str, object]]]]:
        mine = set(items)
        return [
            (name, news)
            for topic, name in self._topics.items()
            if (news := [item.facts for item in self._news if item.topic == topic and item.id in mine])
        ]


def _facts(item: Item) -> dict[str, object]:
    return {
        "title": item.title,
        "url": item.url,
        "html": Markup(markdown.to_html(item.summary_md)),  # cleaned there
        "text": markdown.to_text(item.summary_md),
    }


_CSS = """
body { margin: 0; background-color: #f7f2e9; color: #24211d; }
.sheet { width: 100%; max-width: 600px; font-family: Helvetica, Arial, sans-serif; font-size: 17px; line-height: 1.6; }
h1, h2, h3 { font-family: Georgia, serif; font-weight: normal; line-height: 1.3; color: #24211d; }
h2 { margin: 40px 0 6px 0; padding-bottom: 8px; border-bottom: 1px solid #a4481f; font-size: 22px; color: #1f5c4d; }
h3 { margin: 24px 0 6px 0; font-size: 19px; font-weight: bold; }
p { margin: 0 0 14px 0; }
a { color: #1f5c4d; text-decoration: underline; }
.note { font-size: 16px; color: #625b52; }
"""

_TEXT = """\
{{ subject }}
{{ "-" * subject|length }}

{{ intro }}

{% for topic, news in sections %}
{{ topic|upper }}
{{ "=" * topic|length }}

{% for item in news %}
{{ item.title }}
{{ item.url }}

{{ item.text }}


{% endfor %}
Leave {{ topic }} only:
{{ unsubscribe }}?topic={{ topic }}

{% endfor %}
You get this digest weekly, because you subscribed to {{ community.name }}.
{% for slug, day in since.items() %}
{{ slug }}: {{ day }}
{% endfor %}

Change topics and rhythm, or take a break:
{{ preferences }}

Leave the list and get no more mail:
{{ unsubscribe }}

{{ community.controller }}, {{ community.postal_address }}
"""

_HTML = """\
<!doctype html>
<html lang="{{ locale }}"><head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body>
<table role="presentation" class="sheet"><tr><td>
<h1>{{ subject }}</h1>
<p>{{ intro }}</p>
{% for topic, news in sections %}
<h2>{{ topic }}</h2>
{% for item in news %}
<h3><a href="{{ item.url }}">{{ item.title }}</a></h3>
{{ item.html }}
{% endfor %}
<p class="note"><a href="{{ unsubscribe }}?topic={{ topic }}">Leave {{ topic }} only</a></p>
{% endfor %}
<p>You get this digest weekly, because you subscribed to {{ community.name }}.</p>
{% for slug, day in since.items() %}<p>{{ slug }}: {{ day }}</p>{% endfor %}
<p><a href="{{ preferences }}">Change topics and rhythm, or take a break</a></p>
<p><a href="{{ unsubscribe }}">Leave the list and get no more mail</a></p>
<p>{{ community.controller }}, {{ community.postal_address }}</p>
</td></tr></table>
</body></html>
"""
