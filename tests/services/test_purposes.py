"""When what a topic is for has changed: nothing of it goes to whoever agreed to something else, until they do again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Cadence, Ended, Letter, State, Subscriber, Subscription
from coalition.services import chain, consents, planning, purposes, retention, topics, upkeep
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, html_of, link, text_of
from tests.services.scenes import at_once, deliveries, leave, undo
from tests.web.doors import digest_link

ADA, BEN = "ada@example.org", "ben@example.org"
NOW_FOR = "Flats to let, from our partners."


def change(house: House, slug: str = "housing") -> str:
    edit = ("topic", "edit", slug, "--description", NOW_FOR, "--purpose-changed", "--yes")
    return Shell(house).run(*edit).out


def endings(house: House) -> Sequence[Ended | None]:
    with house.database.reading() as session:
        return session.scalars(select(Subscription.ended_reason).order_by(Subscription.id)).all()


def tick_for_it(session_house: House) -> int:
    with session_house.database.transaction() as session:
        return purposes.ask_again(session, utcnow())


def save(house: House, link_: str, *numbers: int) -> int:
    fields = {f"cadence-{number}": "weekly" for number in numbers}
    chosen = {"topics": [str(number) for number in numbers]} if numbers else {}
    return house.press(link_, action="save", format="html", **chosen, **fields).status_code


def test_l23_whoever_agreed_before_gets_a_letter_that_asks_and_nothing_else_of_it(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    a_subscriber(house, BEN, ("events",), cursor=0)

    assert change(house) == "Topic housing is changed. Asked again: 1.\n"
    house.publish("housing")
    house.publish("events", "The street party")
    asked = house.drain()
    house.send(house.plan())
    house.drain()

    assert [each.recipient for each in asked] == [ADA]
    question, digest = house.letters_to(ADA)
    for body in (text_of(question), html_of(question)):
        assert NOW_FOR in body
        assert "/preferences/" in body
        assert house.config.community.postal_address in body
    assert "The street party" in text_of(digest)
    assert "Housing" not in text_of(digest)
    assert len(house.letters_to(BEN)) == 1


def test_a_plan_names_those_who_wait_among_who_is_left_out(house: House) -> None:
    a_subscriber(house, ADA, cursor=0)
    a_subscriber(house, BEN, ("events",), cursor=0)
    change(house)
    house.publish("events")

    made = planning.plan(
        house.database,
        house.resources.letters,
        house.config.community,
        Cadence.WEEKLY,
        subject="",
        intro_md="",
        now=utcnow(),
    )

    assert (made.letters, made.left_out) == (1, {purposes.LEFT_OUT: 1})


def test_what_waits_to_go_loses_the_topic(house: House) -> None:
    a_subscriber(house, ADA, ("housing", "events"), cursor=0)
    house.publish("housing", "Rents fall")
    house.publish("events", "The street party")
    house.send(house.plan())

    change(house)
    house.drain()

    [digest] = [text_of(each) for each in house.letters_to(ADA) if each["Subject"] == "The digest"]
    assert "The street party" in digest
    assert "Rents fall" not in digest


def test_with_the_link_of_the_letter_they_agree_again_and_get_it_again(house: House) -> None:
    a_subscriber(house, ADA, cursor=0)
    change(house)
    house.drain()
    answer = link(house.letters_to(ADA)[-1], "/preferences/")
    assert NOW_FOR in house.browser.get(answer).text

    assert save(house, answer, 1) == 303

    ada = house.person(ADA)
    assert ada.state is State.ACTIVE
    with house.database.reading() as session:
        history = consents.history(session, ada.code)
        assert chain.verify(session, []).faults == []
    assert [row["event"] for row in history] == ["withdrawn", "changed"]
    assert history[0]["channel"] == "purpose"
    assert history[1]["purposes"] == {"1": NOW_FOR}
    house.publish("housing", "Rents fall")
    house.send(house.plan())
    house.drain()
    assert "Rents fall" in text_of(house.letters_to(ADA)[-1])
    assert NOW_FOR not in house.browser.get(f"{answer}").text.partition("<form")[0]


def test_somebody_who_has_nothing_else_may_agree_to_that_and_to_no_other_topic(house: House) -> None:
    a_subscriber(house, ADA)
    change(house)

    page = house.browser.get(digest_link(house)).text
    assert 'id="topic-1"' in page
    assert 'id="topic-2"' not in page
    assert save(house, digest_link(house), 2) == 422

    assert endings(house) == [Ended.PURPOSE]


def test_somebody_who_left_is_not_asked_and_cant_return_by_an_old_link(house: House) -> None:
    leave(house, a_subscriber(house, ADA))
    change(house)

    assert house.drain() == []
    assert 'id="topic-1"' not in house.browser.get(digest_link(house)).text


def test_who_does_not_answer_and_has_nothing_else_is_erased_like_who_left(house: House) -> None:
    ada = a_subscriber(house, ADA)
    change(house)
    house.drain()
    now = utcnow() + retention.LEFT + timedelta(days=1)

    retention.prune(house.database, house.resources.eraser, now)

    with house.database.reading() as session:
        assert session.get_one(Subscriber, ada.id).state is State.ERASED


def test_another_rhythm_or_undo_is_no_new_agreement(house: House) -> None:
    a_subscriber(house, ADA)
    a_subscriber(house, BEN)
    gone = leave(house, house.person(BEN))
    with house.database.transaction() as session:
        purposes.change(session, "housing", NOW_FOR, utcnow())
    fields = {"topics": "1", "cadence-1": "monthly", "format": "html"}
    assert house.press(digest_link(house), action="save", **fields).status_code == 303
    undo(house, house.person(BEN), gone)

    assert [tick_for_it(house), tick_for_it(house)] == [2, 0]

    assert endings(house)[-2:] == [Ended.PURPOSE, Ended.PURPOSE]


def test_who_confirms_after_the_change_has_seen_it_and_is_not_asked(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    change(house)
    assert NOW_FOR in house.browser.get(link(house.letters_to(ADA)[-1], "/confirm/")).text
    house.confirm(ADA)

    assert tick_for_it(house) == 0


def test_tick_goes_on_where_the_command_was_stopped_and_at_once_asks_each_only_once(house: House) -> None:
    for number in range(30):
        a_subscriber(house, f"reader{number}@example.org")
    with house.database.transaction() as session:
        purposes.change(session, "housing", NOW_FOR, utcnow())

    at_once(3, lambda _: tick_for_it(house))
    upkeep.tick(house.database, house.resources.eraser, utcnow())

    assert endings(house) == [Ended.PURPOSE] * 30
    asked = [each.subscriber_id for each in deliveries(house) if each.letter is Letter.AGREE_AGAIN]
    assert len(asked) == len(set(asked)) == 30


def test_who_agrees_before_the_letter_goes_is_not_asked(house: House) -> None:
    a_subscriber(house, ADA)
    change(house)
    save(house, digest_link(house), 1)

    assert house.drain() == []


@pytest.mark.parametrize("arguments", [("--purpose-changed",), ("--purpose-changed", "--name", "Flats")])
def test_a_new_purpose_has_to_be_said(house: House, arguments: tuple[str, ...]) -> None:
    said = Shell(house).run("topic", "edit", "housing", *arguments, "--yes", code=2)

    assert "--description" in said.err
    with house.database.reading() as session:
        assert topics.get(session, "housing").purpose_since is None
