"""Ways into a house that the test client doesn't have: raw bytes, another `community.toml`, no database."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import waitress
from flask.testing import FlaskClient
from waitress import wasyncore
from werkzeug.test import TestResponse

from coalition.app import create_app
from coalition.clock import utcnow
from coalition.community import Community, read_community
from coalition.db import Database
from coalition.tokens import random_code
from tests.house import House, hidden, link


def with_community(house: House, **facts: object) -> FlaskClient:
    """A browser before the same house with other facts in its `community.toml`."""
    config = replace(house.config, community=community_with(house, **facts))
    return create_app(replace(house.resources, config=config)).test_client()


def community_with(house: House, **facts: object) -> Community:
    """The community after these facts of its `community.toml` were changed."""
    path = house.config.home / "community.toml"
    text = path.read_text("utf-8")
    for name, value in facts.items():
        written = _toml(value)
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {written}", text, flags=re.MULTILINE)
        assert found == 1, f"community.toml has no {name}"
    path.write_text(text, "utf-8")
    community, faults = read_community(path)
    assert faults == []
    return community


@contextmanager
def without_database(house: House) -> Iterator[FlaskClient]:
    """A browser before a house whose database does not answer."""
    gone = "sqlite:////dev/null/coalition.db" if house.database.is_sqlite else "postgresql://127.0.0.1:1/gone"
    database = Database(gone)
    try:
        yield create_app(replace(house.resources, database=database)).test_client()
    finally:
        database.close()


def at_base_url(house: House, base_url: str) -> FlaskClient:
    """A browser before the same house under another public address."""
    links = replace(house.resources.links, base_url=base_url)
    config = replace(house.config, base_url=base_url)
    return create_app(replace(house.resources, config=config, links=links)).test_client()


@contextmanager
def wire(house: House) -> Iterator[int]:
    """The house behind the web server that `coalition run` uses. Gives the port."""
    sockets: dict[int, Any] = {}
    server = waitress.create_server(
        house.app, host="127.0.0.1", port=0, map=sockets, threads=2, ident=None, max_request_body_size=64 * 1024
    )
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, count=1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.effective_port
    finally:
        stopped.set()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


def speak(port: int, request: bytes) -> bytes:
    """Send raw bytes and read the answer until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def form_stamp(house: House, slug: str = "main") -> str:
    """The stamp of a sign-up form as its page shows it."""
    return hidden(house.browser.get(f"/join/{slug}").text, "stamp")


def digest_link(house: House, address: str = "ada@example.org") -> str:
    """The preference link that a digest to this person carries."""
    person = house.person(address)
    return house.resources.links.preferences(person.code, person.epoch, utcnow())


def fresh_link(house: House, address: str = "ada@example.org") -> str:
    """The link that this person gets by asking for it."""
    person = house.person(address)
    return house.resources.links.fresh(person.code, person.epoch, random_code(), utcnow())


def ask_to_move(house: House, new: str, address: str = "ada@example.org") -> TestResponse:
    """Ask for letters at another address, through a fresh link."""
    return house.press(f"{fresh_link(house, address)}/address", email=new)


def move_link(house: House, new: str = "new@example.org", address: str = "ada@example.org") -> str:
    """The link that comes to the new mailbox."""
    assert ask_to_move(house, new, address).status_code == 200
    house.drain()
    return link(house.letters_to(new)[-1], "/move/")


def put_back_link(house: House, new: str = "new@example.org", address: str = "ada@example.org") -> str:
    """The link that comes to the old mailbox, once the move is done."""
    assert house.press(move_link(house, new, address), answer="yes").status_code == 200
    house.drain()
    return link(house.letters_to(address)[-1], "/moved/")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
