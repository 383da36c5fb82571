from dataclasses import replace

import pytest

from coalition.mail.lint import Finding, lint_letter
from coalition.mail.message import Letter
from tests.mail.linting import names

BASE = "https://list.example.org"
ADDRESS = "Example Coalition, 1 Example Street, Exampletown EX1 1EX"
WRITTEN = "https://www.example.org/rents?a=1&b=2"
LEAVE = f"{BASE}/unsubscribe/abc"

TEXT = f"""News

Rents fall, and the figures are out.

the figures:
{WRITTEN}

--
Example Coalition, 1 Example Street,
Exampletown EX1 1EX

Leave the list:
{LEAVE}
"""
HTML = f"""<!doctype html>
<html lang="en" dir="ltr"><head><meta charset="utf-8"><title>News</title>
<style>.foot {{ color: #625b52 !important; font-size: 0.9em; }}</style></head>
<body><div lang="en" dir="ltr">
<!--[if mso]><table role="presentation"><tr><td><![endif]-->
<table role="presentation"><tr><td style="color: #24211d; background-color: #fff">
<h1>News</h1><h2>Housing</h2><p>Rents fall, and <a href="{WRITTEN.replace("&", "&amp;")}">the figures</a> are out.</p>
<p>Example Coalition,<br>1 Example Street, Exampletown EX1 1EX</p><p><a href="{LEAVE}">Leave the list</a></p>
</td></tr></table></div></body></html>
"""
LETTER = Letter("News", TEXT, HTML)


def about(letter: Letter) -> list[Finding]:
    return lint_letter(letter, ADDRESS, BASE, frozenset({WRITTEN}))


def with_html(piece: str) -> Letter:
    return replace(LETTER, html=HTML.replace("<h2>", f"{piece}<h2>"))


def with_head(piece: str) -> Letter:
    return replace(LETTER, html=HTML.replace("</head>", f"{piece}</head>"))


def with_text(line: str) -> Letter:
    return replace(LETTER, text=TEXT.replace("the figures:", f"{line}\n\nthe figures:"))


def without(piece: str) -> Letter:
    assert piece in HTML
    return replace(LETTER, html=HTML.replace(piece, ""))


