"""Every letter says who sends it, who answers for the data and where they are, in every language (L14)."""

import pytest

from coalition.languages import OWN_NAMES
from coalition.models import Letter
from tests.mail.desk import KINDS, PRIVACY, WITH_HTML, Desk, parse, part
from tests.mail.reading import hrefs, tree
from tests.mail.words import Words


def test_every_kind_of_letter_is_written_at_the_desk() -> None:
    assert {letter for letter in Letter if letter.value not in KINDS} == set()


@pytest.mark.parametrize("code", OWN_NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_l14_a_letter_names_its_sender_the_controller_and_the_postal_address(kind: str, code: str, desk: Desk) -> None:
    community, envelope = desk.resources.config.community, desk.write(kind, Words(locale=code))

    message = parse(envelope)
    assert message["From"] == f"{community.name} <{community.sender.written}>"
    assert message["Reply-To"].addresses[0].addr_spec == community.reply_to.written
    shown = [part(envelope, "plain")]
    if kind in WITH_HTML:
        html = part(envelope, "html")
        assert PRIVACY in hrefs(html)
        shown.append("".join(tree(html).itertext()))
    for text in shown:
        foot = " ".join(text.split())
        assert f"{community.controller}, {community.postal_address}" in foot
    assert PRIVACY in shown[0]
