"""The rules for trackers, on pages, style sheets and templates; `test_lint_letter.py` has them on letters."""

import pytest

from coalition.mail.lint import lint_page, lint_sheet, lint_template
from tests.mail.linting import names

ORIGIN = "https://list.example.org"


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("remote-load", '<img src="https://elsewhere.example/x.png" alt="">'),
        ("remote-load", '<img src="//elsewhere.example/x.png" alt="">'),
        ("remote-load", '<img src="/\\elsewhere.example/x.png" alt="">'),
        ("remote-load", '<img src="/\t/elsewhere.example/x.png" alt="">'),
        ("remote-load", '<img src="https://list.example.org.elsewhere.example/x.png" alt="">'),
        ("remote-load", '<img srcset="/x.png 1x, https://elsewhere.example/x.png 2x" alt="">'),
        ("remote-load", '<link rel="stylesheet" href="https://elsewhere.example/x.css">'),
        ("remote-load", '<link rel="preconnect" href="//elsewhere.example">'),
        ("remote-load", '<link rel="dns-prefetch" href="//elsewhere.example">'),
        ("remote-load", '<meta http-equiv="Refresh" content="0; url=https://elsewhere.example/">'),
        ("remote-load", '<a href="/privacy" ping="https://elsewhere.example/">Privacy</a>'),
        ("remote-load", '<svg><use href="https://elsewhere.example/x.svg#x"/></svg>'),
        ("remote-load", '<svg><image xlink:href="https://elsewhere.example/x.svg"/></svg>'),
        ("remote-load", '<p style="background: url(https://elsewhere.example/x.png)">Hello</p>'),
        ("remote-load", '<p style="background: u\\72l(https://elsewhere.example/x.png)">Hello</p>'),
        ("remote-load", "<style>@import 'https://elsewhere.example/x.css';</style>"),
        ("active-element", "<script>go()</script>"),
        ("active-element", '<script src="/own.js"></script>'),
        ("active-element", '<base href="/">'),
        ("active-element", '<p onclick="go()">Hello</p>'),
        ("foreign-form", '<form action="https://elsewhere.example/"><button>Go</button></form>'),
        ("foreign-form", '<form action="/"><button formaction="//elsewhere.example/">Go</button></form>'),
    ],
)
def test_a_tracker_in_a_page_is_found(name: str, piece: str) -> None:
    [found] = lint_page(f"<!doctype html><main>{piece}</main>", "here", ORIGIN)

    assert (found.name, found.where) == (name, "here")


@pytest.mark.parametrize(
    "piece",
    [
        '<link rel="stylesheet" href="/static/coalition.css">',
        f'<link rel="icon" href="{ORIGIN}/mark.svg">',
        '<a href="https://elsewhere.example/">The study</a>',
        f'<form method="post" action="{ORIGIN}/join/main"><button>Go</button></form>',
        '<form method="post"><input name="email"></form>',
        '<svg><use href="#mark"/></svg>',
        '<img src="data:image/png;base64,AAAA" alt="">',
        '<p style="background: url(/mark.svg)">Hello</p>',
    ],
)
def test_a_page_that_is_whole_with_what_is_ours_is_left_alone(piece: str) -> None:
    assert lint_page(piece, "here", ORIGIN) == []


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("remote-load", '<link rel="icon" href="/mark.svg">'),
        ("remote-load", f'<img src="{ORIGIN}/x.png" alt="">'),
        ("active-element", "<button>Go</button>"),
    ],
)
def test_what_travels_fetches_nothing_from_us_either(name: str, piece: str) -> None:
    assert names(lint_page(piece, "here", None)) == [name]


@pytest.mark.parametrize(
    "css",
    [
        "@import url(https://elsewhere.example/x.css);",
        "@font-face { src: url( '//elsewhere.example/x.woff' ) }",
        "p { background: image-set('https://elsewhere.example/x.png' 1x) }",
        "p { background: \\75\\72\\6c(https://elsewhere.example/x.png) }",
    ],
)
def test_a_style_sheet_that_loads_from_elsewhere_is_found(css: str) -> None:
    assert names(lint_sheet(css, "here", ORIGIN)) == ["remote-load"]


def test_a_style_sheet_may_load_what_is_ours_and_write_signs_by_number() -> None:
    assert lint_sheet("a::after { content: '\\2192' } p { background: url(/mark.svg) }", "here", ORIGIN) == []


@pytest.mark.parametrize(
    "source",
    [
        '<img src="{{ item.picture }}" alt="">',
        "<link rel='stylesheet' href='{{ community.sheet }}'>",
        "<img src='https://elsewhere.example/{{ person.code }}.png' alt=''>",
        '{% if shown %}<img src="//elsewhere.example/x.png" alt="">{% endif %}',
        '<p>{{ _("Hello <img src=\\"//elsewhere.example/x.png\\">") }}</p>',
        '{% set mark = "<img src=//elsewhere.example/x.png>" %}{{ mark }}',
    ],
)
@pytest.mark.parametrize("of_letter", [True, False])
def test_a_template_that_may_load_from_elsewhere_is_found(source: str, of_letter: bool) -> None:
    assert names(lint_template(source, "here", of_letter=of_letter)) == ["remote-load"]


def test_a_template_of_a_page_loads_by_the_names_of_our_pages_and_one_of_a_letter_nothing() -> None:
    source = '<link rel="icon" href="{{ url_for(\'theme.mark\', v=version) }}">'

    assert lint_template(source, "here", of_letter=False) == []
    assert names(lint_template(source, "here", of_letter=True)) == ["remote-load"]
