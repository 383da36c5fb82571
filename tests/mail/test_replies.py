import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.mail.replies import Outcome, Reply, classify, redact


def test_a_reply_over_several_lines_is_one_reply() -> None:
    said = b"5.1.1 The account that you wrote to does not exist.\n5.1.1 Look for typing errors.\n5.1.1  - mx"

    reply = Reply.read(550, said)

    assert reply == Reply(550, "5.1.1", "The account that you wrote to does not exist. Look for typing errors. - mx")


def test_an_enhanced_code_on_the_first_line_alone_is_enough() -> None:
    assert Reply.read(550, b"5.7.1 Not from you\nnor today") == Reply(550, "5.7.1", "Not from you nor today")


@pytest.mark.parametrize("said", [b"User unknown", b"10.5.1.1 is on a list", b"5.1.1x is no code", b"3.1.1 nor this"])
def test_a_reply_without_an_enhanced_code_has_none(said: bytes) -> None:
    assert Reply.read(550, said) == Reply(550, None, said.decode())


def test_an_enhanced_code_may_stand_alone() -> None:
    assert Reply.read(250, b"2.0.0") == Reply(250, "2.0.0", "")


def test_a_code_marked_with_a_number_sign_is_read_too() -> None:
    assert Reply.read(550, b"#5.1.0 Address rejected.") == Reply(550, "5.1.0", "Address rejected.")


def test_a_reply_without_a_text_is_a_reply() -> None:
    assert Reply.read(250, b"") == Reply(250, None, "")


def test_a_reply_that_is_not_text_is_kept_readable() -> None:
    assert Reply.read(554, b"bo\xeete\x00 pleine\x1b[1m").text == "bo\ufffdte pleine [1m"


def test_a_long_reply_is_cut_after_its_addresses_are_gone() -> None:
    text = Reply.read(550, b"no " * 164 + b"ada.lovelace@example.org " + b"no " * 99).text

    assert len(text) == 500
    assert "ada" not in text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<ada@example.org>: Recipient rejected", "[address]: Recipient rejected"),
        ('no "ada lovelace"@example.org here', "no [address] here"),
        ("ada@[192.0.2.1] is away", "[address] is away"),
        ("jörg@bücher.example is away", "[address] is away"),
        ("see https://help.example.org/?for=ada%40example.org", "see https:[address]"),
        ("returned as ada=40example.org", "returned as [address]"),
        ("<ada> is not here", "[address] is not here"),
        ("ada... User unknown", "[address]... User unknown"),
        ("seen 5Q2W7A3YB4C6D7E2F5G3H4J6K7 before", "seen [token] before"),
        ("seen IjEyMzQ1Njc4OTAi~aBcDeF~x-y_z before", "seen [token] before"),
        ("Wait... and see https://help.example.org/codes", "Wait... and see https://help.example.org/codes"),
    ],
)
def test_what_is_kept_has_no_address_and_no_secret(said: str, kept: str) -> None:
    assert redact(said) == kept


_LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+_-'", min_size=1, max_size=64)


