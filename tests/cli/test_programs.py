"""The main flows with real programs: one that runs, and staff's commands beside it, over real HTTP and real mail."""

import re
import signal
import urllib.parse
import urllib.request
from pathlib import Path

from tests.cli.shell import end, free_ports, program, running
from tests.house import COMMUNITY, link, links_in, parse, text_of
from tests.relay import CatchAll, Received

READY = "Ctrl-C ends it."
NEWS = "---\ntitle: Rents fall\ntopic: {topic}\n---\nThey *really* do.\n"


def _open(url: str, **fields: str) -> str:
    data = urllib.parse.urlencode(fields).encode() if fields else None
    with urllib.request.urlopen(url, data) as answer:
        return str(answer.read().decode())


def _hidden(page: str, name: str) -> str:
    found: set[str] = set(re.findall(rf'name="{name}" value="([^"]*)"', page))
    return found.pop()


def _to(recipient: str, received: list[Received]) -> list[Received]:
    return [each for each in received if each.recipient == recipient]


def test_a_reader_comes_in_reads_what_staff_sent_and_leaves(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "community.toml").write_text(COMMUNITY)
    (tmp_path / "news.md").write_text(NEWS.format(topic="tools"))
    ports = free_ports(1)

    with CatchAll() as relay:
        settings = {"BIND": f"127.0.0.1:{ports[0]}", "SMTP_URL": f"smtp://127.0.0.1:{relay.port}"}
        with running("run", folder=tmp_path, ready=READY, **settings) as (process, _):
            base = f"http://127.0.0.1:{ports[0]}"
            stamp = _hidden(_open(f"{base}/"), "stamp")
            _open(f"{base}/join/main", email="ada@example.org", topics="tools", stamp=stamp)
            confirm = link(parse(relay.wait_for(1)[0]), "/confirm/")
            _open(confirm, answer="yes", stamp=_hidden(_open(confirm), "stamp"))
            relay.wait_for(2)

            assert "published as" in program("item", "add", "news.md", folder=tmp_path, **settings).out
            planned = program("digest", "plan", "weekly", "--subject", "The week", folder=tmp_path, **settings)
            assert "1 letter in 1 variant" in planned.out
            preview = program("digest", "preview", "weekly", "--no-browser", folder=tmp_path, **settings)
            assert [Path(line).exists() for line in preview.out.splitlines()] == [True]
            program("digest", "test", "weekly", "staff@example.org", folder=tmp_path, **settings)
            sent = program("digest", "send", "weekly", "--yes", folder=tmp_path, **settings)  # it watches to the end
            assert "“The week”: sent" in sent.out
            assert "No sender runs" not in sent.out

            received = relay.wait_for(4)
            assert len(_to("staff@example.org", received)) == 1
            digest = parse(_to("ada@example.org", received)[-1])
            assert "Rents fall" in text_of(digest)
            leave = digest["List-Unsubscribe"].strip("<>")
            assert leave in links_in(digest)
            assert "You have left" in _open(leave, **{"List-Unsubscribe": "One-Click"})

            counted = program("subscriber", "count", "--json", folder=tmp_path, **settings)
            assert '"left": 1' in counted.out
            assert end(process, signal.SIGTERM) == 0
        assert program("outbox", "check", folder=tmp_path, **settings).code == 0


def test_staff_set_up_topics_forms_and_news_with_programs(tmp_path: Path) -> None:
    def staff(*words: str) -> str:
        said = program(*words, folder=tmp_path)
        assert (said.code, said.err) == (0, "")
        return said.out

    (tmp_path / "news.md").write_text(NEWS.format(topic="housing"))
    assert "are made" in staff("database", "upgrade")
    staff("topic", "add", "housing", "--name", "Housing", "--description", "Homes and rents.")
    staff("form", "add", "main", "--topic", "housing", "--wording", "I would like news about housing by e-mail.")
    assert 'action="http://127.0.0.1:8000/join/main"' in staff("form", "snippet", "main")
    assert "item 1" in staff("item", "add", "news.md")
    assert '"slug": "housing"' in staff("topic", "list", "--json")
    assert "checked" in staff("database", "backup")
    assert "All 0 deliveries" in staff("outbox", "check")
    assert "Nobody yet." in staff("subscriber", "count")


def test_a_bad_file_is_one_line_and_a_1(tmp_path: Path) -> None:
    program("database", "upgrade", folder=tmp_path)
    (tmp_path / "bad.md").write_text("Rents fall")

    said = program("item", "add", "bad.md", folder=tmp_path)

    assert (said.out, said.code) == ("", 1)
    assert said.err.startswith("bad.md: ")
    assert len(said.err.splitlines()) == 1


def test_without_a_database_every_command_says_what_to_do(tmp_path: Path) -> None:
    for words in (["topic", "list"], ["serve"]):
        said = program(*words, folder=tmp_path)
        assert said.code == 2
        [line] = said.err.splitlines()
        assert "coalition database upgrade" in line
