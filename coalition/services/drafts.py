"""News as staff write it: Markdown with a few facts in front."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from coalition.errors import BadContent
from coalition.mail.digest import has_marker
from coalition.mail.markdown import is_link
from coalition.mail.message import has_control

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?\n(.*)\Z", re.DOTALL)
_URL = re.compile(r"https?://.+", re.IGNORECASE)
_KEYS = ("title", "topic", "url", "published")


@dataclass(frozen=True)
class Draft:
    """One item as a file holds it."""

    title: str
    topic: str
    url: str | None
    published: datetime | None
    text: str

    @property
    def source(self) -> str:
        """What makes this item the same one when its file is added again."""
        facts = "\0".join([self.topic, self.title, self.url or "", self.text])
        return "text:" + hashlib.sha256(facts.encode()).hexdigest()


def read(source: str) -> Draft:
    """Read a Markdown file with front matter. Raises BadContent that says which line is wrong and how it should be."""
    found = _FRONT_MATTER.match(source.lstrip("\ufeff"))
    if not found:
        raise BadContent("The file starts with `---`, lines like `title: …` and `topic: …`, and `---` again.")
    facts = dict(_fact(line) for line in found[1].splitlines() if line.strip())
    for wanted in ("title", "topic"):
        if not facts.get(wanted):
            raise BadContent(f"The lines between `---` lack `{wanted}: …`.")
    text = found[2].replace("\r\n", "\n").strip()
    if not text:
        raise BadContent("There is no text under the second `---`.")
    return Draft(
        title=_title(facts["title"]),
        topic=facts["topic"],
        url=_url(facts.get("url", "")),
        published=_published(facts.get("published", "")),
        text=_text(text),
    )


def blank(title: str, topic: str) -> str:
    """A file to begin with."""
    return f"---\ntitle: {_title(title)}\ntopic: {topic}\n---\n\n"


def _fact(line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    key, value = key.strip().lower(), value.strip()
    if not colon or key not in _KEYS:
        raise BadContent(f"`{line.strip()[:40]}` is none of: {', '.join(f'`{known}: …`' for known in _KEYS)}.")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value


def _title(text: str) -> str:
    if not text.strip() or len(text) > 200 or has_control(text) or has_marker(text) or "=?" in text:
        raise BadContent("`title` is one line of 1 to 200 characters, none of them invisible.")
    return text


def _url(text: str) -> str | None:
    if not text:
        return None
    if not _URL.fullmatch(text) or not is_link(text):
        raise BadContent("`url` is of the form https://www.example.org/page.")
    return text


def _published(text: str) -> datetime | None:
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadContent("`published` is of the form 2026-03-12 or 2026-03-12T08:00+00:00.") from error


def _text(text: str) -> str:
    if len(text) > 20_000:
        raise BadContent("The text is longer than 20,000 characters: link to the rest instead.")
    if has_marker(text) or has_control(text, allowed="\n\t"):
        raise BadContent("The text holds an invisible control character: save it as plain UTF-8.")
    return text.expandtabs(4)
