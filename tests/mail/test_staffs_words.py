"""Staff's words in letters of other languages: named, kept in their own order, and read from their own side."""

from dataclasses import replace

import pytest

from coalition.mail.staffs_words import begin_at_the_right, direction
from tests.mail.desk import WITH_HTML, Desk, part
from tests.mail.reading import declarations, elements
from tests.mail.words import ARABIC, EVERY, SPOKEN, Words

MARK = "\u200f"
SERVICE = [kind for kind in WITH_HTML if not kind.startswith("digest")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Housing", "ltr"),
        ("السكن", "rtl"),
        ("דיור", "rtl"),
        ("住宅", "ltr"),
        ("1. «السكن» and so on", "rtl"),
        ("12 (GMT) السكن", "ltr"),
        ("2026!", "neither"),
        ("", "neither"),
    ],
)
def test_the_first_letter_that_has_a_direction_gives_it(text: str, found: str) -> None:
    assert direction(text, "neither") == found


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("Housing، أسبوعيًا", True),
        ("(GMT). يمكنكم", True),
        ("- Housing وحده", True),
        ("موضوع Housing وحده", False),
        ("https://list.example.org/privacy", False),
        ("12 مارس 2026", False),
        ("--", False),
        ("", False),
    ],
)
def test_only_a_line_that_would_begin_at_the_wrong_side_is_marked(line: str, marked: bool) -> None:
    assert begin_at_the_right(line) == (MARK + line if marked else line)


@pytest.mark.parametrize("kind", WITH_HTML)
@pytest.mark.parametrize("code", SPOKEN)
def test_every_line_of_a_letter_begins_at_the_side_of_its_language(kind: str, code: str, desk: Desk) -> None:
    text = part(desk.write(kind, Words(community="A very long name of a Coalition " * 5, locale=code)), "plain")

    if code != "ar":
        assert MARK not in text
    else:
        mixed = [line for line in text.split("\n") if any("\u0600" <= character <= "\u06ff" for character in line)]
        assert {direction(line, "") for line in mixed} == {"rtl"}


# Letters that name the community in the head and the foot alone.
NAMELESS = {"agree_again", "grievance", "grievance_answer"}


@pytest.mark.parametrize("words", ["rtl", "mailbox", "arabic", "arabic in ar", *SPOKEN])
@pytest.mark.parametrize("kind", SERVICE)
def test_names_within_our_sentences_are_isolated(kind: str, words: str, desk: Desk) -> None:
    html = part(desk.write(kind, EVERY[words]), "html")

    isolated = ["".join(each.itertext()) for each in elements(html) if each.tag == "bdi"]
    assert (EVERY[words].community in isolated) is (kind not in NAMELESS)
    for sentence in [each for each in elements(html) if each.tag in {"h1", "p", "li"}]:
        loose = "".join([sentence.text or "", *(each.tail or "" for each in sentence.iter() if each is not sentence)])
        assert EVERY[words].community not in loose
    foreign = EVERY[words].locale != EVERY[words].written_in
    langs = {each.attrib.get("lang") for each in elements(html) if each.tag == "bdi"}
    assert langs == {EVERY[words].written_in if foreign else None}


@pytest.mark.parametrize("kind", ["digest", "digest_long"])
@pytest.mark.parametrize("code", SPOKEN)
def test_blocks_of_staffs_words_say_their_language_and_side(kind: str, code: str, desk: Desk) -> None:
    html = part(desk.write(kind, Words(locale=code)), "html")

    blocks = [
        each.attrib for each in elements(html) if each.tag in {"h1", "h2", "div"} and each.attrib.get("lang") == "en"
    ]
    assert {(each["dir"], each["align"]) for each in blocks} == {("ltr", "left")}
    assert [each["lang"] for each in blocks] == ["en"] * (4 if kind == "digest" else 15)


@pytest.mark.parametrize("kind", ["digest", "digest_long"])
def test_a_letter_in_the_language_of_its_staff_needs_no_such_marks(kind: str, desk: Desk) -> None:
    html = part(desk.write(kind), "html")

    assert [each.tag for each in elements(html) if "lang" in each.attrib] == ["html", "div"]
    assert not [each.tag for each in elements(html) if each.tag in {"h1", "h2", "h3"} and "dir" in each.attrib]


@pytest.mark.parametrize(
    ("words", "side"),
    [(Words(), "left"), (Words(locale="ar"), "left"), (ARABIC, "right"), (EVERY["arabic in ar"], "right")],
)
def test_lists_and_quotations_of_staff_hang_on_their_own_side(words: Words, side: str, desk: Desk) -> None:
    text = words.text + "\n\n- one\n\n> two" if words.written_in == "en" else words.text

    html = part(desk.digest(replace(words, text=text)), "html")

    quotations = [declarations(each.attrib["style"]) for each in elements(html) if each.tag == "blockquote"]
    assert [each[f"padding-{side}"] for each in quotations] == ["16px"]
    ours = "right" if words.locale == "ar" else "left"
    lists = [declarations(each.attrib["style"]) for each in elements(html) if each.tag == "ul"]
    assert [f"padding-{side}" in lists[0], f"padding-{ours}" in lists[-1]] == [True, True]


@pytest.mark.parametrize("kind", WITH_HTML)
@pytest.mark.parametrize("code", SPOKEN)
def test_a_letter_is_aligned_to_where_its_lines_begin(kind: str, code: str, desk: Desk) -> None:
    html = part(desk.write(kind, Words(locale=code)), "html")

    cells = [each.attrib["align"] for each in elements(html) if each.attrib.get("class") in {"inner", "foot"}]
    assert cells == ["right" if code == "ar" else "left"] * 2
