"""A letter as files to look at: on light and dark screens, as text, and byte by byte as a mail program gets it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path

from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.documents import to_page
from coalition.errors import NotFound, Refused
from coalition.links import SAMPLE_CODE, Links
from coalition.mail.digest import Copy
from coalition.mail.letters import Letters
from coalition.mail.message import Letter as Written
from coalition.models import Format, Issue, Letter, Phase, Variant
from coalition.services import editions, issues
from coalition.services.explaining import VariantFacts, variant_facts
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.ready import Ready

_READER = Address.parse("reader@example.org")

_DARK_RULES = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_SCHEMES = re.compile(r'(<meta name="(?:supported-color-schemes|color-scheme)" content=)"light dark"')
_HEAD = re.compile(r"<head[^>]*>")

# As templates/mail/parts/letter.css sets them.
_LINE_PIXELS, _GAP_PIXELS, _FOOT_PIXELS = 28, 10, 240

# A letter loads nothing; and should one, a browser that shows it here would not. Its links open beside the preview.
_GUARD = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
    ' img-src data:">'
    '<base target="_blank">'
)


@dataclass(frozen=True)
class Preview:
    """One variant of an issue with the sample reader, and all variants to choose from."""

    issue: Issue
    variants: Sequence[VariantFacts]
    chosen: VariantFacts
    letter: Written
    message: bytes
    note: str = ""  # what whoever looks has to know


def choose(
    session: Session, issue: Issue, number: int, *, locale: str | None = None, form: Format | None = None
) -> tuple[Variant, VariantFacts]:
    """A variant by its number: 1 is what most readers get, of those of a language and format. Raises NotFound."""
    variants = issues.largest_variants(session, issue.id)
    if issue.state is Phase.PLANNING or not variants:
        raise Refused(f"Issue {issue.id} has no letters to show.")
    fits = [
        (variant, facts)
        for (variant, _), facts in zip(variants, variant_facts(variants), strict=True)
        if variant.locale == (locale or variant.locale) and variant.format is (form or variant.format)
    ]
    if not fits:
        there = sorted({f"{variant.locale} as {variant.format.value}" for variant, _ in variants})
        raise NotFound(f"Nobody gets issue {issue.id} like this: there is {', '.join(there)}.")
    if not 1 <= number <= len(fits):
        raise NotFound(
            f"Issue {issue.id} has the variants 1 to {len(fits)}{' of this kind' if locale or form else ''}."
        )
    return fits[number - 1]


def compose(
    session: Session,
    letters: Letters,
    links: Links,
    composer: Composer,
    chosen: tuple[Variant, VariantFacts],
    now: datetime,
    *,
    intro_md: str | None = None,
) -> Preview:
    """A variant as its readers get it, by the code that sends; `intro_md` stands in for the introduction it has."""
    variant, facts = chosen
    copy = editions.compose(session, letters, variant.id, intro_md=intro_md)
    return Preview(
        issue=issues.get(session, variant.issue_id),
        variants=variant_facts(issues.largest_variants(session, variant.issue_id)),
        chosen=facts,
        letter=copy.fill(editions.sample_slots(letters, links, variant.locale)),
        message=message(composer, variant, copy, now),
    )


def message(composer: Composer, variant: Variant, copy: Copy, now: datetime) -> bytes:
    """The bytes of a variant's copy as the sample reader would get them."""
    ready = Ready(
        delivery_id=0,
        letter=Letter.DIGEST,
        nonce=SAMPLE_CODE,
        dated_at=now,
        recipient=_READER,
        locale=variant.locale,
        variant_id=variant.id,
    )
    return composer.compose(ready, copy).message


def write(folder: Path, preview: Preview, *, every: int | None = None) -> Path:
    """Write a preview into a folder of its own. Returns the page to open; it loads itself anew `every` so many seconds.

    What an earlier preview left there goes: a reader of plain text has no HTML.
    """
    folder.mkdir(parents=True, exist_ok=True)
    html, message = preview.letter.html, preview.message
    files: dict[str, bytes | None] = {
        "letter.txt": preview.letter.text.encode(),
        "letter.eml": message,
        "letter.html": html.encode() if html else None,
        "light.html": in_scheme(html, "light").encode() if html else None,
        "dark.html": in_scheme(html, "dark").encode() if html else None,
        "index.html": _page(preview, every).encode(),
    }
    for name, body in files.items():
        _put(folder / name, body)
    return folder / "index.html"


def in_scheme(html: str, scheme: str) -> str:
    """A letter as a light or a dark screen shows it, whatever this one is: its rules for dark ones hold, or don't."""
    holds = {"light": "not all", "dark": "all"}[scheme]
    html = _DARK_RULES.sub(f"@media {holds}", html)
    html = _SCHEMES.sub(rf'\1"{scheme}"', html)
    return _HEAD.sub(lambda head: head[0] + _GUARD, html, count=1)


def _page(preview: Preview, every: int | None) -> str:
    return to_page(
        "index.html",
        issue=preview.issue,
        variants=preview.variants,
        chosen=preview.chosen,
        letter=preview.letter,
        source=preview.message.decode("ascii").replace("\r\n", "\n"),
        note=preview.note,
        every=every,
        wide=_height(preview.letter.text, columns=60),
        phone=_height(preview.letter.text, columns=32),
    )


def _height(text: str, *, columns: int) -> int:
    """About how high a letter becomes, in pixels: rather more, so that its frame needs no bar of its own.

    The page is then scrolled as a whole, both screens together, and a page that loads itself anew stays where it is.
    """
    lines = (ceil(len(line) / columns) for line in text.splitlines())
    return _FOOT_PIXELS + sum(_LINE_PIXELS * rows if rows else _GAP_PIXELS for rows in lines)


def _put(path: Path, body: bytes | None) -> None:
    """Write a file whole: a browser that looks again at this moment must not meet half of it."""
    if body is None:
        path.unlink(missing_ok=True)
        return
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(body)
    new.replace(path)
