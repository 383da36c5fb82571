"""Bytes made to do harm: every answer is a report, and comes at once (a parser that takes its time would hang here).

Standard N14; bad input I22.
"""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.mail import reports
from coalition.mail.reports import MOST_BYTES, Kind
from tests.mail.came_back import NAMES, came_back


def multipart(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each) for each in range(depth)
    )
    return head + b"Content-Type: text/plain\r\n\r\nx"


def digest(parts: int) -> bytes:
    return b"Content-Type: multipart/digest; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * parts + b"--b--\r\n"


MONSTERS: dict[str, Callable[[], bytes]] = {
    "200 parts in each other": lambda: multipart(200),
    "200 parts beside each other": lambda: digest(200),
    "a million delimiters": lambda: b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n" + b"--\r\n" * 250_000,
    "a long header": lambda: b"X: " + b"a" * 1_000_000,
    "a header of parameters": lambda: b"Content-Type: multipart/mixed" + b";" * 60_000 + b"\r\n\r\nx",
    "quotes": lambda: b'Content-Type: multipart/mixed; boundary="' + b'\\"' * 30_000 + b"\r\n\r\nx",
    "many folds": lambda: b"X: a" + b"\r\n " * 20_000 + b"\r\n\r\nx",
    "many fields": lambda: b"A: b\r\n" * 10_000 + b"\r\nx",
    "comments": lambda: b"Authentication-Results: mx; " + b"(" * 60_000 + b"\r\n\r\n",
    "too long": lambda: b"x" * (MOST_BYTES + 1),
    "blank lines": lambda: b"Content-Type: text/plain\r\n\r\n" + b"\r\n" * 500_000,
    "many recipients": lambda: came_back("postfix").replace(b"Diagnostic-Code", b"\r\nAction: failed\r\n" * 9_000),
    "a long diagnosis": lambda: came_back("postfix").replace(b"User unknown", b"a@" * 90_000),
    "spaces": lambda: came_back("postfix").replace(b"User unknown", b" \r\n " * 60_000),
    "prose": lambda: came_back("exim").replace(b"550 5.1.1", b"5.1." * 100_000),
    "addresses": lambda: came_back("qmail").replace(b"Sorry", b"<a@" * 200_000),
}  # fmt: skip


@pytest.mark.parametrize("make", MONSTERS.values(), ids=MONSTERS)
def test_a_monster_costs_little_and_changes_nothing(make: Callable[[], bytes]) -> None:
    raw = make()
    report = reports.read(raw, authserv_id="mx")

    assert report.kind in {Kind.UNSURE, Kind.BOUNCE}
    assert report.vouched == set()


@pytest.mark.parametrize(("depth", "is_read"), [(5, True), (6, False)])
def test_parts_lie_at_most_five_deep(depth: int, is_read: bool) -> None:
    assert (reports.read(multipart(depth)).why != "too deeply nested") is is_read


@pytest.mark.parametrize(("parts", "is_read"), [(49, True), (50, False)])
def test_a_message_has_at_most_fifty_parts(parts: int, is_read: bool) -> None:
    assert (reports.read(digest(parts)).why != "too many parts") is is_read


def test_a_message_has_at_most_a_megabyte() -> None:
    assert reports.read(b"x: y\r\n\r\n" + b"x" * (MOST_BYTES - 8)).why != "too long"
    assert reports.read(b"x: y\r\n\r\n" + b"x" * (MOST_BYTES - 7)).why == "too long"


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    assert reports.read(raw).kind in set(Kind)


_LINES = sorted({line for name in NAMES for line in came_back(name).split(b"\r\n")})


@given(st.lists(st.one_of(st.sampled_from(_LINES), st.binary(max_size=40)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_lines_of_true_reports_in_any_order_are_read(lines: list[bytes]) -> None:
    assert reports.read(b"\r\n".join(lines)).kind in set(Kind)


@given(st.sampled_from(NAMES), st.integers(0, 5_000), st.binary(max_size=20), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_a_true_report_that_was_damaged_is_read(name: str, at: int, put: bytes, cut: int) -> None:
    raw = came_back(name)

    assert reports.read(raw[:at] + put + raw[at + cut :]).kind in set(Kind)
