"""`coalition digest preview` and `test`: a letter to look at, in every form, before anybody gets it."""

import email
import email.policy
import re
import signal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coalition.models import Delivery, Format, Issue, Subscriber
from tests.cli.shell import Shell, end, running
from tests.house import a_subscriber, html_of, text_of

FILES = ["dark.html", "index.html", "letter.eml", "letter.html", "letter.txt", "light.html"]


@pytest.fixture
def planned(shell: Shell) -> Shell:
    """An issue 1: three get one item in English as HTML, one gets it as text, two get two items in French."""
    house = shell.house
    for number in range(3):
        a_subscriber(house, f"reader{number}@example.org", ("housing",))
    a_subscriber(house, "text@example.org", ("housing",), form=Format.TEXT)
    french = [a_subscriber(house, f"fr{number}@example.org", ("housing", "events")) for number in range(2)]
    with house.database.transaction() as session:
        for person in french:
            session.get_one(Subscriber, person.id).locale = "fr"
    house.publish("housing", "Rents fall", "They *do*.")
    house.publish("events", "A meeting", "Come.")
    shell.run("digest", "plan", "weekly", "--subject", "The week & more")
    return shell


def preview(shell: Shell, *words: str) -> Path:
    """The page that a preview would open."""
    return Path(shell.run("digest", "preview", "weekly", "--no-browser", *words).out.splitlines()[0])


def facts(shell: Shell, *words: str) -> dict[str, Any]:
    """What a preview tells a script."""
    [found] = shell.run("digest", "preview", "weekly", "--json", *words).json
    assert isinstance(found, dict)
    return found


def test_a_preview_is_a_page_with_every_form_of_the_letter_beside_it(planned: Shell) -> None:
    page = preview(planned)

    assert page.name == "index.html"
    assert page.parent.parent == planned.house.config.home / "previews"
    assert sorted(path.name for path in page.parent.iterdir()) == FILES
    for name in FILES:
        assert "Rents fall" in page.with_name(name).read_text("utf-8")
    assert "/unsubscribe/samplesample" in page.with_name("letter.txt").read_text("utf-8")
    assert planned.house.relay.received == []


def test_a_preview_leaves_no_trace_but_its_files(planned: Shell) -> None:
    def rows() -> list[object]:
        with planned.house.database.reading() as session:
            issue = session.get_one(Issue, 1)
            return [issue.state, issue.plan_hash, issue.subject, list(session.scalars(select(Delivery.id)))]

    before = rows()
    preview(planned)
    preview(planned)

    assert rows() == before
    assert [action for action, _ in planned.audit()] == ["digest plan"]


def test_the_page_shows_light_and_dark_at_two_widths_the_text_and_the_source(planned: Shell) -> None:
    html = preview(planned).read_text("utf-8")

    frames = re.findall(r'<iframe src="(\w+\.html)" title="[^"]+" width="(\d+)"', html)
    assert frames == [("light.html", "800"), ("dark.html", "800"), ("light.html", "320"), ("dark.html", "320")]
    assert html.count('sandbox="allow-popups allow-popups-to-escape-sandbox"') == 4
    assert '<h1 lang="en" dir="auto">The week &amp; more</h1>' in html
    for heading in ("As text", "As a mail program gets it", "Variants"):
        assert f"<h2>{heading}</h2>" in html


def test_nothing_runs_in_the_page_and_nothing_is_loaded_from_elsewhere(planned: Shell) -> None:
    page = preview(planned)

    for path in page.parent.glob("*.html"):
        html = path.read_text("utf-8").split("<pre", 1)[0]
        assert "<script" not in html
        assert re.findall(r'(?:src|srcset|background|poster)="(?!light\.html|dark\.html)', html) == []
        assert re.findall(r'<link|@import|url\(|http-equiv="refresh"', html) == []
    for name in ("light.html", "dark.html"):
        assert "default-src 'none'" in page.with_name(name).read_text("utf-8")


