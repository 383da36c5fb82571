"""The lint as a whole: our own samples are in order, and nothing that anybody writes makes it fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.mail.lint import NAMES, ItemSource, lint_letter, lint_source, written_urls
from coalition.mail.message import Letter
from coalition.models import Format, Item, Variant
from coalition.paths import TEMPLATES
from coalition.services import drafts, editions, items, topics
from tests.house import House, a_subscriber

INTRO = """\
Hello,

this week brought [a plan for the hall](https://www.example.org/hall?floor=1&room=2), written by <ada@example.org>.

## Dates

1. Monday: cleaning
2. Tuesday: `make run`, or:

       make test

> Come early.
"""


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("intro", ["", INTRO])
def test_a_digest_of_the_samples_is_in_order(house: House, intro: str, form: Format) -> None:
    _publish_samples(house)
    a_subscriber(house, topics_=("working-together", "events", "tools"), form=form, cursor=0)
    issue_id = house.plan(subject="News of the week", intro=intro)

    with house.database.reading() as session:
        sources = [_source(item) for item in session.scalars(select(Item).order_by(Item.position))]
        variant_id = session.scalars(select(Variant.id).where(Variant.issue_id == issue_id)).one()
        copy = editions.compose(session, house.resources.letters, variant_id)
    letter = copy.fill(editions.sample_slots(house.resources.letters, house.resources.links))

    links, community = house.resources.links, house.config.community
    assert len(sources) == 4
    assert lint_source(letter.subject, intro, sources, links.host, utcnow().year) == []
    assert lint_letter(letter, community.postal_address, links.base_url, written_urls(intro, sources)) == []


def _publish_samples(house: House) -> None:
    with house.database.transaction() as session:
        topics.add(session, "working-together", "Working together", "Better meetings.")
        for path in sorted((TEMPLATES / "samples").glob("*.md")):
            items.publish(session, drafts.read(path.read_text("utf-8")), utcnow())


def _source(item: Item) -> ItemSource:
    return ItemSource(item.position, item.title, item.summary_md, item.url)


# Any text, half characters too, with the signs that mean something to Markdown, HTML, CSS and URLs more often.
_ANYTHING = st.lists(
    st.text(max_size=8)
    | st.sampled_from(
        ["\ud800", "\x00", "\n", "    ", "\n\n", "# ", "- ", "> ", "`", "```\n", "[", "](", ")", "![", "<", ">"]
    )
    | st.sampled_from(
        ["https://", "http://[", "mailto:", "javascript:", "//", "?a=b@c&", "#", "%", "{{", "<![x[", "<!--[if"]
    )
    | st.sampled_from(
        ["<p style='", "color:", "font-size:0", "url(", "<style>", "</", "<a href=", "'", '"', "&#xd800;"]
    ),
    max_size=20,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(subject=_ANYTHING, intro=_ANYTHING, title=_ANYTHING, text=_ANYTHING, url=st.none() | _ANYTHING)
def test_whatever_staff_write_is_read(subject: str, intro: str, title: str, text: str, url: str | None) -> None:
    found = lint_source(subject, intro, [ItemSource(1, title, text, url)], "list.example.org", 2026)

    assert all(finding.name in NAMES and finding.where and finding.text for finding in found)


@settings(max_examples=200, deadline=None)
@given(subject=_ANYTHING, text=_ANYTHING, html=st.none() | _ANYTHING, address=_ANYTHING)
def test_whatever_a_letter_holds_is_read(subject: str, text: str, html: str | None, address: str) -> None:
    found = lint_letter(Letter(subject, text, html), address, "https://list.example.org", frozenset())

    assert "unsubscribe-missing" in {finding.name for finding in found}
    assert all(finding.name in NAMES and finding.where and finding.text for finding in found)