def test_a_letter_in_order_is_left_alone() -> None:
    assert about(LETTER) == []
    assert about(replace(LETTER, html=None)) == []


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("remote-load", '<img src="https://www.example.org/x.png" alt="A house">'),
        ("remote-load", '<img src="//www.example.org/x.png" alt="A house">'),
        ("remote-load", '<img src="cid:x" srcset="https://www.example.org/x.png 2x" alt="A house">'),
        ("remote-load", '<p background="http://www.example.org/x.png">Hello</p>'),
        ("remote-load", "<p style=\"background: url('https://www.example.org/x.png')\">Hello</p>"),
        ("remote-load", '<p style="background: URL( //www.example.org/x.png )">Hello</p>'),
        ("remote-load", "<style>@import 'https://www.example.org/x.css';</style>"),
        ("remote-load", "<style>@font-face { src: url(https://www.example.org/x.woff) }</style>"),
        ("remote-load", '<!--[if mso]><v:fill src="https://www.example.org/x.png" /><![endif]-->'),
        ("active-element", "<script>go()</script>"),
        ("active-element", '<form action="https://www.example.org/"></form>'),
        ("active-element", '<p onclick="go()">Hello</p>'),
        ("hidden-text", '<p style="display: none">Hello</p>'),
        ("hidden-text", '<p style="color: #123456; DISPLAY:NONE !important">Hello</p>'),
        ("hidden-text", '<p style="font-size:0px">Hello</p>'),
        ("hidden-text", '<p style="opacity: 0.0">Hello</p>'),
        ("hidden-text", '<p style="mso-hide:all">Hello</p>'),
        ("hidden-text", "<p hidden>Hello</p>"),
        ("hidden-text", "<style>@media screen { .foot { display: none } }</style>"),
        ("hidden-text", '<p style="color:#FFF">Hello</p>'),
        ("hidden-text", '<p style="color:white">Hello</p>'),
        ("hidden-text", '<p style="background-color:#24211d">Hello <b>you</b></p>'),
        ("hidden-text", '<p bgcolor="#24211D">Hello</p>'),
        ("one-h1", "<h1>More news</h1>"),
        ("skipped-heading-level", "<h3>Housing</h3>"),
        ("letter-image-without-alt", '<img src="cid:x">'),
        ("letter-image-without-alt", '<img src="cid:x" alt=" ">'),
        ("table-without-role", "<table><tr><td>Hello</td></tr></table>"),
        ("table-without-role", "<!--[if mso]><table><tr><td><![endif]-->"),
        ("leftover", "<p>Dear ,</p>"),
        ("leftover", "<p>Dear None</p>"),
        ("leftover", "<p>You confirmed it on None.</p>"),
        ("leftover", "<p>On \ue000day\ue001</p>"),
        ("leftover", "<p>&lt;Item object at 0x7f00&gt;</p>"),
        ("html-too-large", "<p>" + "ä" * 45_000 + "</p>"),
        ("styles-too-large", "<style>" + "a{}" * 3_000 + "</style>"),
        ("foreign-link", f'<a href="{WRITTEN}&amp;utm_source=x">figures</a>'),
        ("foreign-link", '<a href="https://list.example.org.example.net/">figures</a>'),
        ("different-links", f'<a href="{BASE}/privacy">How we keep your data private</a>'),
        ("lost-anchor", '<a href="#housing">Housing: 3 items</a>'),
        ("lost-anchor", '<p id="housing">Rents</p><p id="housing">Rents</p>'),
    ],
)
def test_html_that_must_not_leave_is_found(name: str, piece: str) -> None:
    assert name in names(about(with_html(piece)))


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("remote-load", '<link rel="stylesheet" href="https://www.example.org/x.css">'),
        ("remote-load", '<meta http-equiv="refresh" content="0; url=https://www.example.org/">'),
        ("active-element", '<base href="https://www.example.org/">'),
    ],
)
def test_a_head_that_must_not_leave_is_found(name: str, piece: str) -> None:
    assert names(about(with_head(piece))) == [name]


@pytest.mark.parametrize(
    "piece",
    [
        '<p><img src="cid:x" alt="A house"></p>',
        '<p style="background: url(cid:x)">Hello</p>',
        '<p style="font-size:0.9em; opacity: 0.5; max-height: 10px; display: block">Hello</p>',
        '<p style="color:#fff; background-color:#1f5c4d">Hello</p>',
        '<p style="color:#fff"><a style="color:#000" href="' + LEAVE + '">Leave</a></p>',
        "<style>.a { color: #fff; background-color: #fff }</style>",
        "<p>None of us knew. Nothing, None, nowhere.</p>",
        "<p>And Then There Were None</p>",
        "<p>Write <code>return None</code>, dear Ada, and <code>Dear ,</code>.</p>",
        "<p>Dear all, dear Ada,</p>",
        "<p>" + "a" * 80_000 + "</p>",
        '<p><a href="#housing">Housing: 3 items</a></p><p id="housing">Rents</p>',
        "<p>An unclosed <b>piece",
    ],
)
def test_html_in_order_is_left_alone(piece: str) -> None:
    assert about(with_html(piece)) == []


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("language-missing", ' dir="ltr"'),
        ("language-missing", ' lang="en"'),
        ("title-missing", "<title>News</title>"),
        ("one-h1", "<h1>News</h1>"),
        ("postal-address-missing", "1 Example Street, "),
        ("unsubscribe-missing", f'<a href="{LEAVE}">Leave the list</a>'),
        ("different-links", f'<a href="{LEAVE}">Leave the list</a>'),
    ],
)
def test_html_that_lacks_something_is_found(name: str, piece: str) -> None:
    found = about(without(piece))

    assert name in names(found)
    assert {finding.where for finding in found} == {"HTML part"}


