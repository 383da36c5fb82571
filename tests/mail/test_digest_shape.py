"""How a digest is built in every language: what is in it, why one gets it, how to leave, and then how to change."""

from datetime import timedelta

import pytest

from coalition.languages import OWN_NAMES, language
from coalition.mail.digest import Edition, Section
from coalition.mail.typesetting import Typesetter
from tests.mail.desk import PRIVACY, UNSUBSCRIBE, WRITTEN, Desk, part
from tests.mail.reading import anchors, elements, hrefs, words_of
from tests.mail.words import Words, plenty

every_language = pytest.mark.parametrize("code", OWN_NAMES)


@every_language
def test_the_foot_says_why_then_how_to_leave_then_how_to_change_then_who_writes(code: str, desk: Desk) -> None:
    text = part(desk.write("digest", Words(locale=code)), "plain").partition("\n--\n")[2]

    why = language(code).gettext("You get this because you chose:")
    order = [why, "Housing", f"\n{UNSUBSCRIBE}\n", "/preferences/", "1 Example Street", PRIVACY]
    assert [each for each in order if each not in text] == []
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)


@every_language
def test_the_links_of_a_digest_begin_and_nearly_end_with_leaving(code: str, desk: Desk) -> None:
    links = hrefs(part(desk.write("digest_long", Words(locale=code)), "html"))

    assert links[0] == UNSUBSCRIBE
    assert links[-3] == UNSUBSCRIBE
    assert "/preferences/" in links[-2]
    assert links[-1] == PRIVACY


@every_language
def test_each_topic_says_since_when_in_both_forms(code: str, desk: Desk) -> None:
    envelope = desk.write("digest_long", Words(locale=code))

    spoken = language(code)
    since = {"Housing": 39, "Events": 69, "Tools": 99, "People": 129}  # days before
    whys = [
        spoken.gettext("%(topic)s, %(rhythm)s, confirmed on %(day)s")
        % {"topic": topic, "rhythm": spoken.rhythm("weekly"), "day": spoken.day(WRITTEN - timedelta(days=days))}
        for topic, days in since.items()
    ]
    assert words_of(part(envelope, "html"), "li")[-4:] == whys
    assert "\n".join(f"- {why}" for why in whys) in part(envelope, "plain")


@every_language
def test_a_long_letter_begins_with_what_it_holds(code: str, desk: Desk) -> None:
    envelope = desk.write("digest_long", Words(locale=code))

    spoken = language(code)
    held = [
        spoken.ngettext("%(topic)s: %(n)d item", "%(topic)s: %(n)d items", n) % {"topic": topic, "n": n}
        for topic, n in (("Housing", 1), ("Events", 2), ("Tools", 3), ("People", 3))
    ]
    html, text = part(envelope, "html"), part(envelope, "plain")
    assert words_of(html, "li")[:4] == [" ".join(each.split()) for each in held]
    assert anchors(html) == ["topic-housing", "topic-events", "topic-tools", "topic-people"]
    listed = "\n".join(f"- {each}" for each in held)
    assert text.index("News of the week") < text.index(listed) < text.index("Hello everybody") < text.index("HOUSING")


@pytest.mark.parametrize(
    ("items", "is_long"),
    [([1, 1, 1], False), ([1, 1, 1, 1], True), ([4, 4], False), ([5, 4], True), ([8, 1], True), ([30], False)],
)
def test_a_letter_is_long_with_four_topics_or_nine_items_in_two(items: list[int], is_long: bool, desk: Desk) -> None:
    letters = desk.resources.letters
    edition = Edition("Subject", "", "weekly", WRITTEN)
    text, html = (
        [Section(f"Topic {number}", f"t{number}", (fragment,) * n) for number, n in enumerate(items)]
        for fragment in ("item", "<h3>item</h3>")
    )

    assert ("In this letter:" in _set(Typesetter(letters, "en", edition, "txt"), text)) is is_long
    assert ("#topic-t0" in _set(Typesetter(letters, "en", edition, "html"), html)) is is_long


def _set(typesetter: Typesetter, sections: list[Section]) -> str:
    return "".join("".join(block) for run in typesetter.set(sections) for block in run)


@every_language
def test_what_is_only_in_the_archive_is_counted_as_the_language_counts(code: str, desk: Desk) -> None:
    envelope = desk.digest_of(plenty(Words(locale=code)))

    more = language(code).ngettext("And %(n)d more about %(topic)s", "And %(n)d more about %(topic)s", 3)
    link = "https://list.example.org/archive/weekly-2026-W11#topic-housing"
    said = [each for each in elements(part(envelope, "html")) if each.attrib.get("href") == link]
    assert ["".join(each.itertext()) for each in said] == [more % {"n": 3, "topic": "Housing"}]
    assert f"\n{link}\n" in part(envelope, "plain")


@every_language
def test_an_issue_without_a_subject_is_named_in_the_language_of_its_reader(code: str, desk: Desk) -> None:
    envelope = desk.digest(Words(locale=code, subject=""))

    spoken = language(code)
    expected = spoken.gettext("News from %(community)s: %(rhythm)s digest of %(day)s") % {
        "community": "Coalition of Collaborators",
        "rhythm": spoken.rhythm("weekly"),
        "day": spoken.day(WRITTEN),
    }
    [heading] = [each for each in elements(part(envelope, "html")) if each.tag == "h1"]
    assert "".join(heading.itertext()) == expected
    assert "lang" not in heading.attrib
