"""That nothing here watches anybody: what every page and letter is made of, read for trackers."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.languages import languages
from coalition.mail import lint
from coalition.mail.lint import Finding
from coalition.models import Issue
from coalition.paths import STATIC
from coalition.services import archive, preflight

# What readers meet; the local mailbox, previews and samples are for the machine of those who work here.
_PAGES, _LETTERS = ("layouts", "pages"), ("mail",)


@dataclass(frozen=True)
class Proof:
    """What was read, when, and what was found."""

    checked_at: datetime
    pages: int
    letters: int
    sheets: int
    sentences: int
    findings: tuple[Finding, ...]


@lru_cache(maxsize=4)
def of_program(templates: Path, mark: str, colours: str) -> Proof:
    """Read everything once while this program runs: it keeps its templates in memory as well.

    `mark` and `colours` are the community's own, as they are served.
    """
    pages, letters = _sources(templates, _PAGES, "html"), _sources(templates, _LETTERS, "html")
    sheets = _sources(templates, _LETTERS, "css") | {path.name: _read(path) for path in sorted(STATIC.glob("*.css"))}
    sheets["theme.css"] = colours
    drawings = _sources(templates, _PAGES, "svg")
    sentences = [sentence for each in languages() for sentence in each.sentences()]
    found = [
        *(each for where, source in (pages | drawings).items() for each in _page_faults(source, where)),
        *lint.lint_page(mark, "mark.svg"),
        *(each for where, source in letters.items() for each in lint.lint_template(source, where, of_letter=True)),
        *(each for where, sheet in sheets.items() for each in lint.lint_sheet(sheet, where)),
        *(each for sentence in sentences for each in lint.lint_page(sentence, "translations", None)),
    ]
    return Proof(utcnow(), len(pages), len(letters), len(sheets), len(sentences), tuple(found))


def last_digest(session: Session, now: datetime) -> Issue | None:
    """The digest that began to go out last, if nothing like that was let pass in it."""
    last = next(iter(archive.issues(session, now)), None)
    return last if last and preflight.NEVER.isdisjoint(last.allowed) else None


def _page_faults(source: str, where: str) -> list[Finding]:
    return lint.lint_template(source, where, of_letter=False)


def _sources(templates: Path, folders: tuple[str, ...], ending: str) -> dict[str, str]:
    """Files of these folders by their path."""
    paths = [path for folder in folders for path in sorted((templates / folder).rglob(f"*.{ending}"))]
    return {path.relative_to(templates).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> str:
    return path.read_text("utf-8")
