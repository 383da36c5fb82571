"""The store holds the newest letters and counts those that went."""

from concurrent.futures import ThreadPoolExecutor

from coalition.mailbox.store import Store
from tests.mailbox.letters import a_letter


def test_letters_are_listed_newest_first() -> None:
    store = Store()

    first, second = (store.keep("list@example.org", "ada@example.org", b"Subject: x\r\n\r\n") for _ in "ab")

    assert store.letters() == [second, first]
    assert store.find(first.id) is first


def test_a_letter_is_understood_when_somebody_looks() -> None:
    raw = a_letter(to="Grüße <ada@example.org>", subject="Grüße aus der Küche").as_bytes()

    letter = Store().keep("bounces@example.org", "ada@example.org", raw)

    assert (letter.sender, letter.recipient) == ("bounces@example.org", "ada@example.org")
    assert letter.subject == "Grüße aus der Küche"
    assert letter.from_ == "Our list <list@example.org>"
    assert letter.to == "Grüße <ada@example.org>"
    assert letter.text is not None
    assert letter.text.startswith("Hello,\n\nconfirm here")
    assert letter.html is not None
    assert letter.html.startswith("<!doctype html>")
    assert ("MIME-Version", "1.0") in letter.headers
    assert letter.received_at.tzinfo is not None


def test_the_oldest_letters_go_and_are_counted() -> None:
    store = Store(kept=3)

    for n in range(5):
        store.keep("", f"ada{n}@example.org", b"")

    assert [letter.recipient for letter in store.letters()] == [f"ada{n}@example.org" for n in (4, 3, 2)]
    assert store.gone == 2
    assert store.find(1) is None


def test_large_letters_push_out_more_but_never_themselves() -> None:
    store = Store(kept_bytes=100)

    for size in (40, 40, 40, 500):
        store.keep("", "ada@example.org", b"x" * size)

    assert [len(letter.raw) for letter in store.letters()] == [500]
    assert store.gone == 3


def test_the_letters_of_one_recipient_can_be_asked_for_in_any_letter_case() -> None:
    store = Store()
    store.keep("", "grace@example.org", b"")
    to_ada = store.keep("", "Ada@Example.org", b"")

    assert store.letters("ada@example.org") == [to_ada]


def test_an_emptied_store_starts_anew_but_never_gives_an_id_twice() -> None:
    store = Store(kept=1)
    before = [store.keep("", "ada@example.org", b"").id for _ in range(2)]

    store.clear()

    assert (store.letters(), store.gone) == ([], 0)
    assert store.keep("", "ada@example.org", b"").id not in before


def test_threads_may_keep_letters_at_once() -> None:
    store = Store(kept=50)

    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda n: store.keep("", f"{n}@example.org", b"x"), range(400)))

    assert len({letter.id for letter in kept}) == 400
    assert len(store.letters()) + store.gone == 400
