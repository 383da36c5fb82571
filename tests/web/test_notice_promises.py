"""Each sentence of the privacy notice names the tests that hold it; no table about people is left unsaid."""

import ast
import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Base, Bounce, Delivery, State, Subscriber, Subscription
from coalition.services import bounces, grievances, notice_text, retention
from coalition.services.notice_text import Kind
from tests.house import House
from tests.services.returning import a_reader, an_issue, bounced, collect, deal

TESTS = Path(__file__).resolve().parents[1]
ADA = "ada@example.org"

_HELD_BY: dict[str, tuple[str, ...]] = {
    "100%% privacy.": ("browser/test_journeys.py::test_a_journey_keeps_nothing_in_the_browser_and_asks_no_other_host",),
    "This is what the words mean here.": ("web/test_notice_promises.py::test_each_sentence_is_held_by_tests",),
    "%(name)s, %(address)s.": (
        "services/test_notices.py::test_a_new_postal_address_is_a_new_version_and_the_former_one_stays",
    ),
    'Write to <a href="%(url)s">%(address)s</a>': ("ground/test_community.py::test_the_sample_loads_clean",),
    "Your e-mail address, encrypted": (
        "ground/test_vault.py::test_the_same_address_is_sealed_differently_each_time",
        "web/test_notice_promises.py::test_a_form_asks_for_an_address_and_topics_and_nothing_about_the_person",
    ),
    "Your choices:": ("web/test_my_data.py::test_the_document_holds_everything_and_why_each_letter_went",),
    "What you agreed to: the wording": (
        "cli/test_evidence.py::test_a_dossier_stands_alone",
        "journeys/test_other_ways.py::test_the_site_of_a_plain_form_stands_in_the_letter_and_in_the_evidence",
        "web/test_limits.py::test_no_network_address_is_stored_readably",
    ),
    "Which letters went to you, why": (
        "web/test_my_data.py::test_the_document_holds_everything_and_why_each_letter_went",
        "web/test_my_data.py::test_the_document_tells_what_came_back",
    ),
    "What our staff looked at": (
        "cli/test_people_and_ledger.py::test_staff_see_how_a_caller_stands_and_the_look_is_recorded",
    ),
    "How often a mailbox or a network": ("web/test_limits.py::test_no_network_address_is_stored_readably",),
    "If you complain to us": ("web/test_grievances.py::test_a_complaint_is_kept_sealed",),
    "The ground is your consent": (
        "web/test_scanners.py::test_i18_a_scanner_that_presses_every_button_subscribes_nobody",
        "web/test_one_click.py::test_i19_one_click_leaves_whatever_the_body_is",
    ),
    "No cookies, no storage": (
        "web/test_headers.py::test_every_answer_carries_the_headers_and_sets_no_cookie",
        "browser/test_journeys.py::test_a_journey_keeps_nothing_in_the_browser_and_asks_no_other_host",
        "mail/test_lint_links.py::test_written_urls_are_those_of_intro_and_items_byte_for_byte",
    ),
    "Nothing on our pages or in our letters": (
        "browser/test_every_page.py::test_no_page_asks_for_anything_that_its_own_policy_forbids",
        "browser/test_nobody_watches.py::test_every_letter_is_whole_without_a_network",
    ),
    "Your address is given to nobody": (
        "web/test_notice_promises.py::test_a_whole_journey_speaks_to_the_mail_server_alone",
    ),
    "Who was erased: a random code": (
        "services/test_erasure.py::test_l4_what_stays_is_a_code_a_hash_and_a_chain_that_holds",
        "services/test_erasure.py::test_an_address_that_comes_back_in_a_list_is_not_written_to",
    ),
    "An address that must not be written to": (
        "services/test_journal_addresses.py::test_x13_an_address_that_nobody_has_and_staff_closed_stays_closed",
        "services/test_journal_addresses.py::test_a_suppression_that_staff_lifted_is_lifted",
    ),
    "With that code, without your address": (
        "web/test_notice_promises.py::test_of_the_erased_topics_and_days_of_letters_stay_by_code",
        "services/test_erasure.py::test_a_return_brings_nothing_twice",
    ),
    "Your address and your choices: as long": (
        "services/test_erasure.py::test_l4_nothing_of_the_person_is_in_any_byte_of_any_file",
        "services/test_retention.py::test_l10_it_is_there_the_day_before_and_gone_the_day_after",
    ),
    "To see what we hold": (
        "web/test_preference_links.py::test_a_fresh_link_shows_what_is_held",
        "services/test_erasure.py::test_l4_nothing_of_the_person_is_in_any_byte_of_any_file",
    ),
    "To complain about how we handle": (
        "web/test_grievances.py::test_l11_the_notice_leads_to_the_form",
        "web/test_notice_promises.py::test_the_days_for_an_answer_are_those_that_staff_are_reminded_of",
    ),
    "Our news is not made for children": (
        "web/test_notice_promises.py::test_a_form_asks_for_an_address_and_topics_and_nothing_about_the_person",
    ),
}  # by how each begins
_IT_GOES = "services/test_retention.py::test_l10_it_is_there_the_day_before_and_gone_the_day_after"
_PERIODS_HELD_BY = dict.fromkeys((period.name for period in retention.PERIODS), _IT_GOES) | {
    "counters": (
        "services/test_retention.py::test_l10_a_counter_goes_when_its_window_is_over_and_no_window_is_longer_than_told"
    ),
    "old addresses": "web/test_moving.py::test_putting_back_goes_for_a_week_and_the_old_address_is_gone_then",
    "set aside": "services/test_bounces.py::test_what_is_set_aside_is_sealed_shown_to_staff_and_gone_after_30_days",
    "bounces": "web/test_notice_promises.py::test_what_came_back_goes_after_its_days",
}

