"""`/privacy/proof`: what was read for trackers, what was found, and how anybody can look for themselves."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from coalition.app import create_app
from coalition.languages import OWN_NAMES
from coalition.mail.lint import lint_page, lint_sheet
from coalition.mark import Mark
from coalition.paths import TEMPLATES
from coalition.services import proof
from coalition.theme import Theme
from tests.house import House
from tests.web.doors import with_community
from tests.web.gallery import an_archived_issue, every_page
from tests.web.reading import faults_of, parse, words

PATH = "/privacy/proof"


def read(house: House) -> proof.Proof:
    """What the page shows."""
    files = [house.browser.get(path).text for path in ("/mark.svg", "/theme.css")]
    return proof.of_program(TEMPLATES, *files)


def test_nothing_that_this_program_is_made_of_holds_a_tracker(house: House) -> None:
    found = read(house)

    assert found.findings == ()
    pages = [path for room in ("layouts", "pages") for path in (TEMPLATES / room).glob("*.html")]
    assert found.pages == len(pages) > 30
    assert found.letters == len(list((TEMPLATES / "mail").rglob("*.html"))) > 10
    assert found.sheets >= 3
    assert found.sentences > 5 * 400


def test_every_page_and_file_that_a_house_shows_is_free_of_trackers(house: House) -> None:
    shown = {name: answer for name, answer in every_page(house) if answer.mimetype == "text/html"}

    assert {name: found for name, answer in shown.items() if (found := lint_page(answer.text, name))} == {}
    assert len(shown) > 80
    for path in ("/static/coalition.css", "/theme.css"):
        assert lint_sheet(house.browser.get(path, buffered=True).text, path) == []
    assert lint_page(house.browser.get("/mark.svg").text, "/mark.svg") == []


def test_the_page_says_what_was_checked_and_that_nothing_was_found(house: House) -> None:
    found = read(house)

    document = parse(house.browser.get(PATH))

    told = [words(each) for each in document.iter("dd")]
    assert told == [str(number) for number in (found.pages, found.letters, found.sheets, found.sentences)]
    assert "There is nothing that loads from anybody else" in words(document)
    assert f"{found.checked_at:%H:%M}" in words(document)
    assert f"curl -sI {house.config.base_url}/privacy" in words(document)


@pytest.mark.parametrize("room", ["pages/left.html", "mail/confirm/body.html"])
def test_a_tracker_in_a_template_is_told_on_the_page(house: House, tmp_path: Path, room: str) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    with (templates / room).open("a", encoding="utf-8") as file:
        file.write('<img src="https://elsewhere.example/{{ code }}.png" alt="">\n')
    house.app.template_folder = str(templates)

    answer = house.browser.get(PATH)

    assert faults_of(answer) == []
    assert f"{room}: Looking at it would fetch" in words(parse(answer))
    assert "There is nothing that loads" not in answer.text


def test_a_tracker_in_the_mark_or_the_colours_of_the_community_is_told_on_the_page(house: House) -> None:
    palette = house.config.community.theme.light
    drawn = Mark(view_box="0 0 9 9", drawing='<image href="https://elsewhere.example/1.png"/>')
    coloured = replace(palette, accent="#1f5c4d; background: url(https://elsewhere.example/2.png)")
    theme = Theme(light=coloured, dark=palette, mark=drawn)  # as no reading of community.toml lets it pass

    community = replace(house.config.community, theme=theme)
    resources = replace(house.resources, config=replace(house.config, community=community))
    told = words(parse(create_app(resources).test_client().get(PATH)))

    assert "mark.svg: Looking at it would fetch “https://elsewhere.example/1.png”" in told
    assert "theme.css: Looking at it would fetch" in told
    assert "There is nothing that loads" not in told


def test_the_privacy_notice_leads_there_in_each_language(house: House) -> None:
    spoken = set()
    for code in OWN_NAMES:
        notice = house.browser.get("/privacy", query_string={"lang": code})
        hrefs = [each.get("href", "") for each in parse(notice).iter("a")]
        [href] = [each for each in hrefs if each.partition("?")[0] == PATH and "hreflang" not in each]
        document = parse(house.browser.get(href))
        assert document.get("lang") == code
        spoken.add(words(next(document.iter("h1"))))
    assert len(spoken) == len(OWN_NAMES)


def test_the_last_digest_that_passed_is_named_where_the_archive_is_public(house: House) -> None:
    before = house.browser.get(PATH)
    name = an_archived_issue(house)

    assert "/archive/" not in before.text
    assert f'href="/archive/{name}"' in house.browser.get(PATH).text
    assert "/archive/" not in with_community(house, public=False).get(PATH).text