def test_in_the_dark_file_the_rules_for_dark_screens_hold_and_in_the_light_one_they_do_not(planned: Shell) -> None:
    page = preview(planned)
    letter, light, dark = (page.with_name(f"{name}.html").read_text("utf-8") for name in ("letter", "light", "dark"))

    assert letter.count("@media (prefers-color-scheme: dark)") == 1
    assert "prefers-color-scheme" not in light + dark
    assert (light.count("@media not all"), dark.count("@media all")) == (1, 1)
    assert '<meta name="color-scheme" content="light dark">' in letter
    assert '<meta name="color-scheme" content="light">' in light
    assert '<meta name="color-scheme" content="dark">' in dark
    assert light.partition("<body")[2] == dark.partition("<body")[2] == letter.partition("<body")[2]


def test_the_source_is_what_the_same_reader_is_sent(planned: Shell) -> None:
    page = preview(planned)
    planned.run("digest", "test", "weekly", "reader@example.org")
    planned.house.drain()

    [sent] = planned.house.letters_to("reader@example.org")
    shown = email.message_from_bytes(page.with_name("letter.eml").read_bytes(), policy=email.policy.default)

    differs = {"Message-ID", "Date", "Content-Type"}  # they hold the letter's own number, and its boundary
    assert [line for line in sent.items() if line[0] not in differs] == [
        line for line in shown.items() if line[0] not in differs
    ]
    assert set(dict(shown.items())) == set(dict(sent.items()))
    source = unescape(page.read_text("utf-8").rsplit("<pre", 1)[1].partition(">")[2].partition("</pre>")[0])
    assert source.encode() == page.with_name("letter.eml").read_bytes().replace(b"\r\n", b"\n")


def test_a_reader_gets_what_the_preview_showed(planned: Shell) -> None:
    page = preview(planned)
    planned.run("digest", "test", "1", "staff@example.org")
    planned.house.drain()
    [letter] = planned.house.letters_to("staff@example.org")

    def without_dates(html: str) -> str:
        return "\n".join(line for line in html.strip().split("\n") if "/preferences/" not in line)

    assert without_dates(html_of(letter)) == without_dates(page.with_name("letter.html").read_text("utf-8"))
    assert without_dates(text_of(letter)) == without_dates(page.with_name("letter.txt").read_text("utf-8"))


def test_every_variant_is_listed_and_can_be_looked_at(planned: Shell) -> None:
    listed = facts(planned)["variants"]

    assert listed == [
        {"variant": 1, "readers": 3, "items": 1, "topics": 1, "language": "en", "format": "html"},
        {"variant": 2, "readers": 2, "items": 2, "topics": 2, "language": "fr", "format": "html"},
        {"variant": 3, "readers": 1, "items": 1, "topics": 1, "language": "en", "format": "text"},
    ]
    for each in listed:
        shown = facts(planned, "--variant", str(each["variant"]))
        assert shown["shown"] == each
        assert all(Path(path).is_file() for path in shown["files"])
    html = preview(planned, "--variant", "2").read_text("utf-8")
    assert "coalition digest preview 1 --variant 3" in html
    assert '<tr class="chosen"><td>2</td><td>2</td>' in html
    assert "A meeting" in html


def test_a_language_or_a_format_can_be_chosen(planned: Shell) -> None:
    for words, number in (
        (["--locale", "fr"], 2),
        (["--format", "text"], 3),
        (["--locale", "en", "--format", "html"], 1),
        (["--locale", "en", "--variant", "2"], 3),
    ):
        assert facts(planned, *words)["shown"]["variant"] == number


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["--variant", "0"], "Issue 1 has the variants 1 to 3."),
        (["--variant", "4"], "Issue 1 has the variants 1 to 3."),
        (["--locale", "fr", "--variant", "2"], "Issue 1 has the variants 1 to 1 of this kind."),
        (["--locale", "xx"], "Nobody gets issue 1 like this: there is en as html, en as text, fr as html."),
        (["--locale", "fr", "--format", "text"], "Nobody gets issue 1 like this:"),
        (["--watch", "--json"], "`--watch` shows a page to a person, `--json` tells a script: take one of them."),
    ],
)
def test_what_nobody_gets_can_not_be_looked_at(planned: Shell, words: list[str], because: str) -> None:
    assert planned.refused("digest", "preview", "weekly", *words).startswith(because)


def test_a_reader_of_plain_text_has_no_html(planned: Shell) -> None:
    page = preview(planned, "--format", "text")

    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "letter.eml", "letter.txt"]
    assert "<iframe" not in page.read_text("utf-8")
    assert b"text/html" not in page.with_name("letter.eml").read_bytes()


