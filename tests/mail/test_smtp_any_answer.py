"""A mail server that answers anything anywhere, over real connections: each letter has one fate, and nothing hangs."""

import threading
from collections.abc import Sequence
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.errors import RelayLost
from coalition.mail.replies import Outcome
from coalition.mail.session import Patience
from coalition.mail.smtp import Answered, SmtpClient
from tests.mail.offering import an_envelope
from tests.relay import Action, Scripted
from tests.scripted import Answer

LETTERS = 6
HASTE = Patience(connect=0.3, command=0.3, final=0.3)  # for servers that fall silent
_STUCK = 30  # seconds
SPARE = 100  # sessions that fail because this machine is slow

SURPLUS = "250 ok\n250 ok\n250 ok"  # more answers than questions
HALF = "250-half an answer"  # and then no more
ODD: list[Answer] = [
    Action.CLOSE,
    "",  # says nothing, and waits
    "221 bye",
    HALF,
    "250",
    "250 ok",
    "354 go on",
    "421 4.3.2 leaving",
    "451 4.3.0 later",
    "452-4.2.2 full\n452 4.2.2 full",
    "500 what?",
    "503 5.5.1 not now",
    "550 5.1.1 nobody",
    "554 5.7.1 no",
    "999 nonsense",
    "25 ok",
    "\0\ufffd",
    "HTTP/1.1 400 Bad Request",
    "250 " + "x" * 100_000,
]
SCRIPTS = st.lists(st.one_of(st.none(), st.none(), st.none(), st.sampled_from(ODD)), max_size=40)


class Unruly(Scripted):
    """Answers as `script` says, one entry a step, over all sessions together; None, and all after its end, is usual.

    Who has fallen silent stays so until the session is over. A server that left one answer out and went on would be
    understood by nobody: answers belong to commands by their order alone (RFC 2920, section 3.1).
    """

    def __init__(self, script: Sequence[Answer | None], offers: Sequence[str]) -> None:
        super().__init__(self._next, offers=offers)
        self._rest, self._lock = list(script), threading.Lock()
        self._silent = False
        self.taken = 0

    def _next(self, line: str) -> Answer | None:
        with self._lock:
            answer = self._rest.pop(0) if self._rest else None
            if line == "PAYLOAD":
                return None  # the message goes on
            if self._silent and line != "GREETING":
                return self._heard_in_silence(line)
            self._silent = answer in {"", HALF}
            # It has the message, whatever it says or does not say, unless it says that it has not.
            if line == "." and self.messages[-1] and str(answer)[:1] not in {"4", "5"}:
                self.taken += 1
            return answer

    def _heard_in_silence(self, line: str) -> Answer:
        self.taken += line == "." and bool(self.messages[-1])
        return ""


def send(client: SmtpClient, again: int) -> dict[int, Outcome]:
    """Offer all letters until each has its fate; those that were handed back untried are offered again.

    `again` is how often no session may come about.
    """
    fates: dict[int, Outcome] = {}
    lost = 0
    while lost <= again and len(fates) < LETTERS:
        waiting = [ticket for ticket in range(LETTERS) if ticket not in fates]
        under_way: set[int] = set()
        try:
            while waiting or under_way:
                while waiting and client.room:
                    under_way.add(waiting[0])
                    client.offer(waiting[0], an_envelope(f"reader{waiting.pop(0)}@example.org"))
                for each in client.answers(_STUCK):
                    _settle(each, under_way, fates)
        except RelayLost:
            lost += 1
    return fates


def _settle(answered: Answered, under_way: set[int], fates: dict[int, Outcome]) -> None:
    under_way.remove(answered.ticket)  # KeyError: nobody asked for this answer, or it came twice
    if answered.outcome is not Outcome.UNTRIED:
        fates[answered.ticket] = answered.outcome


@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
def test_each_letter_has_one_fate_and_the_true_one(offers: list[str], script: list[Answer | None]) -> None:
    with Unruly(script, offers) as server, closing(SmtpClient(server.relay, HASTE, connections=1)) as client:
        fates = send(client, again=len(script) + SPARE)

    accepted = list(fates.values()).count(Outcome.ACCEPTED)
    unclear = list(fates.values()).count(Outcome.UNCERTAIN)
    assert sorted(fates) == list(range(LETTERS))
    assert accepted <= server.taken <= accepted + unclear


@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([None, None, SURPLUS, *ODD]), max_size=40))
def test_a_server_that_talks_out_of_turn_gets_one_letter_for_each_reader(
    offers: list[str], script: list[Answer | None]
) -> None:
    with Unruly(script, offers) as server, closing(SmtpClient(server.relay, HASTE, connections=3)) as client:
        fates = send(client, again=len(script) + SPARE)

    assert sorted(fates) == list(range(LETTERS))
    assert len([message for message in server.messages if message]) <= LETTERS
