"""`coalition privacy record`: what article 30 wants, as the configuration and the tables have it (L21)."""

import html5lib

from coalition.models import Cadence
from coalition.services import feeds, forms, retention
from tests.cli.shell import Shell
from tests.house import House

RECORD = ("privacy", "record", "--format")


def parts(shell: Shell) -> dict[str, list[str]]:
    return {part["question"]: part["answers"] for part in shell.run(*RECORD, "json").json["parts"]}


def test_l21_it_answers_every_question_of_the_law(shell: Shell, house: House) -> None:
    found, community = parts(shell), house.config.community

    assert list(found) == [
        "Controller",
        "Purposes",
        "Ground",
        "Whose data",
        "What data",
        "Recipients and processors",
        "Transfers to other countries",
        "Kept for",
        "Measures",
    ]
    assert all(found.values())
    assert found["Controller"][0] == f"{community.controller}, {community.postal_address}"
    assert found["Purposes"][0] == "Sending news about Housing: All about housing."
    assert len(found["Kept for"]) == len(retention.PERIODS)
    assert "%" not in "".join(found["Kept for"])


def test_it_follows_the_configuration(shell: Shell) -> None:
    before = parts(shell)
    shell.settings["COALITION_SMTP_URL"] = "smtps://bot:secret@mail.example.org"
    after = parts(shell)

    assert (
        "Mail server 127.0.0.1 (this machine), without encryption on the way" in before["Recipients and processors"][0]
    )
    assert after["Recipients and processors"][0].startswith("Mail server mail.example.org, by TLS, certificate checked")
    assert "secret" not in str(after)
    shell.settings["COALITION_SMTP_URL"] = ""
    assert parts(shell)["Recipients and processors"][0].startswith("No mail server")


def test_it_names_special_topics_sites_and_feeds(shell: Shell, house: House) -> None:
    add = ("topic", "add", "health", "--name", "Health", "--description", "Living with diabetes.")
    assert not any("article 9" in answer for answer in parts(shell)["Ground"])
    shell.run(*add, "--special", "--wording", "I agree that you keep that I want news about diabetes.")
    shell.run("feed", "add", "https://news.example.org/atom", "--topic", "housing")
    with house.database.transaction() as session:
        forms.edit(session, "main", origins=["https://partner.example.org"], cadence=Cadence.WEEKLY)
        assert feeds.all_of(session)

    found = parts(shell)

    assert "Sending news about Health: Living with diabetes. Special category (article 9)." in found["Purposes"]
    assert any("article 9(2)(a)" in answer for answer in found["Ground"])
    recipients = "\n".join(found["Recipients and processors"])
    assert "https://partner.example.org" in recipients
    assert "news.example.org" in recipients
    shell.run("feed", "remove", "1")
    assert "news.example.org" not in str(parts(shell))  # it is read no more


def test_it_is_a_text_and_a_page_with_the_same_answers(shell: Shell) -> None:
    text, page = shell.run(*RECORD, "text").out, shell.run(*RECORD, "html").out
    shown = "".join(html5lib.HTMLParser(strict=True).parse(page).itertext())

    for question, answers in parts(shell).items():
        assert f"\n{question.upper()}\n" in text
        for answer in answers:
            assert f"- {answer}\n" in text
            assert answer in shown
    assert "src=" not in page
    assert "href=" not in page
