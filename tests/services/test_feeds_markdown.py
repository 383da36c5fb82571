"""Text of strangers as Markdown: whatever they typed is shown, and does nothing."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.mail import markdown
from coalition.services import feed_parser

HOSTILE = [
    "[our bank](https://feeds.example.org/)",
    "![](https://feeds.example.org/pixel.gif)",
    "<https://feeds.example.org/>",
    "[a]: https://feeds.example.org/",
    "# Heading",
    "#",
    "- point",
    "+ point",
    "* point",
    "1. point",
    "123456789) point",
    "> quoted",
    "---",
    "===",
    "***",
    "___",
    "```code",
    "~~~code",
    "`code`",
    "**bold** _soft_ ~~gone~~",
    "&copy; &#35;",
    "\\# \\[a\\](b)",
    "<script>alert(1)</script>",
    "a | b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_strangers_is_shown_as_they_typed_it(text: str) -> None:
    check_plain(text)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"], include_characters=" ")).map(str.strip))
def test_any_line_is_shown_as_it_is_typed(text: str) -> None:
    check_plain(text)


def check_plain(text: str) -> None:
    text = " ".join(text.split())
    text_md = feed_parser.as_markdown(text)

    page = markdown.to_html(text_md)

    assert set(re.findall(r"<[^>]*>", page)) <= {"<p>", "</p>"}
    assert html.unescape(re.sub(r"</?p>", "", page)).strip() == text
    assert " ".join(markdown.to_text(text_md).split()) == text
