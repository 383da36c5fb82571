"""An issue as letters: fragments made once for each item, variants joined from them, a sample reader to look with."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache, partial

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.db import Database
from coalition.errors import NotFound
from coalition.links import SAMPLE_CODE, Links
from coalition.mail import digest
from coalition.mail.digest import Copy, Edition, Section, Slots
from coalition.mail.letters import Letters
from coalition.models import Format, Fragment, Issue, Item, Topic, Variant
from coalition.services import archive


def write_fragments(session: Session, letters: Letters, issue: Issue) -> int:
    """Render each item of an issue once for every language and format that a reader wants. Returns how many."""
    wanted = {
        (item_id, variant.locale, form)
        for variant in session.scalars(select(Variant).where(Variant.issue_id == issue.id))
        for item_id in variant.items
        for form in _forms(variant.format)
    }
    items = {item.id: item for item in session.scalars(select(Item).where(Item.id.in_({w[0] for w in wanted})))}
    make = {Format.HTML: digest.html_fragment, Format.TEXT: digest.text_fragment}
    rows = [
        {
            "issue_id": issue.id,
            "item_id": item_id,
            "locale": locale,
            "format": form,
            "body": make[form](
                letters, locale, items[item_id].title, items[item_id].summary_md, items[item_id].url
            ).encode(),
        }
        for item_id, locale, form in sorted(wanted)
    ]
    if rows:
        session.execute(insert(Fragment), rows)
    return len(rows)


def subject_of(letters: Letters, issue: Issue, locale: str) -> str:
    """What an issue is called in a language: the subject that staff gave it, or one that says what and when."""
    if issue.subject:
        return issue.subject
    facts = {"cadence": issue.cadence, "dated": issue.created_at}
    return letters.template("digest/default_subject.txt", locale, **facts).strip()


def compose(session: Session, letters: Letters, variant_id: int, *, intro_md: str | None = None) -> Copy:
    """The copy that all readers of a variant share, joined from its fragments.

    `intro_md` stands in for the issue's own introduction, as while it is written.
    """
    variant = session.get(Variant, variant_id)
    issue = session.get(Issue, variant.issue_id) if variant else None
    if variant is None or issue is None:
        raise NotFound("There is no such variant.")
    sections = partial(_sections, session, letters.links, issue, variant)
    subject = subject_of(letters, issue, variant.locale)
    intro_md = issue.intro_md if intro_md is None else intro_md
    edition = Edition(subject, intro_md, issue.cadence, issue.created_at, titled=bool(issue.subject))
    text = digest.compose_text(letters, variant.locale, edition, sections(Format.TEXT))
    if variant.format is Format.TEXT:
        return Copy(subject, text, None)
    html = digest.compose_html(letters, variant.locale, edition, sections(Format.HTML))
    return Copy(subject, text, html)


class Copies:
    """Copies of the variants that were needed lately: a sender meets the same few again and again."""

    def __init__(self, database: Database, letters: Letters, size: int = 256) -> None:
        self._database, self._letters = database, letters
        self.of = lru_cache(maxsize=size)(self._compose)

    def _compose(self, variant_id: int) -> Copy:
        with self._database.reading() as session:
            return compose(session, self._letters, variant_id)


def sample_slots(letters: Letters, links: Links, locale: str | None = None) -> Slots:
    """The sample reader of previews and test letters, who chose every topic today. Links only say what they would do.

    The date is in the language of `locale`, by default the community's.
    """
    now = utcnow()
    today = letters.day(now, locale or letters.community.locale)
    return Slots(
        preferences=links.preferences(SAMPLE_CODE, 1, now),
        unsubscribe=links.unsubscribe(SAMPLE_CODE),
        since=defaultdict(lambda: today),
    )


def _forms(form: Format) -> Iterable[Format]:
    return (Format.TEXT,) if form is Format.TEXT else (Format.TEXT, Format.HTML)


def _sections(session: Session, links: Links, issue: Issue, variant: Variant, form: Format) -> list[Section]:
    rows = session.execute(
        select(Topic, Fragment.body)
        .join(Item, Item.topic_id == Topic.id)
        .join(Fragment, Fragment.item_id == Item.id)
        .where(
            Fragment.issue_id == variant.issue_id,
            Fragment.item_id.in_(variant.items),
            Fragment.locale == variant.locale,
            Fragment.format == form,
        )
        .order_by(Topic.order, Topic.id, Item.position)
    )
    bodies: dict[Topic, list[str]] = defaultdict(list)
    for topic, body in rows:
        bodies[topic].append(body.decode())
    return [
        Section(
            topic.name,
            topic.slug,
            fragments,
            variant.more.get(str(topic.id), 0),
            links.archived(archive.name_of(issue), topic.slug),
        )
        for topic, fragments in bodies.items()
    ]
