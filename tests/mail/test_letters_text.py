"""The text of letters: wrapped, each URL alone on its line, and the same links as the HTML. Standards F25, H8, H10."""

import re
import unicodedata

import pytest

from tests.mail.desk import CODE, DIGESTS, KINDS, PRIVACY, UNSUBSCRIBE, WITH_HTML, Desk, part
from tests.mail.reading import hrefs, words_of
from tests.mail.words import EVERY, SPOKEN, Words

every_letter = pytest.mark.parametrize(
    ("kind", "words"), [(kind, words) for kind in KINDS for words in EVERY], ids=lambda value: str(value)
)


@every_letter
def test_lines_are_at_most_72_wide_unless_one_word_is_longer(kind: str, words: str, desk: Desk) -> None:
    for line in part(desk.write(kind, EVERY[words]), "plain").split("\n"):
        columns = [character for character in line if unicodedata.category(character) not in {"Mn", "Me", "Cf"}]
        assert len(columns) <= 72 or " " not in line.strip()


@every_letter
def test_each_url_stands_alone_on_its_line(kind: str, words: str, desk: Desk) -> None:
    for line in part(desk.write(kind, EVERY[words]), "plain").split("\n"):
        if "://" in line:
            assert re.fullmatch(r"https?://\S+[A-Za-z0-9/]", line), line


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("kind", WITH_HTML)
def test_text_and_html_link_to_the_same_pages(kind: str, words: str, desk: Desk) -> None:
    envelope = desk.write(kind, EVERY[words])

    in_text = set(re.findall(r"^https?://\S+$", part(envelope, "plain"), re.MULTILINE))
    assert in_text == set(hrefs(part(envelope, "html")))


@pytest.mark.parametrize("words", ["plain", *SPOKEN])
@pytest.mark.parametrize("kind", WITH_HTML)
def test_text_and_html_say_the_same_headings_in_the_same_order(kind: str, words: str, desk: Desk) -> None:
    envelope = desk.write(kind, EVERY[words])

    text = " ".join(part(envelope, "plain").casefold().split())
    place = 0
    for heading in words_of(part(envelope, "html"), "h1", "h2", "h3", "h4"):
        place = text.find(heading.casefold(), place)
        assert place >= 0, heading


def test_a_digest_links_to_nothing_but_what_staff_wrote_and_our_own_pages(desk: Desk) -> None:
    urls = [
        "https://www.example.org/rents?year=2026&by=town&copy=1&amp;lt=2",
        "http://example.org/A|b/%7e/é#x",
        "HTTPS://Example.org/",
    ]
    links = " ".join(f"[link {number}](<{url.replace('&amp;', '&amp;amp;')}>)" for number, url in enumerate(urls))

    envelope = desk.write("digest", Words(topic="Links", text=links, url="https://e.example.org/?q='\"<>&amp;"))

    ours = [PRIVACY, UNSUBSCRIBE, f"{UNSUBSCRIBE}?topic=links"]
    found = [url for url in hrefs(part(envelope, "html")) if "/preferences/" not in url]
    assert set(found) - set(ours) == {*urls, "https://e.example.org/?q='\"<>&amp;"}
    assert set(ours) <= set(found)


@pytest.mark.parametrize("kind", DIGESTS)
def test_a_digest_says_near_its_top_how_to_leave(kind: str, desk: Desk) -> None:
    text = part(desk.write(kind), "plain")

    assert "leave the list" in text[: len(text) // 3].lower()


@pytest.mark.parametrize("words", ["plain", *SPOKEN])
@pytest.mark.parametrize("kind", KINDS)
def test_no_letter_says_none_or_leaves_a_gap(kind: str, words: str, desk: Desk) -> None:
    text = part(desk.write(kind, EVERY[words]), "plain")

    assert not re.search(r"\bNone\b|undefined|\{\{|\{%|%\(|\S  |\n\n\n\n|Dear ,", text)
    assert text.endswith("\n")
    assert text == text.strip() + "\n"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"digest_as_a_test"}))
def test_only_the_links_of_this_person_carry_anything_personal(kind: str, desk: Desk) -> None:
    for url in re.findall(r"^https?://\S+$", part(desk.write(kind), "plain"), re.MULTILINE):
        assert "ada" not in url
        assert "utm_" not in url
        if "list.example.org" not in url:
            assert CODE not in url


def test_a_code_block_keeps_its_lines(desk: Desk) -> None:
    text = part(desk.write("digest", Words(topic="Code", text="```\nfirst\n\n    fourth column\n```")), "plain")

    assert "\n    first\n\n        fourth column\n" in text


def test_the_text_form_of_a_digest_is_the_text_part_of_the_other(desk: Desk) -> None:
    both, alone = part(desk.write("digest"), "plain"), part(desk.write("digest_as_text"), "plain")

    assert both == alone
