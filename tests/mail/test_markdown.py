"""Markdown as text and as HTML: a table of what staff write, and what readers of either form get."""

import pytest

from coalition.mail.markdown import is_link, to_html, to_text, wrap

CASES = {
    "a paragraph": ("one\ntwo", "one two", "<p>one\ntwo</p>"),
    "two paragraphs": ("one\n\ntwo", "one\n\ntwo", "<p>one</p>\n<p>two</p>"),
    "a hard break": ("one  \ntwo", "one\ntwo", "<p>one<br>\ntwo</p>"),
    "emphasis": ("*a* **b** ~~c~~", "a b c", "<p><em>a</em> <strong>b</strong> <s>c</s></p>"),
    "a heading": ("# One\n\n### Two", "One\n\nTwo", "<h4>One</h4>\n<h4>Two</h4>"),
    "a rule": ("a\n\n---\n\nb", "a\n\n* * *\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
    "a list": ("- a\n- b", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    "a list of paragraphs": ("- a\n\n- b", "- a\n\n- b", "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>"),
    "a numbered list": ("3. a\n4. b", "3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
    "a list from nought": ("0. a\n1. b", "0. a\n1. b", '<ol start="0">\n<li>a</li>\n<li>b</li>\n</ol>'),
    "a list in a list": (
        "- a\n  1. b\n     - c\n- d",
        "- a\n  1. b\n     - c\n- d",
        "<ul>\n<li>a\n<ol>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ol>\n</li>\n<li>d</li>\n</ul>",
    ),
    "a list at once in a list": ("- - a", "- - a", "<ul>\n<li>\n<ul>\n<li>a</li>\n</ul>\n</li>\n</ul>"),
    "a point of two paragraphs": ("- a\n\n  b", "- a\n\n  b", "<ul>\n<li>\n<p>a</p>\n<p>b</p>\n</li>\n</ul>"),
    "a quotation": ("> a\n>\n> b", "> a\n\n> b", "<blockquote>\n<p>a</p>\n<p>b</p>\n</blockquote>"),
    "a list in a quotation": (
        "> - a\n> - b",
        "> - a\n> - b",
        "<blockquote>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n</blockquote>",
    ),
    "a quotation in a list": (
        "- > a\n\n  b",
        "- > a\n\n  b",
        "<ul>\n<li>\n<blockquote>\n<p>a</p>\n</blockquote>\n<p>b</p>\n</li>\n</ul>",
    ),
    "code in a line": ("run `a <b>`", "run a <b>", "<p>run <code>a &lt;b&gt;</code></p>"),
    "a block of code": ("```\na\n\n  <b>\n```", "    a\n\n      <b>", "<pre><code>a\n\n  &lt;b&gt;\n</code></pre>"),
    "code in a list": (
        "-     a\n\n  b",
        "-     a\n\n  b",
        "<ul>\n<li>\n<pre><code>a\n</code></pre>\n<p>b</p>\n</li>\n</ul>",
    ),
    "a link": (
        "See [the *plan*](https://e.org/a?b=1&c=2).",
        "See the plan.\n\nthe plan:\nhttps://e.org/a?b=1&c=2",
        '<p>See <a href="https://e.org/a?b=1&amp;c=2">the <em>plan</em></a>.</p>',
    ),
    "two links": (
        "[a](https://a.org) [b](https://b.org)",
        "a b\n\na:\nhttps://a.org\n\nb:\nhttps://b.org",
        '<p><a href="https://a.org">a</a> <a href="https://b.org">b</a></p>',
    ),
    "a link in a list": (
        "- [a](https://a.org)\n- b",
        "- a\n\n  a:\n  https://a.org\n- b",
        '<ul>\n<li><a href="https://a.org">a</a></li>\n<li>b</li>\n</ul>',
    ),
    "a link with a title": ('[a](https://e.org "b")', "a\n\na:\nhttps://e.org", '<p><a href="https://e.org">a</a></p>'),
    "a link by reference": (
        "[a][1]\n\n[1]: https://e.org",
        "a\n\na:\nhttps://e.org",
        '<p><a href="https://e.org">a</a></p>',
    ),
    "a link without a name": (
        "[](https://e.org/)",
        "e.org\n\nhttps://e.org/",
        '<p><a href="https://e.org/">https://e.org/</a></p>',
    ),
    "a link named like itself": (
        "[https://e.org](https://e.org)",
        "e.org\n\nhttps://e.org",
        '<p><a href="https://e.org">https://e.org</a></p>',
    ),
    "an autolink": (
        "At <https://e.org/a>.",
        "At e.org.\n\nhttps://e.org/a",
        '<p>At <a href="https://e.org/a">https://e.org/a</a>.</p>',
    ),
    "an address": ("<a@e.org>", "a@e.org\n\nmailto:a@e.org", '<p><a href="mailto:a@e.org">a@e.org</a></p>'),
    "a URL as it was written": (
        "[a](HTTP://E.org/é|%7e)",
        "a\n\na:\nHTTP://E.org/é|%7e",
        '<p><a href="HTTP://E.org/é|%7e">a</a></p>',
    ),
    "a picture": ("![a cat](https://e.org/c.png)", "a cat", "<p>a cat</p>"),
    "a picture that links": (
        "[![a cat](https://e.org/c.png)](https://e.org)",
        "a cat\n\na cat:\nhttps://e.org",
        '<p><a href="https://e.org">a cat</a></p>',
    ),
    "HTML": ("<b>a</b> <!-- b -->", "<b>a</b> <!-- b -->", "<p>&lt;b&gt;a&lt;/b&gt; &lt;!-- b --&gt;</p>"),
    "a block of HTML": ("<script>a</script>", "<script>a</script>", "<p>&lt;script&gt;a&lt;/script&gt;</p>"),
    "an entity": ("&lt;b&gt; &amp;copy;", "<b> &copy;", "<p>&lt;b&gt; &amp;copy;</p>"),
    "a table": ("|a|\n|-|\n|b|", "|a| |-| |b|", "<p>|a|\n|-|\n|b|</p>"),
}

DEAD = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//host.example/x",
    "/x",
    "x.html",
    "#x",
    "?x",
    "ftp://e.org",
    "tel:1",
    "https:///x",
    "https://[e.org",
    "https:e.org",
    "about:blank",
]


@pytest.mark.parametrize("case", CASES)
def test_markdown_becomes_text(case: str) -> None:
    source, text, _ = CASES[case]

    assert to_text(source) == text


@pytest.mark.parametrize("case", CASES)
def test_markdown_becomes_html(case: str) -> None:
    source, _, html = CASES[case]

    assert to_html(source).strip() == html


@pytest.mark.parametrize("url", DEAD)
def test_a_link_to_anything_else_is_shown_as_it_was_written(url: str) -> None:
    source = f"[a]({url})"

    assert to_text(source) == source
    assert "<a" not in to_html(source)
    assert not is_link(url)


def test_long_paragraphs_are_wrapped_inside_what_stands_around_them() -> None:
    words = "word " * 40

    for source in (words, f"- {words}", f"> {words}", f"> - {words}", f"1. {words}\n\n   {words}"):
        lines = to_text(source).split("\n")
        assert max(len(line) for line in lines) <= 72
        assert {line[: len(line) - len(line.lstrip("> "))] for line in lines[1:] if line}.issubset(
            {"", "  ", "> ", ">   ", "   "}
        )


def test_the_lines_of_a_point_stand_under_its_words() -> None:
    first, second, after = wrap("- " + "word " * 20 + "\nafter").split("\n")

    assert (first[:3], second[:3], after) == ("- w", "  w", "after")


def test_a_url_is_never_wrapped() -> None:
    url = "https://e.org/" + "a-" * 60

    assert to_text(f"[a]({url})").split("\n")[-1] == url
    assert wrap(url) == url


def test_headings_take_the_level_of_their_place() -> None:
    assert to_html("# a", heading="h2").strip() == "<h2>a</h2>"


def test_a_text_of_nothing_but_marks_is_empty() -> None:
    assert to_text("") == to_text("[1]: https://e.org") == ""
