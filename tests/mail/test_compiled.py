"""The compiled way to write a digest equals the standard library's way, byte for byte, for every reader."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coalition.address import Address
from coalition.languages import OWN_NAMES
from coalition.mail.compiled import CompiledCopy, Frame
from coalition.mail.digest import Copy, Slots
from coalition.mail.envelope import Envelope, stuffed
from coalition.mail.message import Letter, Sender, build
from coalition.models import Format
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.ready import Ready
from tests.mail.desk import WRITTEN, Desk, a_digest
from tests.mail.words import HOSTILE, Words

CASES = {"plain": Words(), **HOSTILE}
ADDRESSES = [
    "ada@example.org",
    "a" * 64 + "@" + "b" * 50 + ".example.org",
    "o'neil+news.x=y@example.org",
    "{odd}`name`|%s@xn--bcher-kva.example",
    "%to%s@example.org",
]


def both(composer: Composer, ready: Ready) -> tuple[Envelope, bytes]:
    """A digest by the compiled way and by the slow one."""
    assert ready.variant_id is not None
    return composer.compose(ready), composer.compose_slowly(ready, composer.copy_of(ready.variant_id))


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("locale", OWN_NAMES)
@pytest.mark.parametrize("name", CASES)
def test_hostile_words_in_every_language_are_written_alike(desk: Desk, name: str, locale: str, form: Format) -> None:
    composer, ready = a_digest(desk, replace(CASES[name], locale=locale), topics=3, form=form)

    for days in (0, 9, 250):  # dates of other lengths, from what was learnt from the first
        since = {slug: moment + timedelta(days=days) for slug, moment in ready.since.items()}
        compiled, slow = both(composer, ready._replace(since=since))
        assert compiled.message == slow
        assert compiled.size == len(slow)
        assert compiled.wire == stuffed(slow) + b".\r\n"


@pytest.mark.parametrize("address", ADDRESSES)
def test_any_address_is_written_alike(desk: Desk, address: str) -> None:
    composer, ready = a_digest(desk, Words(), topics=2)

    compiled, slow = both(composer, ready._replace(recipient=Address.parse(address)))

    assert compiled.message == slow


ATOM = st.text(st.sampled_from("abcxyzABC019!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=20)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(atoms=st.lists(ATOM, min_size=1, max_size=3), host=st.text(st.sampled_from("abc019-"), min_size=1, max_size=180))
def test_an_address_of_any_marks_and_length_is_written_alike(desk: Desk, atoms: list[str], host: str) -> None:
    composer, ready = a_digest(desk, Words())

    compiled, slow = both(composer, ready._replace(recipient=Address.known(f"{'.'.join(atoms)}@{host}.example")))

    assert compiled.message == slow


def test_another_reader_gets_nothing_of_the_first(desk: Desk) -> None:
    composer, ready = a_digest(desk, Words(), topics=2)
    first = composer.compose(ready)
    other = ready._replace(nonce="o" * 26, recipient=Address.parse("bea@example.org"), dated_at=WRITTEN + timedelta(1))

    second, slow = both(composer, other)

    assert second.message == slow
    for theirs in (b"ada@example.org", ready.nonce.encode()):
        assert theirs in first.message
        assert theirs not in second.message


LINK = st.text(st.sampled_from("abcXYZ0189-_~./"), min_size=1, max_size=120).map(
    lambda path: "https://l.example/" + path
)
DAY = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("=. <&"), min_size=1, max_size=30)
PIECE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from(".%=\n \u00c5"), max_size=90
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pieces=st.lists(PIECE, min_size=4, max_size=4), links=st.tuples(LINK, LINK), day=DAY.map(str.strip).filter(bool))
def test_any_copy_for_any_slots_is_written_alike(pieces: list[str], links: tuple[str, str], day: str) -> None:
    names = ["preferences", "unsubscribe", "since-housing"]
    form = (pieces[0], names[0], pieces[1], names[1], pieces[2], names[2], pieces[3])
    copy = Copy("News", ((form,),), ((form,),))
    slots = Slots(preferences=links[0], unsubscribe=links[1], since={"housing": day})
    ada = Address.parse("ada@example.org")

    def slowly(letter: Letter, recipient: Address, nonce: str, dated: datetime, its: Slots) -> bytes:
        return build(
            letter,
            sender=Sender("Coalition", ada, ada),
            recipient=recipient,
            message_id=f"{nonce}@example.org",
            dated=dated,
            locale="en",
            headers={"List-Unsubscribe": f"<{its.unsubscribe}>"},
        )

    wire, size = CompiledCopy(copy, Frame("News", html=True, build=slowly)).fill(ada, "n" * 26, WRITTEN, slots)

    slow = slowly(copy.fill(slots), ada, "n" * 26, WRITTEN, slots)
    assert (wire, size) == (stuffed(slow) + b".\r\n", len(slow))


def test_a_letter_that_does_not_hold_what_it_was_given_is_refused(desk: Desk) -> None:
    def lying(letter: Letter, recipient: Address, nonce: str, dated: datetime, slots: Slots) -> bytes:
        return b"Subject: other\r\n\r\nother text\r\n"

    with pytest.raises(ValueError, match="differs"):
        Frame("News", html=False, build=lying)


@pytest.mark.parametrize("nonce", ["", "broken\nnonce", "a b", "a\0", "jörg", "a@b", "a\r\nBcc: x"])
def test_a_nonce_that_would_break_a_header_is_refused(desk: Desk, nonce: str) -> None:
    composer, ready = a_digest(desk, Words())

    with pytest.raises(ValueError, match="no place"):
        composer.compose(ready._replace(nonce=nonce))
