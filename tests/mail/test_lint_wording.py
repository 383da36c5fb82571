import pytest

from coalition.mail.lint import lint_source
from tests.mail.linting import HOST, about, names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("placeholder-words", "The meeting is on TK."),
        ("placeholder-words", "TKTK"),
        ("placeholder-words", "TODO: ask the council"),
        ("placeholder-words", "Call FIXME"),
        ("placeholder-words", "Call XXX or XXXXX"),
        ("placeholder-words", "Lorem ipsum dolor sit amet"),
        ("placeholder-words", "The meeting is on [insert date]."),
        ("placeholder-words", "**TODO**"),
        ("template-marks", "Dear {{ name }}"),
        ("template-marks", "Dear {{name"),
        ("template-marks", "{% if member %}"),
        ("template-marks", "Dear ${name}"),
        ("template-marks", "Dear %s,"),
        ("template-marks", "Dear %(name)s,"),
        ("template-marks", "Dear *|FNAME|*"),
        ("template-marks", "Dear <%= name %>"),
        ("template-marks", "Dear {first_name}"),
        ("template-marks", "[The survey](https://www.example.org/?for={{code}})"),
        ("raw-html", "This is <b>new</b>."),
        ("raw-html", '<img src="http://www.example.org/x.png">'),
        ("raw-html", "<!-- later -->"),
        ("raw-html", "<br/>"),
        ("raw-html", '<img alt="A house"\nsrc="house.png">'),
        ("exclamation-storm", "Come!! Now."),
        ("exclamation-storm", "Come! ! !"),
        ("image", "![A house](https://www.example.org/house.png)"),
        ("image", "![A house][1]\n\n[1]: house.png"),
        ("empty-section", "Words.\n\n## What came in"),
        ("empty-section", "## What came in\n\n## What went out\n\nWords."),
        ("empty-section", "### Deep\n\n## Higher\n\nWords."),
        ("empty-section", "## What came in\n\n---\n"),
    ],
)
def test_words_that_must_not_leave_are_found_in_an_item_and_in_the_intro(name: str, text: str) -> None:
    assert name in names(about(text=text))
    assert name in names(about(intro=text))


@pytest.mark.parametrize(
    "text",
    [
        "See the TKs of Nokia.tk and Atkins.",
        "No se ha dicho todo.",
        "Folklore and lorries.",
        "XX Congress, MMXX",
        "Write `{{ name }}` and `%s` where the name goes, `TODO` where nothing does.",
        "```\n{{ name }} TODO <b>\n{% if x %} https://www.example.org/\n```",
        "    {{ name }} TODO !!",
        "5 % of 100%s",
        "A set {a, b} for $5.",
        "if a < b and c > d",
        "a<b",
        "<https://www.example.org/b>",
        "Write `<b>` for bold.",
        "Come! It is new.",
        "Come!\n\nIt is new!",
        "A [list] of [names].",
        "## What came in\n\nWords.",
        "## What came in\n\n### Homes\n\nWords.",
        "## What came in\n\n- a point",
        "## What came in\n\n```\ncode\n```",
    ],
)
def test_words_in_order_are_left_alone(text: str) -> None:
    assert about(text=text) == []
    assert about(intro=text) == []


def test_a_title_is_read_like_the_text() -> None:
    assert names(about(title="TODO <b>{{ title }}</b>")) == ["placeholder-words", "template-marks", "raw-html"]


def test_an_image_without_words_is_found_twice() -> None:
    assert names(about(text="![](https://www.example.org/house.png)")) == [
        "item-without-text",
        "image",
        "image-without-alt",
    ]


def test_an_item_without_title_or_text_is_found() -> None:
    assert names(about(title=" ")) == ["item-without-title"]
    assert names(about(text="\n")) == ["item-without-text"]
    assert names(about(text="---")) == ["item-without-text"]


def test_an_item_may_be_all_code() -> None:
    assert about(text="    make run") == []
    assert about(text="```\nmake run\n```") == []


def test_an_issue_with_neither_intro_nor_items_has_no_text() -> None:
    assert names(lint_source("News", "", [], HOST, 2026)) == ["text-missing"]
    assert lint_source("News", "Hello.", [], HOST, 2026) == []


@pytest.mark.parametrize("intro", ["It is March 2025.", "On 2025-03-12 we meet.", "See you in 2027!"])
def test_an_intro_that_names_another_year_only_is_asked_about(intro: str) -> None:
    assert names(about(intro=intro)) == ["another-year"]


@pytest.mark.parametrize("intro", ["It is March 2026.", "From 2025 to 2026.", "Since 1998.", "2025km, 20250 homes"])
def test_an_intro_that_names_this_year_or_a_distant_one_is_left_alone(intro: str) -> None:
    assert about(intro=intro) == []


def test_an_item_may_tell_of_another_year() -> None:
    assert about(text="It began in 2019 and ends in 2031.") == []
