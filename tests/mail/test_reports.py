"""Bounces and spam reports, read: what each known server means. Standards N2-N6, F20; trap Z13; bad inputs I22, I23."""

from collections.abc import Callable

import pytest

from coalition.mail import reports
from coalition.mail.reports import Action, Kind, Report
from coalition.models import Fate
from tests.mail.came_back import ADDRESS, MESSAGE_ID, NAMES, PATH, came_back

SERVER = "mx.list.example.org"


def is_adas(named: str) -> bool:
    return named == ADDRESS


def nobodys(_: str) -> bool:
    return False


def fate(report: Report, is_theirs: Callable[[str], bool] = is_adas) -> Fate | None:
    recipient = report.about(is_theirs)
    return recipient.fate if recipient else None


@pytest.mark.parametrize("name", ["postfix", "exim", "exim_report", "qmail", "exchange", "old_exchange"])
def test_a_dead_address_is_one_in_every_servers_words(name: str) -> None:
    report = reports.read(came_back(name))

    assert report.kind is Kind.BOUNCE
    assert fate(report) is Fate.DEAD
    assert any(PATH in place for place in report.places)


@pytest.mark.parametrize(
    "name", ["postfix", "exim", "exim_report", "qmail", "exchange", "old_exchange", "utf8", "spam"]
)
def test_line_ends_of_either_kind_say_the_same(name: str) -> None:
    raw = came_back(name)

    assert reports.read(raw) == reports.read(raw.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize(
    ("name", "became"),
    [
        ("full", Fate.SOFT),  # the status stands above what the text says
        ("policy", Fate.POLICY),  # Z13: whatever the text says
        ("delayed", Fate.DELAYED),
        ("several", None),  # one of them has got it
    ],
)
def test_what_is_no_dead_address(name: str, became: Fate | None) -> None:
    report = reports.read(came_back(name))

    assert report.kind is Kind.BOUNCE
    assert fate(report) is became


@pytest.mark.parametrize("action", Action)
def test_only_a_failure_is_one(action: Action) -> None:
    report = reports.read(came_back("postfix").replace(b"Action: failed", f"Action: {action}".encode()))

    expected = {Action.FAILED: Fate.DEAD, Action.DELAYED: Fate.DELAYED}
    assert fate(report) is expected.get(action)


def test_a_letter_that_was_passed_on_to_a_dead_address_came_to_a_living_one() -> None:
    assert fate(reports.read(came_back("passed_on"))) is Fate.SOFT


def test_a_bounce_in_utf_8_is_read_as_well() -> None:
    report = reports.read(came_back("utf8"))

    assert fate(report, lambda named: named == "müller@bücher.example") is Fate.DEAD
    assert fate(report, nobodys) is Fate.SOFT


@pytest.mark.parametrize("name", ["out_of_office", "receipt"])
def test_an_answer_of_a_machine_is_no_bounce_whatever_codes_stand_in_it(name: str) -> None:
    assert reports.read(came_back(name)).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-generated", "Precedence: bulk", "X-Autoreply: yes", "List-Id: <x.example.org>"]
)
def test_machines_have_several_ways_to_say_that_they_are_some(header: str) -> None:
    raw = came_back("human")

    assert reports.read(raw).kind is Kind.UNSURE
    assert reports.read(f"{header}\r\n".encode() + raw).kind is Kind.AUTOMATIC


@pytest.mark.parametrize("name", ["missing_status", "human"])
def test_what_is_not_sure_is_not_guessed(name: str) -> None:
    report = reports.read(came_back(name))

    assert report.kind is Kind.UNSURE
    assert report.why


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Action: failed", b"Action: exploded"),
        (b"Action: failed", b"X-Action: failed"),
        (b"Status: 5.1.1", b"Status: 9.1.1"),
        (b"Status: 5.1.1", b"Status: 2.1.1"),
        (b"Status: 5.1.1", b"Status: five"),
    ],
)
def test_a_bounce_that_contradicts_the_standard_is_not_guessed(before: bytes, after: bytes) -> None:
    assert reports.read(came_back("postfix").replace(before, after)).kind is Kind.UNSURE


