"""Topics that the law protects more: nobody gets one without having ticked its own wording (L17)."""

import pytest
from sqlalchemy import select

from coalition.models import Request
from coalition.services import consents, forms, topics
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, hidden
from tests.web.doors import digest_link, fresh_link
from tests.web.rows import nothing_changes

ADA = "ada@example.org"
WORDING = "I agree that you keep, to send me this, that I want news about living with diabetes."
BOX = 'name="explicit" value="health"'


@pytest.fixture
def clinic(house: House) -> House:
    """A house with one special topic, on the form beside others."""
    add = ("topic", "add", "health", "--name", "Health", "--description", "Living with diabetes.")
    Shell(house).run(*add, "--special", "--wording", WORDING)
    with house.database.transaction() as session:
        forms.edit(session, "main", topics=["housing", "health"])
    return house


def sign_up(house: House, *slugs: str, explicit: tuple[str, ...] = ()) -> int:
    stamp = hidden(house.browser.get("/join/main").text, "stamp")
    data = {"email": ADA, "topics": list(slugs), "explicit": list(explicit), "stamp": stamp}
    return house.browser.post("/join/main", data=data).status_code


def test_the_wording_stands_beside_a_box_that_is_not_ticked(clinic: House) -> None:
    page = clinic.browser.get("/join/main").text

    assert WORDING in page
    assert BOX + ">" in page
    assert " checked" not in page


def test_without_the_tick_nothing_is_written_down_and_the_page_says_what_to_do(clinic: House) -> None:
    with nothing_changes(clinic):
        stamp = hidden(clinic.browser.get("/join/main").text, "stamp")
        data = {"email": ADA, "topics": ["housing", "health"], "stamp": stamp}
        answer = clinic.browser.post("/join/main", data=data)

    assert answer.status_code == 422
    assert 'href="#explicit-health"' in answer.text
    assert "Tick that you agree expressly" in answer.text
    assert f'value="{ADA}"' in answer.text


def test_other_topics_need_no_tick(clinic: House) -> None:
    assert sign_up(clinic, "housing") == 303


def test_what_was_ticked_is_kept_word_for_word_and_printed_as_evidence(clinic: House) -> None:
    assert sign_up(clinic, "health", explicit=("health",)) == 303
    clinic.drain()
    clinic.confirm(ADA)

    with clinic.database.reading() as session:
        special = topics.get(session, "health")
        asked = consents.history(session, clinic.person(ADA).code)[0]
        assert asked["explicit"] == {str(special.id): special.explicit_id}
    assert WORDING in Shell(clinic).run("subscriber", "evidence", ADA).out
    assert WORDING in clinic.browser.get(f"{fresh_link(clinic)}/data.json").text


def test_a_tick_without_its_topic_is_no_consent(clinic: House) -> None:
    assert sign_up(clinic, "housing", explicit=("health", "housing", "nonsense")) == 303

    with clinic.database.reading() as session:
        assert session.scalars(select(Request)).one().explicit is None


def test_a_form_on_another_site_asks_on_the_page_of_one_more_press(clinic: House) -> None:
    page = clinic.browser.post("/join/main", data={"email": ADA, "topics": ["health"]})
    data = {"email": ADA, "topics": ["health"], "stamp": hidden(page.text, "stamp")}

    assert BOX + ">" in page.text
    assert clinic.browser.post("/join/main", data=data).status_code == 422
    assert clinic.browser.post("/join/main", data=data | {"explicit": "health"}).status_code == 303


def test_a_link_that_came_too_late_asks_for_the_same_again(clinic: House) -> None:
    sign_up(clinic, "health", explicit=("health",))
    clinic.drain()
    with clinic.database.reading() as session:
        first = session.scalars(select(Request)).one()

    resend = clinic.resources.links.confirm(first.nonce, first.created_at.replace(year=first.created_at.year - 1))
    clinic.press(resend, answer="resend")

    with clinic.database.reading() as session:
        assert [each.explicit for each in session.scalars(select(Request))] == [first.explicit] * 2


def test_in_the_preferences_it_is_asked_once_for_a_topic_that_is_new(clinic: House) -> None:
    a_subscriber(clinic, ADA)
    link_ = digest_link(clinic)
    with clinic.database.reading() as session:
        number = topics.get(session, "health").id
    fields = {"action": "save", "topics": ["1", str(number)], "cadence-1": "weekly", f"cadence-{number}": "weekly"}
    assert BOX + ">" in clinic.browser.get(link_).text

    with nothing_changes(clinic):
        refused = clinic.press(link_, format="html", **fields)
    saved = clinic.press(link_, format="html", explicit="health", **fields)

    assert (refused.status_code, saved.status_code) == (422, 303)
    assert "Tick that you agree expressly" in refused.text
    assert BOX not in clinic.browser.get(link_).text
    assert clinic.press(link_, format="text", **fields).status_code == 303
    with clinic.database.reading() as session:
        assert str(number) in consents.history(session, clinic.person(ADA).code)[-1]["explicit"]


def test_the_wording_is_marked_as_the_language_it_is_in(clinic: House) -> None:
    page = clinic.browser.get("/join/main").text

    assert f'<span class="muted"><bdi lang="en">{WORDING}</bdi></span>' in page


@pytest.mark.parametrize("options", [("--special",), ("--wording", WORDING), ("--special", "--wording", "Yes.")])
def test_a_special_topic_without_a_wording_is_not_opened(house: House, options: tuple[str, ...]) -> None:
    add = ("topic", "add", "health", "--name", "Health", "--description", "Living with diabetes.", *options)
    code = 1 if options[-1] == "Yes." else 2

    with nothing_changes(house):
        assert "wording" in Shell(house).run(*add, code=code).err
