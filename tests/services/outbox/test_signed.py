"""Letters that the community signs itself, from the ledger to the mail server."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import dkim
import pytest
import time_machine

from coalition.clock import utcnow
from coalition.errors import Misconfigured
from coalition.mail.signing_key import SigningKey, create_signing_key
from coalition.mail.smtp import SmtpClient
from coalition.models import Outbound
from tests.house import House, a_subscriber
from tests.processes import children, wait_for_end
from tests.relay import CatchAll, Received, Scripted
from tests.services.outbox.processes import kill, start_sender
from tests.services.scenes import an_audience, deliveries

PROGRAM = "signing_process"


@pytest.fixture
def key(house: House) -> SigningKey:
    """The house has a key, and signs with it."""
    domain = house.config.community.mail_domain
    made, _ = create_signing_key(house.config.keys, domain, "s1")
    community = replace(house.config.community, dkim_selector="s1")
    house.resources = replace(house.resources, config=replace(house.config, community=community))
    file = house.config.home / "community.toml"
    file.write_text(file.read_text("utf-8").replace('dkim_selector = ""', 'dkim_selector = "s1"'), "utf-8")
    return made


def verifies(received: Received, key: SigningKey) -> bool:
    return bool(dkim.verify(received.data, dnsfunc=lambda *_, **__: key.record.encode()))


def test_service_letters_and_digests_go_signed(house: House, key: SigningKey) -> None:
    house.join("ada@example.org")
    house.publish()
    house.send(house.plan())
    house.drain()

    assert len(house.relay.received) == 3
    assert all(verifies(each, key) for each in house.relay.received)
    assert children(PROGRAM) == []


def test_a_letter_that_goes_again_is_the_same_to_the_last_byte(house: House, key: SigningKey) -> None:
    a_subscriber(house)
    house.publish()
    house.send(house.plan())

    with Scripted({".": ["451 4.3.0 later", "250 OK"]}) as server:
        for later in (timedelta(), timedelta(hours=1)):
            with time_machine.travel(utcnow() + later):
                sender = house.resources.sender(SmtpClient(server.relay))
                sender.drain_and_close()

        first, second = server.messages
    assert b"DKIM-Signature: " in first
    assert first == second
    assert [each.state for each in deliveries(house)] == [Outbound.SENT]


def test_a_sender_without_its_key_does_not_begin(house: House, key: SigningKey) -> None:
    (house.config.keys / "dkim-s1.pem").unlink()

    with pytest.raises(Misconfigured, match="coalition doctor dkim-key"):
        house.sender()


def test_a_sender_killed_while_it_signs_misses_nobody_and_leaves_no_process(house: House, key: SigningKey) -> None:
    house.publish()
    an_audience(house, 120)
    house.send(house.plan())

    with CatchAll() as relay:
        process = start_sender(house, relay)
        relay.wait_for(30)
        signers = children(PROGRAM, process.pid)
        kill(process)
        for each in signers:
            wait_for_end(each)
        last = start_sender(house, relay, "--once")
        _, errors = last.communicate()
        received = list(relay.received)

    assert last.returncode == 0, errors
    assert len(signers) > 0
    copies = Counter(each.recipient for each in received)
    assert len(copies) == 120
    assert max(copies.values()) <= 2
    assert all(verifies(each, key) for each in received)
    assert len({each.data for each in received}) == 120  # what went twice went as the same bytes
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}
