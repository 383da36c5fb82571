import pytest

from coalition.clock import utcnow
from coalition.links import Links
from coalition.mail.lint import ItemSource, lint_source, written_urls
from tests.house import House
from tests.mail.linting import HOST, about, names


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("relative-link", "page.html"),
        ("relative-link", "/page"),
        ("relative-link", "#below"),
        ("relative-link", "www.example.org/page"),
        ("relative-link", ""),
        ("link-without-scheme", "//www.example.org/page"),
        ("link-scheme", "javascript:alert(1)"),
        ("link-scheme", "JavaScript:alert(1)"),
        ("link-scheme", "javascript&colon;alert(1)"),
        ("link-scheme", "data:text/html,hello"),
        ("link-scheme", "ftp://www.example.org/"),
        ("link-scheme", "file:///etc/hosts"),
        ("insecure-link", "http://www.example.org/"),
        ("broken-link", "https:///page"),
        ("broken-link", "https://[example.org/"),
        ("broken-link", "<https://www.example.org/a page>"),
        ("broken-link", "mailto:ada"),
        ("link-shortener", "https://bit.ly/abc"),
        ("link-shortener", "https://BIT.LY/abc"),
        ("link-shortener", "https://www.tinyurl.com/abc"),
        ("link-shortener", "https://maps.app.goo.gl/abc"),
        ("tracking-parameter", "https://www.example.org/?utm_source=digest"),
        ("tracking-parameter", "https://www.example.org/?page=2&UTM_Medium=mail"),
        ("tracking-parameter", "https://www.example.org/?fbclid=abc"),
        ("tracking-parameter", "https://www.example.org/?mc_eid=abc"),
        ("tracking-parameter", "https://www.example.org/?_hsenc="),
        ("tracking-parameter", "https://www.example.org/page#utm_source=digest"),
        ("personal-parameter", "https://www.example.org/?who=ada@example.org"),
        ("personal-parameter", "https://www.example.org/?who=ada%40example.org"),
        ("personal-page", f"https://{HOST}/preferences/abc"),
        ("personal-page", f"https://{HOST}/unsubscribe/abc"),
        ("personal-page", f"https://{HOST.upper()}/confirm/abc"),
    ],
)
def test_a_link_that_must_not_leave_is_found(name: str, url: str) -> None:
    assert names(about(text=f"Words, and [the figures]({url}).")) == [name]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.example.org/page?year=2026&by=town#below",
        "https://www.example.org/utm_source=no/fbclid",
        "https://www.example.org/?summit=1&gclids=2",
        "https://www.example.org/@ada",
        "https://rabbit.ly/abc",
        "https://bit.ly.example.org/abc",
        "https://www.example.org/javascript:no",
        "https://www.example.org/wiki/House_(building)",
        "https://www.example.org:8443/page",
        "https://xn--bcher-kva.example/%C3%A4",
        "mailto:ada@example.org",
        "mailto:ada@example.org?cc=grace@example.org",
        f"https://{HOST}/preferences",
        f"https://{HOST}/",
        "https://www.example.org/unsubscribe/abc",
    ],
)
def test_a_link_in_order_is_left_alone(url: str) -> None:
    assert about(text=f"Words, and [the figures]({url}).") == []


def test_the_address_of_an_item_is_a_link_too() -> None:
    assert names(about(url="https://bit.ly/abc")) == ["link-shortener"]
    assert about(url="https://www.example.org/rents") == []


def test_a_link_in_code_is_no_link() -> None:
    assert about(text="Write `[here](page.html)`:\n\n    [here](javascript:no)\n") == []


def test_every_page_that_belongs_to_one_person_is_known(house: House) -> None:
    links = Links(f"https://{HOST}", house.resources.links.tokens)
    now = utcnow()
    ours = [
        links.confirm("n", now),
        links.preferences("c", 1, now),
        links.fresh("c", 1, "n", now),
        links.unsubscribe("c"),
    ]

    assert [names(about(text=f"[Your page]({url})")) for url in ours] == [["personal-page"]] * 4


@pytest.mark.parametrize(
    "text", ["click here", "Here", "here.", "READ MORE »", "More…", "this", "link", "→ Weiterlesen"]
)
@pytest.mark.parametrize("form", ["[{}](https://www.example.org/)", "[**{}**](https://www.example.org/ 'The page')"])
def test_a_link_text_that_says_nothing_is_found(form: str, text: str) -> None:
    assert names(about(text=f"Words, and {form.format(text)}")) == ["vague-link-text"]


@pytest.mark.parametrize("words", ["", " ", "![](https://www.example.org/x.png)"])
def test_a_link_text_is_not_empty(words: str) -> None:
    assert "empty-link-text" in names(about(text=f"Words [{words}](https://www.example.org/)"))


def test_a_link_may_be_called_by_code() -> None:
    assert about(text="Words, and [`make run`](https://www.example.org/)") == []


@pytest.mark.parametrize("text", ["read more of Ada's report", "the link to the survey", "here be dragons", "linking"])
def test_a_link_text_that_holds_a_vague_word_is_left_alone(text: str) -> None:
    assert about(text=f"Words, and [{text}](https://www.example.org/).") == []


def test_the_same_words_lead_to_the_same_page_through_the_whole_issue() -> None:
    items = [
        ItemSource(1, "Rents", "[The figures](https://www.example.org/rents)."),
        ItemSource(2, "Homes", "[the  Figures](https://www.example.org/homes)."),
    ]

    (found,) = lint_source("News", "", items, HOST, 2026)

    assert (found.name, found.where) == ("repeated-link-text", "item 2 “Homes” line 1")
    assert "item 1 “Rents” line 1" in found.text


def test_the_same_link_may_stand_twice() -> None:
    url = "https://www.example.org/rents"

    assert about(intro=f"[Rents fall]({url})", text=f"[rents fall]({url})", url=url) == []


@pytest.mark.parametrize(
    "text",
    ["[https://bank.example.org](https://www.example.org/)", "[www.example.net/page](https://www.example.org/page)"],
)
def test_a_link_shows_where_it_leads(text: str) -> None:
    assert names(about(text=f"Words: {text}")) == ["deceptive-link"]


@pytest.mark.parametrize(
    "text", ["[www.example.org](https://example.org/)", "<https://example.org/>", "<ada@example.org>"]
)
def test_a_link_that_shows_its_own_address_is_left_alone(text: str) -> None:
    assert about(text=f"Words: {text}") == []


def test_an_address_that_is_no_link_is_found() -> None:
    (found,) = about(text="Words\nSee https://www.example.org/a_b_c for more.")

    assert (found.name, found.where) == ("bare-link", "item 7 “Rents fall” line 2")


def test_written_urls_are_those_of_intro_and_items_byte_for_byte() -> None:
    items = [ItemSource(1, "Rents", "[b](https://www.example.org/b?x=1&y=ä)", "https://www.example.org/c")]

    assert written_urls("<https://www.example.org/a>", items) == {
        "https://www.example.org/a",
        "https://www.example.org/b?x=1&y=ä",
        "https://www.example.org/c",
    }
