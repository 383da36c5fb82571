"""The page of `coalition digest preview`, opened from its file: both schemes and widths, and nothing from elsewhere."""

from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page

from coalition.models import Format
from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.cli.shell import Shell
from tests.house import House, a_subscriber

pytestmark = pytest.mark.browser

_GROUND = "node => getComputedStyle(node).backgroundColor"


@pytest.fixture
def shell(plain_house: House, tmp_path: Path) -> Shell:
    """An issue with an introduction and long texts, for a reader of HTML and one of plain text."""
    text = "They *really* do, say those who have looked at it for a long time and from every side. " * 12
    plain_house.publish("housing", "Rents fall", f"{text}\n\nSee [the figures](https://example.org/figures).")
    plain_house.publish("housing", "A better hammer", "> It is lighter.\n\n1. Lift\n2. Drop\n\n```\ncode\n```")
    a_subscriber(plain_house, "ada@example.org", cursor=0)
    a_subscriber(plain_house, "bob@example.org", form=Format.TEXT, cursor=0)
    intro = tmp_path / "hello.md"
    intro.write_text("Some *words* before.", "utf-8")
    made = Shell(plain_house)
    made.run("digest", "plan", "weekly", "--intro", str(intro))
    return made


def opened(page: Page, shell: Shell, *words: str) -> Page:
    """The preview, as a browser shows it."""
    said = shell.run("digest", "preview", "weekly", "--no-browser", *words).out
    page.goto(Path(said.splitlines()[0]).as_uri())
    return page


def frames(page: Page) -> list[FrameLocator]:
    """Light and dark on a computer, light and dark on a phone."""
    return [page.frame_locator("iframe").nth(number) for number in range(4)]


@pytest.mark.parametrize("screen", ["light", "dark"])
def test_light_and_dark_are_shown_whatever_this_screen_is(shell: Shell, new_page: NewPage, screen: str) -> None:
    page = opened(new_page(color_scheme=screen, viewport={"width": 1700, "height": 900}), shell)

    grounds = [frame.locator("body").evaluate(_GROUND) for frame in frames(page)]

    assert grounds[0] == grounds[2]
    assert grounds[1] == grounds[3]
    light, dark = (_brightness(ground) for ground in grounds[:2])
    assert light > 200
    assert dark < 60


def test_each_frame_is_as_wide_as_it_says_and_as_high_as_its_letter(shell: Shell, new_page: NewPage) -> None:
    page = opened(new_page(viewport={"width": 1700, "height": 900}), shell)

    for frame, width in zip(page.frames[1:], (800, 800, 320, 320), strict=True):
        wide, room, high = frame.evaluate(
            "[innerWidth, innerHeight, document.body.firstElementChild.getBoundingClientRect().bottom]"
        )
        assert wide == width
        assert high <= room


@pytest.mark.parametrize("words", [[], ["--format", "text"]], ids=["html", "text"])
def test_nothing_is_asked_for_but_files_beside_it(shell: Shell, new_page: NewPage, words: list[str]) -> None:
    page = new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))

    opened(page, shell, *words).wait_for_load_state("networkidle")

    folder = page.url.rpartition("/")[0]
    assert {url.rpartition("/")[0] for url in asked} == {folder}
    assert complaints == []


def test_a_link_in_a_letter_opens_beside_the_preview(shell: Shell, new_page: NewPage) -> None:
    page = opened(new_page(viewport={"width": 1700, "height": 900}), shell)
    page.context.route("https://example.org/**", lambda route: route.fulfill(body="There."))
    preview = page.url

    with page.context.expect_page() as other:
        frames(page)[0].get_by_role("link", name="the figures").click()

    assert other.value.url == "https://example.org/figures"
    assert page.url == preview


@pytest.mark.parametrize("screen", ["light", "dark"])
@pytest.mark.parametrize("words", [[], ["--format", "text"]], ids=["html", "text"])
def test_the_page_breaks_no_rule_of_accessibility(
    shell: Shell, new_page: NewPage, screen: str, words: list[str]
) -> None:
    page = opened(new_page(color_scheme=screen, viewport={"width": 900, "height": 900}), shell, *words)

    assert violations(page) == []


def _brightness(colour: str) -> float:
    """From 0 to 255, of a colour as a browser writes it: rgb(1, 2, 3)."""
    channels = [int(part) for part in colour.partition("(")[2].rstrip(")").split(",")]
    return sum(channels) / 3
