"""The same machine, with what befalls readers besides: letters that are refused, addresses that are closed, people who
are forgotten and come back."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import delete

from coalition.address import Address
from coalition.clock import utcnow
from coalition.mail.smtp import SmtpClient
from coalition.models import Cadence, Source, State, Suppression
from coalition.services import erasure, subscriptions, suppressions
from coalition.services.suppressions import Cause
from tests.relay import Scripted
from tests.services.windows import SLUGS, Windows, cadences, people

NOBODY, REFUSED, LATER = "550 5.1.1 No such user", "554 5.0.0 No reason given", "451 4.3.0 Try again later"
WITHDRAWN = [Cause.SPAM_REPORT, Cause.STAFF, Cause.HARD_BOUNCE]


class Mishaps(Windows):
    """Windows, and what keeps a letter back that is nobody's choice of topics or rhythm."""

    @rule(answer=st.sampled_from([NOBODY, REFUSED, LATER]))
    def meet_a_mail_server_that_says_no(self, answer: str) -> None:
        """All that is due is refused: for good, for good as nobody lives there, or for now."""
        with Scripted({"RCPT": answer}) as server:
            sender = self.house.resources.sender(SmtpClient(server.relay, connections=1))
            sender.drain()
            sender.close()
        for name in self.here():
            self._note_endings(name)

    @rule(name=people, cause=st.sampled_from(WITHDRAWN))
    def suppress(self, name: str, cause: Cause) -> None:
        """Letters come back, or somebody wants none; what waits in the ledger is left to the sender."""
        if name in self.here():
            with self.house.database.transaction() as session:
                suppressions.suppress(session, self.ids[name], cause, utcnow())
            self._note_endings(name)

    @rule(name=people)
    def lift(self, name: str) -> None:
        """As staff do, or a press in their own mailbox; what is kept of the forgotten, only their own press lifts."""
        if name not in self.here():
            return
        with self.house.database.transaction() as session:
            session.execute(delete(Suppression).where(Suppression.address_key == self._key(name)))

    @rule(name=people)
    def forget(self, name: str) -> None:
        if name in self.here():
            with self.house.database.transaction() as session:
                person = subscriptions.lock(session, self.ids[name])
                self.house.resources.eraser.forget(session, person, utcnow())
            self._note_endings(name)
            self.undo.pop(name, None)

    @rule(name=people, cadence=cadences)
    def come_back(self, name: str, cadence: Cadence) -> None:
        """Somebody who was forgotten signs up and confirms."""
        if name in self.here():
            return
        vault, community = self.house.resources.vault, self.house.config.community
        with self.house.database.transaction() as session:
            person = erasure.revive(session, vault, Address.parse(name), community.locale, utcnow())
            assert person is not None
            assert person.id == self.ids[name]
            person.state, person.confirmed_at = State.ACTIVE, utcnow()
            session.execute(delete(Suppression).where(Suppression.address_key == person.address_key))
            for slug in SLUGS:
                if slug not in self.closed:
                    topic = self.topic_ids[slug]
                    new = subscriptions.begin(session, community, person, topic, cadence, Source.SIGNUP, utcnow())
                    self.since[name, slug] = new.cursor

    @rule(name=people, cadence=cadences, fate=st.sampled_from([*WITHDRAWN, NOBODY, REFUSED, "forgotten"]))
    def lose_a_letter_on_its_way(self, name: str, cadence: Cadence, fate: Cause | str) -> None:
        """News is planned and let go, and something befalls a reader before the sender comes to their letter."""
        self.publish_and_plan(cadence, SLUGS, "on its way")
        if isinstance(fate, Cause):
            self.suppress(name, fate)
        elif fate == "forgotten":
            self.forget(name)
        else:
            self.meet_a_mail_server_that_says_no(fate)
        self.house.drain()

    def finish_everything(self) -> None:
        """Nobody stays suppressed: what waits for them comes."""
        for name in self.here():
            self.lift(name)
        super().finish_everything()

    def _key(self, name: str) -> bytes:
        return self.house.resources.vault.key(Address.parse(name))

    def _note_endings(self, name: str) -> None:
        """Whoever is suppressed or forgotten has no subscription any more."""
        with self.house.database.reading() as session:
            held = {each.topic_id for each in subscriptions.current(session, self.ids[name])}
        for slug, topic_id in self.topic_ids.items():
            if topic_id not in held and (name, slug) in self.since:
                self.broken[name, slug] = self.since.pop((name, slug))
