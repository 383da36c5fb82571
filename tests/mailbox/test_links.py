"""Links are found, and made to open beside the mailbox."""

import pytest

from coalition.mailbox import links


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("See https://example.org/a.", "https://example.org/a"),
        ("(https://example.org/a)", "https://example.org/a"),
        ("(https://example.org/a).", "https://example.org/a"),
        ("https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("<https://example.org/a?b=c&d=e>", "https://example.org/a?b=c&d=e"),
        ("HTTPS://EXAMPLE.ORG/", "HTTPS://EXAMPLE.ORG/"),
    ],
)
def test_a_web_address_ends_where_a_reader_would_end_it(text: str, url: str) -> None:
    assert links.in_text(text) == [url]


def test_text_keeps_everything_around_its_clickable_links() -> None:
    shown = links.clickable("a <b> https://example.org/?x=1&y=2. c")

    assert shown == (
        'a &lt;b&gt; <a href="https://example.org/?x=1&amp;y=2" target="_blank" rel="noopener noreferrer">'
        "https://example.org/?x=1&amp;y=2</a>. c"
    )


def test_a_script_address_is_no_link() -> None:
    assert "<a" not in links.clickable("javascript:alert(1) data:text/html,x")


def test_the_links_of_html_are_told_as_written() -> None:
    html = '<a href="https://example.org/?a=1&amp;b=2">x</a><a name="y">y</a><A HREF=mailto:a@example.org>'

    assert links.in_html(html) == ["https://example.org/?a=1&b=2", "mailto:a@example.org"]


def test_html_that_breaks_off_gives_the_links_before_the_break() -> None:
    assert links.in_html('<a href="https://example.org/">x</a><![nonsense[<a href="y">') == ["https://example.org/"]


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<html><HEAD lang=en><p>x", '<html><HEAD lang=en><base target="_blank"><p>x'),
        ("<!doctype html>\n<p>x", '<!doctype html><base target="_blank">\n<p>x'),
        ("<header>x", '<base target="_blank"><header>x'),
    ],
)
def test_for_display_a_letter_opens_its_links_in_new_tabs(html: str, shown: str) -> None:
    assert links.in_new_tabs(html) == shown