def test_the_language_is_said_again_within_the_body() -> None:
    (found,) = about(replace(LETTER, html=HTML.replace('<div lang="en" dir="ltr">', "<div>")))

    assert (found.name, "No element within" in found.text) == ("language-missing", True)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("long-line", "a " * 36 + "b"),
        ("long-line", "> - " + "word " * 14),
        ("url-punctuation", f"See {WRITTEN}."),
        ("url-punctuation", f"(See {WRITTEN})"),
        ("url-punctuation", f"“{WRITTEN}”"),
        ("leftover", "You confirmed it on None."),
        ("leftover", "Dear ,"),
        ("different-links", "https://www.example.org/elsewhere"),
        ("different-links", "> - https://www.example.org/elsewhere"),
    ],
)
def test_a_line_of_text_that_must_not_leave_is_found(name: str, line: str) -> None:
    assert names(about(with_text(line))) == [name]


@pytest.mark.parametrize(
    "line",
    [
        "a " * 36,
        f"{BASE}/{'a' * 80}",
        f"> - {BASE}/{'a' * 80}",
        f"See {WRITTEN} for more.",
        f"See {WRITTEN}",
        "\u200f" + "حقًّا " * 14 + "ab",
        "None of us knew.",
    ],
)
def test_a_line_of_text_in_order_is_left_alone(line: str) -> None:
    url = line.strip("> -") if BASE in line else LEAVE

    letter = with_text(line)
    letter = replace(letter, html=HTML.replace("<h2>", f'<p><a href="{url}">More</a></p><h2>'))

    assert about(letter) == []


def test_a_finding_in_the_text_names_its_line() -> None:
    (found,) = about(with_text("word " * 20))

    assert found.where == "text line 5"


def test_an_address_that_staff_wrote_with_a_sign_at_its_end_is_right() -> None:
    url = "https://www.example.org/what?"
    letter = Letter("News", TEXT.replace(WRITTEN, url), HTML.replace(WRITTEN.replace("&", "&amp;"), url))

    assert lint_letter(letter, ADDRESS, BASE, frozenset({url})) == []


def test_an_address_with_brackets_of_its_own_is_right() -> None:
    assert about(with_text("See https://www.example.org/wiki/House_(building) for more.")) == []


def test_an_address_within_code_is_no_link() -> None:
    code = "<pre><code>https://www.example.org/api\nreturn None</code></pre>"

    letter = with_text("    https://www.example.org/api\n    return None")

    assert about(replace(letter, html=HTML.replace("<h2>", f"{code}<h2>"))) == []


@pytest.mark.parametrize("piece", ["1 Example Street,", LEAVE])
def test_text_that_lacks_something_is_found(piece: str) -> None:
    found = about(replace(LETTER, text=TEXT.replace(piece, "")))

    assert {finding.where for finding in found} == {"text part"}


def test_a_postal_address_that_nobody_gave_is_missing() -> None:
    found = lint_letter(LETTER, " ", BASE, frozenset({WRITTEN}))

    assert [(finding.name, finding.where) for finding in found] == [
        ("postal-address-missing", "text part"),
        ("postal-address-missing", "HTML part"),
    ]


def test_a_part_with_nothing_in_it_is_found() -> None:
    assert "part-missing" in names(about(replace(LETTER, text=" \n")))
    assert "part-missing" in names(about(replace(LETTER, html="<!doctype html><title>News</title>")))


def test_a_mark_that_no_program_can_read_is_found_or_read() -> None:
    found = about(replace(LETTER, html=HTML.replace("<h1>", "<![x[ <h1>")))

    assert found != []


def test_five_megabytes_of_html_are_found_to_be_too_large() -> None:
    found = about(with_html("<p>" + "An item of the news. " * 250_000 + "</p>"))

    assert names(found) == ["html-too-large"]
