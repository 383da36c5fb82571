import pytest

from tests.mail.linting import about, names


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("subject-missing", ""),
        ("subject-missing", " \u00a0"),
        ("subject-not-one-line", "News\nBcc: ada@example.org"),
        ("subject-not-one-line", "News \u2028 of the week"),
        ("subject-not-one-line", "=?utf-8?q?News?="),
        ("subject-too-long", "n" * 151),
        ("subject-too-long", "n" * 1000),
        ("subject-capitals", "RENTS FALL EVERYWHERE"),
        ("subject-capitals", "MIETEN SINKEN ÜBERALL"),
        ("subject-picture", "News of the week 🎉"),
        ("subject-picture", "✔ News of the week"),
        ("subject-picture", "Five things 5\ufe0f\u20e3"),
        ("subject-picture", "★ News"),
        ("subject-picture", "\U0001fae9 is newer than Python"),
        ("subject-fake-reply", "Re: News of the week"),
        ("subject-fake-reply", "FWD: the meeting"),
        ("subject-fake-reply", " re[2]: the meeting"),
        ("subject-fake-reply", "AW: Mieten"),
        ("subject-fake-reply", "RE : les loyers"),
        ("exclamation-storm", "Rents fall!!"),
        ("exclamation-storm", "Look! Rents fall!"),
        ("another-year", "The digest of March 2025"),
        ("placeholder-words", "News of TK"),
        ("template-marks", "News for {{ name }}"),
    ],
)
def test_a_subject_that_must_not_leave_is_found(name: str, subject: str) -> None:
    found = about(subject=subject)

    assert names(found) == [name]
    assert {finding.where for finding in found} == {"subject"}


@pytest.mark.parametrize(
    "subject",
    [
        "News of the week",
        "n" * 150,
        "AGM and NHS",
        "AGM 2026",
        "أخبار الأسبوع",
        "Nachrichten für Köln: №°4, ©2026 Example™",
        "Reading: a list for March",
        "Re-use: five ways",
        "Regarding: rents",
        "Rents fall!",
        "¡Hola!",
        "2,025 new homes, of 2026 planned",
        "Report on 2025, plans for 2026",
        "Season 2025-26",
        "Season 2025\u201326",
        "£2025 for a new roof",
        "Founded in 1998",
        "Rents → homes",
        "A list of 100% privacy",
    ],
)
def test_a_subject_in_order_is_left_alone(subject: str) -> None:
    assert about(subject=subject) == []
