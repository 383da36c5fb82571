"""How the page says things: times by the clock on this machine's wall, and a letter in its first words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from coalition.clock import utcnow
from coalition.mailbox.links import clickable

LONGEST = 160


def clock(moment: datetime) -> str:
    """14:05"""
    return f"{moment.astimezone():%H:%M}"


def day_and_time(moment: datetime) -> str:
    """3 November 2026, 14:05:09"""
    here = moment.astimezone()
    return f"{here.day} {here:%B %Y, %H:%M:%S}"


def when(moment: datetime) -> str:
    """14:05 today, 3 November, 14:05 on any other day."""
    here = moment.astimezone()
    today = here.date() == utcnow().astimezone().date()
    return clock(moment) if today else f"{here.day} {here:%B, %H:%M}"


def first_words(text: str) -> str:
    """The beginning of a text in one line, without its web addresses."""
    words = " ".join(word for word in text[:1000].split() if not word.startswith(("http://", "https://")))
    if len(words) <= LONGEST:
        return words
    return words[:LONGEST].rpartition(" ")[0] + "\N{NO-BREAK SPACE}…"


FILTERS: dict[str, Callable[..., Any]] = {
    "clickable": clickable,
    "clock": clock,
    "day_and_time": day_and_time,
    "first_words": first_words,
    "when": when,
}