def test_what_a_server_said_is_kept_without_addresses_and_not_at_length() -> None:
    raw = came_back("postfix").replace(b"User unknown", b"User ada@example.org unknown " + b"x" * 5000)
    recipient = reports.read(raw).about(is_adas)

    assert recipient is not None
    assert recipient.status == "5.1.1"
    assert "@" not in recipient.said
    assert 0 < len(recipient.said) <= 1000


def test_a_spam_report_leads_back_by_our_own_marks_alone() -> None:
    report = reports.read(came_back("spam"), authserv_id=SERVER)

    assert report.kind is Kind.SPAM
    assert report.message_id == MESSAGE_ID
    assert any(PATH in place for place in report.places)
    assert report.vouched == {"arf.mail.yahoo.com"}


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("abuse", Kind.SPAM),
        ("Fraud", Kind.SPAM),
        ("not-spam", Kind.NOT_SPAM),
        ("virus", Kind.UNSURE),
        ("auth-failure", Kind.UNSURE),
        ("", Kind.UNSURE),
    ],
)
def test_only_abuse_and_fraud_are_spam_reports(feedback: str, kind: Kind) -> None:
    raw = came_back("spam").replace(b"Feedback-Type: abuse", f"Feedback-Type: {feedback}".encode())

    assert reports.read(raw).kind is kind


@pytest.mark.parametrize("name", [b"Feedback-Type:", b"User-Agent:", b"Version:"])
def test_a_spam_report_without_what_it_must_have_is_none(name: bytes) -> None:
    assert reports.read(came_back("spam").replace(name, b"X-Gone:")).kind is Kind.UNSURE


@pytest.mark.parametrize(
    ("results", "vouched"),
    [
        ("mx.list.example.org; dkim=pass header.d=y.example", {"y.example"}),
        ("mx.list.example.org 1; dkim=pass header.d=y.example", {"y.example"}),
        ("MX.list.example.org; dkim=pass reason=\"a; b\" header.i=@Y.example header.b=ab", {"y.example"}),
        ("mx.list.example.org; dmarc=pass (p=reject) header.from=y.example", {"y.example"}),
        ("mx.list.example.org; spf=pass; dkim=pass header.d=x.example; dkim=fail header.d=z.example", {"x.example"}),
        ("mx.list.example.org; dkim=fail header.d=y.example", set()),
        ("mx.list.example.org; dkim=none", set()),
        ("mx.list.example.org; spf=pass smtp.mailfrom=y.example", set()),
        ("mx.list.example.org; dkim=passable header.d=y.example", set()),
        ("mx.list.example.org.evil.example; dkim=pass header.d=y.example", set()),
        ("evil.example; dkim=pass header.d=y.example", set()),
        ('mx.list.example.org; dkim=fail reason="; dkim=pass header.d=y.example"', set()),
        ('mx.list.example.org; dkim=fail reason="\\"; dkim=pass header.d=y.example; \\""', set()),
        ("mx.list.example.org; dkim=fail (a (b) ; dkim=pass header.d=y.example )", set()),
        ("mx.list.example.org; dkim=fail (\\) ; dkim=pass header.d=y.example )", set()),
        ("mx.list.example.org; dkim=fail (a ; dkim=pass header.d=y.example", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_only_our_own_servers_word_counts(results: str, vouched: set[str]) -> None:
    raw = f"Authentication-Results: {results}\r\n\r\n".encode()

    assert reports.read(raw, authserv_id=SERVER).vouched == vouched
    assert reports.read(raw).vouched == set()


def test_what_stands_below_our_own_servers_word_is_a_strangers() -> None:
    ours = b"Authentication-Results: mx.list.example.org; dkim=fail header.d=y.example\r\n"
    theirs = b"Authentication-Results: mx.list.example.org; dkim=pass header.d=y.example\r\n"

    assert reports.read(ours + theirs + b"\r\n", authserv_id=SERVER).vouched == set()


def test_whom_a_message_was_for_is_read_wherever_servers_write_it() -> None:
    bare = b"From: x@example.net\r\n\r\n"

    assert reports.read(bare, recipient=PATH).places == (PATH,)
    for name in ("Delivered-To", "X-Original-To", "Envelope-To", "To"):
        assert reports.read(f"{name}: <{PATH}>\r\n".encode() + bare).places == (f"<{PATH}>",)


def test_nothing_that_is_shown_of_a_report_tells_an_address() -> None:
    for name in NAMES:
        assert "@example.org" not in repr(reports.read(came_back(name)))