# Where each table that is about people is spoken of.
_SPOKEN_OF = {
    "subscriber": "Your e-mail address, encrypted",
    "address_change": "An address that you moved away from",
    "spent_nonce": "An address that you moved away from",  # a link of theirs that was used: gone with it
    "subscription": "Your choices:",
    "request": "A sign-up that is not confirmed",
    "consent": "What you agreed to: the wording",
    "delivery": "Which letters went to you",
    "bounce": "Which letters came back",
    "set_aside": "Mail that came back and could not be understood",
    "grievance": "If you complain to us",
    "suppression": "Who was erased: a random code",
    "rate": "How often a mailbox or a network",
    "audit": "What our staff did, by code",
}
_ABOUT_NOBODY = {
    "batch", "counter", "feed", "form", "fragment", "issue", "item", "job_run", "journal_mark", "key_ring", "notice",
    "pacing", "tally", "topic", "variant", "wording",
}  # fmt: skip


def _sentences(house: House) -> list[str]:
    blocks = notice_text.blocks(house.config.community)
    return [line.told for block in blocks if block.kind is not Kind.HEADING for line in block.lines]


def test_each_sentence_is_held_by_tests(house: House) -> None:
    periods = {period.told for period in retention.PERIODS}
    for told in _sentences(house):
        assert (told in periods) != (sum(told.startswith(begin) for begin in _HELD_BY) == 1), told
    for begin in _HELD_BY:
        assert any(told.startswith(begin) for told in _sentences(house)), begin
    assert set(_PERIODS_HELD_BY) == {period.name for period in retention.PERIODS}


@pytest.mark.parametrize(
    "place", sorted({*(each for held in _HELD_BY.values() for each in held), *_PERIODS_HELD_BY.values()})
)
def test_what_holds_a_sentence_is_a_test_that_there_is(place: str) -> None:
    file, name = place.split("::")
    body = ast.parse((TESTS / file).read_text("utf-8")).body
    assert name in {each.name for each in body if isinstance(each, ast.FunctionDef)}


def test_every_table_about_people_is_spoken_of(house: House) -> None:
    """Whoever adds a table decides here what the notice says of it."""
    assert set(_SPOKEN_OF) | _ABOUT_NOBODY == set(Base.metadata.tables)
    assert not set(_SPOKEN_OF) & _ABOUT_NOBODY
    for table, begin in _SPOKEN_OF.items():
        assert any(told.startswith(begin) for told in _sentences(house)), table


def test_a_table_about_nobody_has_no_column_about_somebody() -> None:
    for name in _ABOUT_NOBODY:
        columns = Base.metadata.tables[name].columns.keys()
        assert not {"subscriber_id", "code", "address_key", "address_sealed"} & set(columns), name


def test_a_form_asks_for_an_address_and_topics_and_nothing_about_the_person(house: House) -> None:
    ours = {"stamp", "lang", "framed", "homepage"}  # hidden from people; the last is for machines that fill in all
    for path in ("/", "/join/main", "/embed/main"):
        fields = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', house.browser.get(path).text))
        assert fields - ours == {"email", "topics"}, path


def test_a_whole_journey_speaks_to_the_mail_server_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, spoken_to = socket.socket.connect, set()

    def noted(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            spoken_to.add(tuple(address[:2]))
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    house.join(ADA, ("housing", "events"))
    house.publish()
    house.send(house.plan())
    house.drain()
    house.press("/preferences", email=ADA)
    house.drain()
    assert len(house.letters_to(ADA)) == 4
    assert house.config.relay is not None
    assert spoken_to == {("127.0.0.1", house.config.relay.port)}


def test_of_the_erased_topics_and_days_of_letters_stay_by_code(house: House) -> None:
    house.join(ADA)
    house.publish()
    house.send(house.plan())
    house.drain()
    code = house.person(ADA).code
    with house.database.transaction() as session:
        house.resources.eraser.forget(session, house.person(ADA), utcnow())
    with house.database.reading() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.code == code)).one()
        assert (person.state, person.address_sealed, person.address_key) == (State.ERASED, None, None)
        subscriptions = session.scalars(select(Subscription).where(Subscription.subscriber_id == person.id)).all()
        letters = session.scalars(select(Delivery).where(Delivery.subscriber_id == person.id)).all()
    assert [each.ended_at is not None for each in subscriptions] == [True]
    assert any(each.issue_id and each.ended_at for each in letters)
    assert not any(each.reply or each.recipient_sealed for each in letters)


def test_what_came_back_goes_after_its_days(house: House) -> None:
    collect(house)
    a_reader(house, ADA)
    [letter] = an_issue(house)
    deal(house, bounced(letter, "full"))  # they stay: of the erased nothing that came back is kept
    with house.database.reading() as session:
        came_at = session.scalars(select(Bounce.came_at)).one()
    for age, left in ((bounces.KEEP_BOUNCES - timedelta(days=1), 1), (bounces.KEEP_BOUNCES + timedelta(days=1), 0)):
        retention.prune(house.database, house.resources.eraser, came_at + age)
        with house.database.reading() as session:
            assert len(session.scalars(select(Bounce)).all()) == left


def test_the_days_for_an_answer_are_those_that_staff_are_reminded_of(house: House) -> None:
    [told] = [each for each in _sentences(house) if each.startswith("To complain about how we handle")]
    assert f"within {grievances.ANSWER_WITHIN.days} days" in told
