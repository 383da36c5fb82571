"""Six languages: whole catalogues, dates as people write them, plurals, and English where nothing else fits."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from coalition.languages import OWN_NAMES, is_spoken, language, languages

ROOT = Path(__file__).resolve().parents[2]
MOMENT = datetime(2026, 3, 12, 8, 5, tzinfo=ZoneInfo("Europe/London"))


def test_every_text_is_translated_into_every_language_and_the_catalogues_are_compiled() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / ".ci" / "translations.py", "--check"], capture_output=True, text=True, check=False
    )

    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "en"), ("de-AT", "de"), ("CY", "cy"), ("ar-EG", "ar"), ("tlh", "en"), ("", "en"), ("english", "en")],
)
def test_a_tag_finds_its_language_and_what_we_do_not_speak_is_english(tag: str, code: str) -> None:
    assert language(tag).code == code


def test_only_arabic_is_read_from_the_right() -> None:
    assert {each.code for each in languages() if each.direction == "rtl"} == {"ar"}


@pytest.mark.parametrize(
    ("code", "day", "minute"),
    [
        ("en", "12 March 2026", "12 March 2026 at 08:05 (GMT)"),
        ("cy", "12 Mawrth 2026", "12 Mawrth 2026 am 08:05 (GMT)"),
        ("fr", "12 mars 2026", "12 mars 2026 à 08:05 (GMT)"),
        ("de", "12. März 2026", "12. März 2026 um 08:05 (GMT)"),
        ("es", "12 de marzo de 2026", "12 de marzo de 2026 a las 08:05 (GMT)"),
        ("ar", "12 مارس 2026", "12 مارس 2026 الساعة 08:05 (GMT)"),
    ],
)
def test_a_date_is_written_as_its_readers_write_it(code: str, day: str, minute: str) -> None:
    assert (language(code).day(MOMENT), language(code).minute(MOMENT)) == (day, minute)


def test_the_first_of_a_month_is_the_first_in_french() -> None:
    assert language("fr").day(MOMENT.replace(day=1)) == "1er mars 2026"
    assert language("de").day(MOMENT.replace(day=1)) == "1. März 2026"


@pytest.mark.parametrize("code", OWN_NAMES)
def test_a_language_has_twelve_months_and_seven_days_that_differ(code: str) -> None:
    spoken = language(code)

    assert len(set(spoken.months)) == 12
    assert len(set(spoken.weekdays)) == 7
    assert is_spoken(code)
