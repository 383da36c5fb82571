"""Senders that are killed and started again: nobody is missed, and little is doubled."""

import random
import signal
from collections import Counter

from sqlalchemy import select

from coalition.models import Claim, Issue, Outbound, Phase
from coalition.models.outbox import Batch
from coalition.services.outbox import ledger
from coalition.services.outbox.job import GROUP
from tests.house import House, parse
from tests.relay import CatchAll
from tests.services.outbox.processes import kill, start_sender
from tests.services.scenes import an_audience, deliveries

READERS = 2_000
KILLS = 5
STOPS = 3
UNDER_WAY = 8  # letters that four connections hold at most


def test_a_sender_killed_at_any_moment_misses_nobody_and_doubles_little(house: House) -> None:
    house.publish()
    an_audience(house, READERS)
    house.send(house.plan())
    # Far enough apart that nothing is in doubt twice.
    chance, apart = random.Random(house.config.database_url), READERS // (KILLS + 1)
    moments = [number * apart + chance.randrange(apart // 2) for number in range(1, KILLS + 1)]

    with CatchAll() as relay:
        for moment in moments:
            process = start_sender(house, relay)
            relay.wait_for(moment)
            kill(process)
        last = start_sender(house, relay, "--once")
        _, errors = last.communicate()
        received = list(relay.received)

    assert last.returncode == 0, errors
    copies = Counter(each.recipient for each in received)
    assert len(copies) == READERS
    assert len(received) - READERS <= KILLS * (GROUP + UNDER_WAY)
    assert max(copies.values()) <= 2
    for recipient in [address for address, n in copies.items() if n > 1]:
        first, second = [each.data for each in received if each.recipient == recipient]
        assert first == second
    assert len({parse(each)["Message-ID"] for each in received}) == READERS
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}
    with house.database.reading() as session:
        assert ledger.check(session) == []
        assert session.scalars(select(Issue.state)).one() is Phase.SENT


def test_sigterm_gives_back_the_rest_and_ends_well(house: House) -> None:
    house.publish()
    an_audience(house, READERS)
    house.send(house.plan())

    with CatchAll() as relay:
        for _ in range(STOPS):
            before = len(relay.received)
            process = start_sender(house, relay)
            relay.wait_for(before + GROUP)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate()
            assert process.returncode == 0, errors
            with house.database.reading() as session:
                assert not session.scalars(select(Batch.id).where(Batch.state == Claim.CLAIMED)).all()
            assert [each.state for each in deliveries(house)].count(Outbound.SENT) == len(relay.received)
        received = {each.recipient for each in relay.received}
        assert len(received) == len(relay.received)

    later = {each.recipient for each in house.drain()}
    assert not received & later
    assert len(received | later) == READERS
    assert {(each.state, each.attempts) for each in deliveries(house)} == {(Outbound.SENT, 1)}