def test_what_an_earlier_preview_left_there_is_gone(planned: Shell) -> None:
    folder = preview(planned).parent
    with planned.house.database.transaction() as session:
        for person in session.scalars(select(Subscriber)):
            person.format = Format.TEXT
    planned.run("digest", "plan", "weekly")

    assert preview(planned).parent == folder
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "letter.eml", "letter.txt"]


def test_another_introduction_can_be_tried_without_touching_the_plan(planned: Shell, tmp_path: Path) -> None:
    intro = tmp_path / "hello.md"
    intro.write_text("Hello, *all* of you.", "utf-8")

    said = planned.run("digest", "preview", "weekly", "--no-browser", "--intro", str(intro)).out

    page = Path(said.splitlines()[0])
    note = f"This shows {intro}; the plan stays as it is. To put it into the letter: coalition digest plan weekly"
    assert note in said
    assert note in unescape(page.read_text("utf-8"))
    for name in ("letter.html", "letter.txt", "letter.eml"):
        assert "Hello, " in page.with_name(name).read_text("utf-8")
    assert "Hello, " not in preview(planned).with_name("letter.txt").read_text("utf-8")


def test_the_introduction_that_the_plan_has_needs_no_word(planned: Shell, tmp_path: Path) -> None:
    intro = tmp_path / "hello.md"
    intro.write_text("Hello.", "utf-8")
    planned.run("digest", "plan", "weekly", "--intro", str(intro))

    said = planned.run("digest", "preview", "weekly", "--no-browser", "--intro", str(intro)).out

    assert len(said.splitlines()) == 1


def test_an_introduction_that_comes_too_late_is_told_as_that(planned: Shell, tmp_path: Path) -> None:
    intro = tmp_path / "hello.md"
    intro.write_text("Hello.", "utf-8")
    planned.run("digest", "send", "weekly", "--yes", "--no-wait")

    said = planned.run("digest", "preview", "weekly", "--no-browser", "--intro", str(intro)).out

    assert f"This shows {intro}. Issue 1 is sending and stays as it is." in said


def test_an_introduction_that_no_letter_can_carry_is_named(planned: Shell, tmp_path: Path) -> None:
    intro = tmp_path / "hello.md"
    intro.write_bytes(b"Caf\xe9")

    assert planned.refused("digest", "preview", "weekly", "--intro", str(intro)).startswith(f"{intro}: ")


def _save(path: Path, content: bytes) -> None:
    """As an editor does, in one step: a file that is opened to be written is empty for a moment."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)


def test_a_preview_follows_the_introduction_and_the_plan_until_it_is_left(planned: Shell, tmp_path: Path) -> None:
    intro = tmp_path / "hello.md"
    intro.write_text("First.", "utf-8")
    words = ("digest", "preview", "weekly", "--no-browser", "--watch", "--intro", str(intro))
    settings = {name.removeprefix("COALITION_"): value for name, value in planned.settings.items()}
    with running(*words, folder=tmp_path, ready="Watching", **settings) as (program, said):
        assert program.stdout is not None
        page = Path(said.splitlines()[0])
        text = page.with_name("letter.txt")
        assert "First." in text.read_text("utf-8")
        assert '<meta http-equiv="refresh" content="2">' in page.read_text("utf-8")

        _save(intro, b"Second, longer.")
        assert program.stdout.readline() == "Shown anew: issue 1.\n"
        assert "Second, longer." in text.read_text("utf-8")

        _save(intro, b"Caf\xe9 and more")
        assert program.stdout.readline().endswith("the file is not UTF-8 text.\n")
        assert "Second, longer." in text.read_text("utf-8")

        planned.run("item", "withdraw", "2")
        assert program.stdout.readline() == "Issue 1 is cancelled. To see what is new: coalition digest plan weekly\n"

        _save(intro, b"Third, and the longest.")
        planned.run("digest", "plan", "weekly", "--intro", str(intro))
        line = program.stdout.readline()
        while line != "Shown anew: issue 2.\n":  # it may have looked between the two
            assert line.startswith("Issue 1 is cancelled.")
            line = program.stdout.readline()
        assert "Third, and the longest." in text.read_text("utf-8")
        assert "This shows" not in page.read_text("utf-8")

        assert end(program, signal.SIGINT) == 0
        assert "refresh" not in page.read_text("utf-8")
