"""The mailbox for bounces was away for days, and then everything comes at once, twice, in any order. Fault X15."""

import itertools
import random
import resource
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Bounce, Delivery, Fate, Scope
from tests.cli.shell import Shell
from tests.house import House
from tests.relay import Received
from tests.services.returning import a_reader, an_issue, bounced, collect, deal, let_it_have_gone, suppressions

MESSAGES = 20_000
DAYS_AGO = (29, 23, 17, 12, 7, 1)
MEGABYTE = 1024  # of the kilobytes in which a process is measured

# What came of the letters, by turns; the last three change nothing.
CAME = {
    "postfix": Fate.DEAD,
    "exim": Fate.DEAD,
    "full": Fate.SOFT,
    "policy": Fate.POLICY,
    "delayed": Fate.DELAYED,
    "spam": Fate.SPAM,
    "out_of_office": None,
    "several": None,
    "human": None,
}


def recorded(house: House) -> set[tuple[str, Fate]]:
    query = select(Delivery.nonce, Bounce.fate).join(Bounce, Bounce.delivery_id == Delivery.id)
    with house.database.reading() as session:
        return {(nonce, fate) for nonce, fate in session.execute(query)}


def nonce(letter: Received) -> str:
    return letter.sender[2:28]


def test_x15_twenty_thousand_messages_end_in_the_state_that_each_once_would(house: House, tmp_path: Path) -> None:
    collect(house)
    for number in range(30):
        a_reader(house, f"reader{number}@example.org")
    letters = [*an_issue(house), *an_issue(house)]
    chance = random.Random(20_000)
    came = list(zip(letters, itertools.cycle(CAME), strict=False))
    came += [(letter, chance.choice(["delayed", "full", "spam", "human"])) for letter in letters[::3]]
    messages = (
        MESSAGES if house.database.is_sqlite else MESSAGES // 10
    )  # the same code; a test should not take a minute
    everything = came + chance.choices(came, k=messages - len(came))
    chance.shuffle(everything)
    folder = tmp_path / "Bounces"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, (letter, name) in enumerate(everything):
        (folder / "new" / f"{number:05}").write_bytes(bounced(letter, name))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    Shell(house).run("bounce", "receive", "--maildir", str(folder), "--delete")

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50 * MEGABYTE
    assert recorded(house) == {(nonce(letter), fate) for letter, name in came if (fate := CAME[name])}
    codes = {each.recipient: house.person(each.recipient).code for each in letters}
    dead = {codes[letter.recipient] for letter, name in came if CAME[name] is Fate.DEAD}
    spam = {codes[letter.recipient] for letter, name in came if CAME[name] is Fate.SPAM} - dead
    assert suppressions(house) == {
        **dict.fromkeys(dead, (Scope.ALL, "hard bounce")),
        **dict.fromkeys(spam, (Scope.LIST, "spam report")),
    }


@pytest.mark.parametrize("seed", range(4))
def test_x15_the_order_in_which_they_come_does_not_matter(house: House, seed: int) -> None:
    collect(house)
    for number in range(3):
        a_reader(house, f"reader{number}@example.org")
    letters = [letter for _ in range(6) for letter in an_issue(house)]
    now = utcnow()
    for number, letter in enumerate(letters):
        let_it_have_gone(house, letter, now - timedelta(days=DAYS_AGO[number // 3]))
    # All six issues came back to the first, five and then none to the second, and one of six arrived at the third.
    messages = [bounced(each, "full") for each in letters[0::3]]
    messages += [bounced(each, "full") for each in letters[1:15:3]]
    messages += [bounced(letters[number], "full") for number in (2, 5, 11, 14, 17)]
    random.Random(seed).shuffle(messages)

    deal(house, *messages)

    assert sorted(suppressions(house)) == sorted(house.person(f"reader{number}@example.org").code for number in (0, 1))
