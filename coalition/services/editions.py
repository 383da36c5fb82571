"""An issue as letters: fragments made once for each item, variants joined from them, a sample reader to look with."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.db import Database
from coalition.errors import NotFound
from coalition.links import SAMPLE_CODE, Links
from coalition.mail import digest
from coalition.mail.digest import Copy, Edition, Section, Slots
from coalition.mail.letters import Letters
from coalition.mail.typesetting import Typesetter
from coalition.models import Format, Fragment, Issue, Item, Topic, Variant
from coalition.services import archive

_MOST_SHELVES = 8  # of an issue in a language each, with all its fragments
_MOST_SECTIONS = 8192  # of a shelf; they only point to fragments


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
    variant = _variant(session, variant_id)
    return Shelf(session, letters, variant.issue_id, variant.locale, intro_md=intro_md).of(variant)


class Shelf:
    """All that the copies of an issue in one language are joined from: typesetters and fragments.

    Nothing is read from the database any more once it is there, however many variants are joined from it.
    """

    def __init__(
        self, session: Session, letters: Letters, issue_id: int, locale: str, *, intro_md: str | None = None
    ) -> None:
        issue = session.get_one(Issue, issue_id)
        self._subject = subject_of(letters, issue, locale)
        self._archived = partial(letters.links.archived, archive.name_of(issue))
        intro_md = issue.intro_md if intro_md is None else intro_md
        edition = Edition(self._subject, intro_md, issue.cadence, issue.created_at, titled=bool(issue.subject))
        self._text = Typesetter(letters, locale, edition, "txt")
        self._html = Typesetter(letters, locale, edition, "html")
        self._bodies: dict[Format, dict[int, str]] = {form: {} for form in Format}
        self._topics: dict[int, tuple[int, str, str]] = {}  # item -> its topic
        self._places: dict[int, int] = {}  # item -> its place in the order of a letter
        self._section = lru_cache(maxsize=_MOST_SECTIONS)(self._make_section)
        rows = session.execute(
            select(Fragment.item_id, Fragment.format, Fragment.body, Topic.id, Topic.name, Topic.slug)
            .join(Item, Item.id == Fragment.item_id)
            .join(Topic, Topic.id == Item.topic_id)
            .where(Fragment.issue_id == issue_id, Fragment.locale == locale)
            .order_by(Topic.order, Topic.id, Item.position)
        )
        for item_id, form, body, topic_id, name, slug in rows:
            self._bodies[form][item_id] = body.decode()
            self._topics[item_id] = topic_id, name, slug
            self._places.setdefault(item_id, len(self._places))

    def of(self, variant: Variant) -> Copy:
        """The copy of a variant."""
        return self.copy(variant.items, variant.more, variant.format)

    def copy(self, items: Sequence[int], more: Mapping[str, int], form: Format) -> Copy:
        """The copy of the variant that brings these items, and tells of more in the archive by topic."""
        topics: dict[int, list[int]] = defaultdict(list)
        for item_id in sorted(items, key=self._places.__getitem__):
            topics[self._topics[item_id][0]].append(item_id)
        held = [(tuple(its), more.get(str(topic_id), 0)) for topic_id, its in topics.items()]
        text = self._text.set([self._section(Format.TEXT, *each) for each in held])
        html = self._html.set([self._section(Format.HTML, *each) for each in held]) if form is Format.HTML else None
        return Copy(self._subject, text, html)

    def _make_section(self, form: Format, items: tuple[int, ...], more: int) -> Section:
        """One topic of a copy, by its items."""
        _, name, slug = self._topics[items[0]]
        fragments = tuple([self._bodies[form][item_id] for item_id in items])
        return Section(name, slug, fragments, more, self._archived(slug))


class Shelves:
    """The shelves that some variants need, for as long as a session is open."""

    def __init__(self, session: Session, letters: Letters) -> None:
        self._of = cache(partial(Shelf, session, letters))

    def copy(self, variant: Variant) -> Copy:
        """The copy of one of them."""
        return self._of(variant.issue_id, variant.locale).of(variant)


class Brings(NamedTuple):
    """A variant as a row has it, lists still as text: most rows are of one that was read before."""

    issue_id: int
    locale: str
    format: str
    items: str
    more: str

    def copy(self, shelf: Shelf) -> Copy:
        """The copy of it."""
        return shelf.copy(json.loads(self.items), json.loads(self.more), Format(self.format))


class Copies:
    """Copies of the variants that were needed lately: a sender meets the same few again and again, or each once."""

    def __init__(self, database: Database, letters: Letters, size: int = 256) -> None:
        self._database, self._letters = database, letters
        self.of = lru_cache(maxsize=size)(self._compose)
        self._shelf = lru_cache(maxsize=_MOST_SHELVES)(self._fill_shelf)
        self._at_hand: dict[int, Brings] = {}

    def lay_out(self, variant_id: int, brings: "Brings") -> None:
        """Tell what the variant that is asked for next is made of, where that is known already."""
        self._at_hand = {variant_id: brings}

    def _compose(self, variant_id: int) -> Copy:
        known = self._at_hand.get(variant_id)
        if known is not None:
            return known.copy(self._shelf(known.issue_id, known.locale))
        with self._database.reading() as session:
            variant = _variant(session, variant_id)
        return self._shelf(variant.issue_id, variant.locale).of(variant)

    def _fill_shelf(self, issue_id: int, locale: str) -> Shelf:
        with self._database.reading() as session:
            return Shelf(session, self._letters, issue_id, locale)


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


def _variant(session: Session, variant_id: int) -> Variant:
    variant = session.get(Variant, variant_id)
    if variant is None:
        raise NotFound("There is no such variant.")
    return variant
