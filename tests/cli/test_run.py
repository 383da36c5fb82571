"""`coalition run` as a real program: it answers, says where, ends when it is told to, and begins again."""

import signal
import socket
import urllib.request
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.cli.shell import end, free_ports, program, running
from tests.web.doors import speak

READY = "Ctrl-C ends it."


def _ports(ports: list[int]) -> dict[str, str]:
    return {"BIND": f"127.0.0.1:{ports[0]}", "MAILBOX_PORT": str(ports[1])}


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        assert answer.status == HTTPStatus.OK
        return str(answer.read().decode())


def test_it_answers_where_it_says_and_ends_at_once_when_told(tmp_path: Path) -> None:
    ports = free_ports()

    with running("run", folder=tmp_path, ready=READY, **_ports(ports)) as (process, said):
        assert f"http://127.0.0.1:{ports[0]}/" in said
        assert f"http://127.0.0.1:{ports[1]}" in said
        assert str(tmp_path / "instance") in said
        assert "Sample topics and items are in place" in said
        assert 'name="email"' in _get(f"http://127.0.0.1:{ports[0]}/")
        assert "Local mailbox" in _get(f"http://127.0.0.1:{ports[1]}/")
        assert end(process, signal.SIGTERM) == 0


def test_it_says_what_another_terminal_has_to_know_and_no_secret(tmp_path: Path) -> None:
    settings = {**_ports(free_ports()), "HOME": str(tmp_path / "our list")}
    secret = {"DATABASE_URL": f"sqlite:///{tmp_path}/secret.db"}

    with running("run", folder=tmp_path, ready=READY, **settings, **secret) as (_, said):
        assert f"  export COALITION_BIND={settings['BIND']}\n" in said
        assert f"  export COALITION_HOME='{tmp_path}/our list'\n" in said
        assert said.count("export ") == 2
        assert "secret.db" not in said


def test_it_ends_well_however_often_it_is_told_and_begins_again_where_it_was(tmp_path: Path) -> None:
    ports = free_ports()

    for number, signals in enumerate([[signal.SIGTERM] * 2, [signal.SIGINT] * 3, [signal.SIGINT, signal.SIGTERM]]):
        with running("run", folder=tmp_path, ready=READY, **_ports(ports)) as (process, said):
            assert ("Sample topics" in said) == (number == 0)
            assert end(process, *signals) == 0

    assert program("outbox", "check", folder=tmp_path).code == 0


def test_it_ends_although_nobody_reads_any_more_what_it_says(tmp_path: Path) -> None:
    with running("run", folder=tmp_path, ready=READY, **_ports(free_ports())) as (process, _):
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert end(process, signal.SIGTERM) == 1

    assert program("outbox", "check", folder=tmp_path).code == 0


_BEYOND_MEASURE = {
    "400": b"no HTTP at all\r\n\r\n",
    "413": b"POST /join/main HTTP/1.0\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
    "501": b"POST /join/main HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
}


def test_w1_what_the_server_refuses_by_itself_carries_the_headers_too(tmp_path: Path) -> None:
    ports = free_ports()

    with running("run", folder=tmp_path, ready=READY, **_ports(ports)):
        answers = {status: speak(ports[0], request) for status, request in _BEYOND_MEASURE.items()}

    for status, answer in answers.items():
        assert answer.split()[1] == status.encode()
        for header in (
            b"Content-Security-Policy: default-src 'none';",
            b"X-Content-Type-Options: nosniff",
            b"Referrer-Policy: same-origin",
            b"Permissions-Policy: ",
            b"Cross-Origin-Opener-Policy: same-origin",
            b"Cross-Origin-Resource-Policy: same-origin",
            b"Cache-Control: no-store",
        ):
            assert answer.count(b"\r\n" + header) == 1, (status, header)
        assert b"waitress" not in answer


def test_serving_pages_alone_ends_as_well(tmp_path: Path) -> None:
    ports = free_ports()
    assert program("database", "upgrade", folder=tmp_path).code == 0

    with running("serve", folder=tmp_path, ready="Pages: ", **_ports(ports)) as (process, said):
        assert _get(said.split("Pages: ")[1].strip() + "privacy")
        assert end(process, signal.SIGTERM) == 0


def test_a_sender_alone_ends_as_well(tmp_path: Path) -> None:
    ports = free_ports()
    settings = {**_ports(ports), "SMTP_URL": f"smtp://127.0.0.1:{ports[1]}"}
    assert program("database", "upgrade", folder=tmp_path).code == 0

    with running("run", folder=tmp_path, ready=READY, **settings) as (process, said):
        assert "Letters go to your mail server." in said
        assert end(process, signal.SIGTERM) == 0


@pytest.mark.parametrize("taken", ["page", "mailbox"])
def test_a_taken_port_is_told_in_one_line(taken: str, tmp_path: Path) -> None:
    ports = free_ports()
    program("database", "upgrade", folder=tmp_path)

    with socket.create_server(("127.0.0.1", ports[taken == "mailbox"])):
        said = program("run", folder=tmp_path, **_ports(ports))

    assert said.code == 2
    [line] = said.err.splitlines()
    assert str(ports[taken == "mailbox"]) in line
    assert "COALITION_" in line


def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for home in ("/proc/coalition", str(tmp_path / "file" / "home")):
        said = program("run", folder=tmp_path, HOME=home)
        assert said.code == 2
        [line] = said.err.splitlines()
        assert home in line
        assert "COALITION_HOME" in line


@pytest.mark.parametrize(
    "settings",
    [
        {"BIND": "8000"},
        {"BASE_URL": "http://[::1"},
        {"DATABASE_URL": "sqlite:////dev/null/a.db"},
        {"DATABASE_URL": "postgresql://127.0.0.1:1/x"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_told_in_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    said = program("run", folder=tmp_path, **settings)

    assert said.code == 2
    assert said.out == ""
    [line] = said.err.splitlines()
    assert f"COALITION_{next(iter(settings))}" in line


def test_every_wrong_setting_has_a_line_of_its_own(tmp_path: Path) -> None:
    said = program("run", folder=tmp_path, BIND="x", RATE="x", TYPO="x")

    assert (said.code, len(said.err.splitlines())) == (2, 3)


def test_a_damaged_key_is_told_in_one_line(tmp_path: Path) -> None:
    program("database", "upgrade", folder=tmp_path)
    (tmp_path / "instance" / "keys" / "tokens.key").write_text("1 changeme\n")

    for verb in (["run"], ["topic", "list"]):
        said = program(*verb, folder=tmp_path)
        assert said.code == 2
        [line] = said.err.splitlines()
        assert "tokens.key" in line
        assert "changeme" not in line
