"""`coalition privacy report`: numbers without names, and whether anything is kept too long."""

import os
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

from coalition.clock import utcnow
from coalition.models import Audit, JobRun, Request, State, Subscriber, Subscription
from coalition.services import chain, retention
from tests.cli.shell import Shell
from tests.house import a_subscriber


def _kept(shell: Shell, *, code: int = 0) -> dict[str, dict[str, object]]:
    return {row["what"]: row for row in shell.run("privacy", "report", "--json", code=code).json["kept"]}


def test_the_report_counts_people_and_names_the_end_of_the_chain(shell: Shell) -> None:
    house = shell.house
    house.join("ada@example.org")
    a_subscriber(house, "bob@example.org")
    shell.run("subscriber", "leave", "bob@example.org", "--yes")

    told = shell.run("privacy", "report", "--json").json

    with house.database.reading() as session:
        head = chain.head(session)
    assert told["people"] == {"active": 1, "left": 1}
    assert told["consent_chain"] == {"rows": head.seq, "hash": head.hash.hex()}
    assert [row["what"] for row in told["kept"]] == [period.name for period in retention.PERIODS]


def test_nothing_is_in_it_that_names_a_person(shell: Shell, tmp_path: Path) -> None:
    shell.house.join("ada@example.org")
    code = shell.house.person("ada@example.org").code

    page = tmp_path / "report.html"
    said = [shell.run("privacy", "report").out, shell.run("privacy", "report", "--json").out]
    shell.run("privacy", "report", "--html", str(page))

    for text in [*said, page.read_text("utf-8")]:
        assert "ada@" not in text
        assert code not in text


def test_each_period_tells_when_its_oldest_piece_has_to_go(shell: Shell) -> None:
    house, now = shell.house, utcnow()
    house.sign_up("eve@example.org")
    gone = a_subscriber(house, "bob@example.org")
    shell.run("subscriber", "leave", "bob@example.org", "--yes")
    with house.database.transaction() as session:
        asked = session.query(Request).one()
        asked.created_at = now - timedelta(days=2)
        for ended in session.query(Subscription).where(Subscription.subscriber_id == gone.id):
            ended.ended_at = now - timedelta(days=20)

    kept = _kept(shell)

    assert kept["requests"]["next_has_to_go"] == (now + timedelta(days=5)).isoformat()
    assert kept["people who left"]["next_has_to_go"] == (now + timedelta(days=8)).isoformat()
    assert kept["set aside"]["next_has_to_go"] is None
    assert not any(row["too_long"] for row in kept.values())


def test_what_is_kept_too_long_is_named_and_ends_with_1_until_it_is_forgotten(shell: Shell) -> None:
    with shell.house.database.transaction() as session:
        session.add(Audit(at=utcnow() - timedelta(days=3 * 365 + 1), who="staff", action="digest plan", subject="1"))
    stranger = a_subscriber(shell.house)
    with shell.house.database.transaction() as session:
        session.query(Subscription).delete()
        session.get_one(Subscriber, stranger.id).state = State.PENDING

    late = {name for name, row in _kept(shell, code=1).items() if row["too_long"]}
    warned = shell.run("privacy", "report", code=1).err
    shell.run("privacy", "prune")

    assert late == {"audit", "strangers"}
    assert "Kept too long: strangers, audit." in warned
    assert not any(row["too_long"] for row in _kept(shell).values())


def test_the_last_runs_are_those_that_were_recorded(shell: Shell) -> None:
    before = {row["what"]: row["at"] for row in shell.run("privacy", "report", "--json").json["last_runs"]}
    shell.run("tick")
    shell.run("privacy", "prune")
    shell.run("privacy", "verify")
    after = {row["what"]: row for row in shell.run("privacy", "report", "--json").json["last_runs"]}

    with shell.house.database.reading() as session:
        ticked = max(run.at for run in session.query(JobRun))
        done = {row.action: row.at for row in session.query(Audit)}
    assert set(before.values()) == {None}
    assert after["periodic work (tick)"]["at"] == ticked.isoformat()
    assert after["forgetting, by periodic work"]["at"] is not None
    assert after["coalition privacy prune"]["at"] == done["privacy prune"].isoformat()
    assert (after["coalition privacy verify"]["at"], after["coalition privacy verify"]["said"]) == (
        done["privacy verify"].isoformat(),
        "0 faults",
    )
    assert after["coalition database backup"]["at"] is None


def test_the_hosts_are_the_mail_server_and_the_feeds_that_are_read(shell: Shell) -> None:
    shell.run("feed", "add", "https://www.example.org/news.atom", "--topic", "housing")
    shell.run("feed", "add", "https://gone.example.org/news.atom", "--topic", "housing")
    shell.run("feed", "remove", "2")

    hosts = [row["host"] for row in shell.run("privacy", "report", "--json").json["hosts"]]

    assert shell.settings["COALITION_SMTP_URL"].removeprefix("smtp://") in hosts
    assert "www.example.org" in hosts
    assert "gone.example.org" not in hosts


def test_copies_of_the_database_that_lie_about_are_told(shell: Shell, tmp_path: Path) -> None:
    home, page = shell.house.config.home, tmp_path / "report.html"
    assert shell.run("privacy", "report", "--json").json["copies_of_the_database"] == []
    assert "No copies of the database" in shell.run("privacy", "report").out
    shell.run("database", "backup")
    replaced = home / "coalition-replaced-2026-01-01T000000-0.db"
    if shell.house.database.is_sqlite:
        replaced.write_bytes(b"")
        os.utime(replaced, (0, 0))

    found = shell.run("privacy", "report", "--json").json["copies_of_the_database"]
    shell.run("privacy", "report", "--html", str(page))

    [backup] = (home / "backups").iterdir()
    names = [*([replaced.name] if replaced.exists() else []), backup.name]
    assert [row["copy"] for row in found] == names
    assert all(name in page.read_text("utf-8") for name in names)


def test_the_page_says_what_the_text_says_and_loads_nothing(shell: Shell, tmp_path: Path) -> None:
    shell.house.join("ada@example.org")
    page = tmp_path / "report.html"

    said = shell.run("privacy", "report", "--html", str(page)).out
    told = shell.run("privacy", "report", "--json").json

    html = page.read_text("utf-8")
    assert said == f"{page}\n"
    assert told["consent_chain"]["hash"] in html
    for row in told["kept"]:
        assert f'<th scope="row">{row["what"]}</th><td>{row["days"]}</td>' in html
    assert _Loads.of(html) == []
    assert not re.search(r"url\(|@import", html)


def test_a_file_that_cannot_be_written_is_told_in_one_line(shell: Shell, tmp_path: Path) -> None:
    assert "can't be written" in shell.refused("privacy", "report", "--html", str(tmp_path / "none" / "report.html"))


class _Loads(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @classmethod
    def of(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "srcset", "action"}]
