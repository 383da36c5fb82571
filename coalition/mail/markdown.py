"""Markdown, written once by staff, as HTML and as text that reads well aloud. Both say the same and link the same."""

import re
import textwrap
from collections.abc import Iterator
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

WIDTH = 72

_URL = re.compile(r"(https?://[^\s/?#]|mailto:)\S+", re.IGNORECASE)


class _Parser(MarkdownIt):
    """Links only where mail may lead to, and byte for byte as they were written; any other stays text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  # the library's name
        return is_link(url)

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # the library's name
        return url


_PARSER = _Parser("commonmark", {"html": False}).enable("strikethrough")
_TAGS = {"a", "blockquote", "br", "code", "del", "em", "h2", "h4", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"https", "http", "mailto"}


def is_link(url: str) -> bool:
    """Whether a letter may lead there: absolute, and nothing that the cleaner drops from the HTML."""
    return bool(_URL.fullmatch(url)) and url.isprintable() and "href" in _clean(f'<a href="{escape(url)}">x</a>')


def to_html(source: str, heading: str = "h4") -> str:
    """Clean HTML: no image, no script, no style; links as written. All headings get one level, that of their place."""
    tokens = _parse(source)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = heading
    return _clean(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def _clean(html: str) -> str:
    return nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)


def to_text(source: str) -> str:
    """Plain text of at most 72 columns. Each link follows its paragraph: what it is called, then the URL alone."""
    text, tight_before = "", False
    for block, tight in _blocks(_parse(source)):
        text += ("\n" if tight and tight_before else "\n\n" if text else "") + block
        tight_before = tight
    return text


def wrap(text: str) -> str:
    """Wrap every paragraph line of a written text at 72 columns; a URL stays whole on its line.

    The lines of a list's point stand under its words.
    """
    lines = text.split("\n")
    return "\n".join(_fill(line, rest="  " if line.startswith("- ") else "") if line.strip() else "" for line in lines)


def _fill(line: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _parse(source: str) -> list[Token]:
    """The blocks of a text with only what both forms can show: no picture, no title that hides, no empty link."""
    tokens = _PARSER.parse(source)
    for token in tokens:
        inline = token.children or []
        following = [*inline[1:], None]
        token.children = [shown for each in zip(inline, following, strict=False) for shown in _shown(*each)]
    return tokens


def _shown(token: Token, following: Token | None) -> list[Token]:
    if token.type == "image":
        return [Token("text", "", 0, content=token.content)]
    if token.type != "link_open":
        return [token]
    token.attrs = {"href": token.attrs["href"]}
    if following is not None and following.type == "link_close":
        return [token, Token("text", "", 0, content=str(token.attrs["href"]))]
    return [token]


def _blocks(tokens: list[Token]) -> Iterator[tuple[str, bool]]:
    """Each block in order, and whether it stands close to its neighbours, as in a list of short points."""
    rest: list[str] = []  # what the lines of a block start with, one for each list item or quotation around it
    first: list[str] = []  # the same for its first line: a bullet stands there once
    numbers: list[int | None] = []
    tight = False
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                numbers.append(1 if start is None else int(start))
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
            case "list_item_open":
                number = numbers[-1]
                first.append("- " if number is None else f"{number}. ")
                rest.append(" " * len(first[-1]))
                numbers[-1] = None if number is None else number + 1
            case "blockquote_open":
                first.append("> ")
                rest.append("> ")
            case "list_item_close" | "blockquote_close":
                first.pop()
                rest.pop()
            case "paragraph_open":
                tight = token.hidden
            case "inline" | "fence" | "code_block" | "hr":
                yield _block(token, "".join(first), "".join(rest)), tight
                first[:], tight = rest, False


def _block(token: Token, first: str, rest: str) -> str:
    if token.type == "inline":
        return _paragraph(token, first, rest)
    if token.type == "hr":
        return f"{first}* * *"
    lines = token.content.rstrip("\n").split("\n")
    return "\n".join(f"{rest if number else first}    {line}".rstrip() for number, line in enumerate(lines))


def _paragraph(token: Token, first: str, rest: str) -> str:
    words, links = _inline(token.children or [])
    lines = [_fill(line, rest if number else first, rest) for number, line in enumerate(words.split("\n"))]
    for label, url in links:
        lines += [rest.rstrip(), *([_fill(f"{label}:", rest, rest)] if label else []), rest + url]
    return "\n".join(lines)


def _inline(tokens: list[Token]) -> tuple[str, list[tuple[str, str]]]:
    """The words of a paragraph, and its links with what they are called, where that is not the URL itself."""
    words, links = "", []
    begun, url = 0, ""
    for token in tokens:
        if token.type == "link_open":
            begun, url = len(words), str(token.attrs["href"])
        elif token.type == "link_close":
            label, bare = words[begun:].strip(), url.removeprefix("mailto:")
            if label in {url, bare}:
                # The URL itself goes on a line of its own, so the sentence names only where it leads.
                words, label = words[:begun] + (_host(url) or bare), ""
            links.append((label, url))
        else:
            words += {"softbreak": " ", "hardbreak": "\n"}.get(token.type, token.content)
    return words, links


def _host(url: str) -> str:
    return re.split(r"[/?#]", url.partition("://")[2])[0]