@settings(deadline=None)
@given(before=st.text(max_size=80), local=_LOCAL, after=st.text(max_size=80))
def test_no_surroundings_save_an_address(before: str, local: str, after: str) -> None:
    assert f"{local}@example.org" not in redact(f"{before}{local}@example.org{after}")


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        # taken
        (250, "2.0.0 OK  1732377600 d9443c01a7336-gsmtp", Outcome.ACCEPTED),
        (250, "2.6.0 <1@lists.example.org> Queued mail for delivery", Outcome.ACCEPTED),
        (251, "User not local; will forward", Outcome.ACCEPTED),
        # later
        (452, "4.2.2 The inbox of the recipient is out of storage space. gsmtp", Outcome.RETRY),
        (450, "4.2.1 The user is receiving mail too quickly right now. gsmtp", Outcome.RETRY),
        (451, "4.3.0 Temporary server error. Try again later. PRX4", Outcome.RETRY),
        (451, "4.4.1 Connection to the next server timed out", Outcome.RETRY),
        (450, "<ada@example.org>: Greylisted, come back in 5 minutes", Outcome.RETRY),
        (451, "4.7.1 Greylisting in action, please try again later", Outcome.RETRY),
        (450, "4.7.1 <ada@example.org>: Recipient is grey-listed", Outcome.RETRY),
        (450, "5.1.1 the user is unknown, says a server that is unsure", Outcome.RETRY),
        (452, "Too many recipients received this hour", Outcome.RETRY),
        (552, "5.2.2 The recipient's inbox is over its quota. gsmtp", Outcome.RETRY),
        (552, "5.2.3 Message exceeds what this mailbox takes", Outcome.RETRY),
        # nobody is there
        (
            550,
            "5.1.1 The account that you tried to reach does not exist. NoSuchUser gsmtp",
            Outcome.DEAD_ADDRESS,
        ),
        (550, "5.1.1 <ada@example.org>: user unknown in the virtual table", Outcome.DEAD_ADDRESS),
        (553, "5.1.3 The recipient address is not a valid address", Outcome.DEAD_ADDRESS),
        (551, "5.1.6 Mailbox has moved, no forwarding address", Outcome.DEAD_ADDRESS),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; not found by lookup", Outcome.DEAD_ADDRESS),
        (556, "5.1.10 Recipient domain has a null MX", Outcome.DEAD_ADDRESS),
        (550, "5.2.1 The account that you tried to reach is disabled. gsmtp", Outcome.DEAD_ADDRESS),
        (550, "No such user here", Outcome.DEAD_ADDRESS),
        (550, "<ada@example.org>: User unknown", Outcome.DEAD_ADDRESS),
        (550, "Unknown recipient", Outcome.DEAD_ADDRESS),
        (550, "Recipient ada@example.org not found", Outcome.DEAD_ADDRESS),
        (550, "The mailbox doesn\u2019t exist", Outcome.DEAD_ADDRESS),
        (551, "This user does not have a mail.example account", Outcome.DEAD_ADDRESS),
        (553, "Sorry, no mailbox here by that name. (#5.7.1)", Outcome.DEAD_ADDRESS),
        (550, "invalid mailbox", Outcome.DEAD_ADDRESS),
        # this message only
        (550, "5.2.1 The user is receiving mail at a rate that prevents more from coming", Outcome.REFUSED),
        (550, "5.1.2 The domain of the recipient is not known", Outcome.REFUSED),
        (550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", Outcome.REFUSED),
        (550, "Requested action not taken: mailbox unavailable", Outcome.REFUSED),
        (554, "Delivery error: dd This user doesn't have a mail.example account", Outcome.REFUSED),
        (552, "1 Requested mail action aborted, mailbox not found", Outcome.REFUSED),
        (550, "<b+1@lists.example.org>: Sender address rejected: User unknown", Outcome.REFUSED),
        (550, "Recipient domain does not exist", Outcome.REFUSED),
        (550, "Host for ada@example.org not found", Outcome.REFUSED),
        (550, "relaying to ada@example.org unknown", Outcome.REFUSED),
        (554, "5.0.0 no reason given", Outcome.REFUSED),
        # we, or a policy
        (421, "4.7.28 Unusual rate of mail with the same Message-ID. gsmtp", Outcome.OUR_FAULT),
        (421, "RP-001 (BAY004) The mail server IP has exceeded its rate", Outcome.OUR_FAULT),
        (421, "4.7.0 [TSS04] Messages from 192.0.2.1 deferred", Outcome.OUR_FAULT),
        (450, "4.7.1 Client host rejected: cannot find your hostname", Outcome.OUR_FAULT),
        (451, "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714)", Outcome.OUR_FAULT),
        (550, "5.7.1 Our system has found this message to be likely unwanted. gsmtp", Outcome.OUR_FAULT),
        (550, "5.7.26 Unauthenticated mail is not accepted from this sender", Outcome.OUR_FAULT),
        (554, "5.7.9 Message not accepted for policy reasons", Outcome.OUR_FAULT),
        (550, "5.7.606 Access denied, banned sending IP [192.0.2.1]", Outcome.OUR_FAULT),
        (550, "5.7.1 user unknown, says a policy", Outcome.OUR_FAULT),
        (550, "5.4.5 Daily sending limit exceeded", Outcome.OUR_FAULT),
        (552, "5.3.4 Message size exceeds fixed limit", Outcome.OUR_FAULT),
        (503, "5.5.1 Bad sequence of commands", Outcome.OUR_FAULT),
        (554, "5.6.0 Corrupt message content", Outcome.OUR_FAULT),
        # not an answer
        (0, "", Outcome.UNCERTAIN),
        (-1, "what is SMTP", Outcome.UNCERTAIN),
        (354, "go on", Outcome.UNCERTAIN),
    ],
)
def test_an_answer_means(code: int, said: str, outcome: Outcome) -> None:
    assert classify(Reply.read(code, said.encode())) is outcome


@pytest.mark.parametrize("noise", ["a", "a@", "<", '"', "a ", "user ", "~", "=40", "\x00"])
def test_endless_noise_becomes_a_short_text(noise: str) -> None:
    assert len(Reply.read(550, (noise * 50_000).encode()).text) <= 500
