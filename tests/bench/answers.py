"""How long the door of sign-ups takes for an address in each of six states: a difference would tell who is subscribed.

Each request is for an address of its own; the states come in turn, in an order drawn anew each time. That answer,
statements and rows are equal is a test (`tests/web/test_enumeration.py`); how long they take can only be measured.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert

from coalition.address import Address
from coalition.app import create_app
from coalition.clock import utcnow
from coalition.community import Limits
from coalition.models import Format, PauseMode, Scope, State, Subscriber, Suppression
from coalition.resources import Resources
from coalition.tokens import random_code
from coalition.vault import Vault
from tests.bench.engines import engines, opened
from tests.bench.ratios import Line, Spread, Table
from tests.house import hidden

NEW = "new"
STATES = {
    NEW: None,
    "pending": State.PENDING,
    "confirmed": State.ACTIVE,
    "left": State.LEFT,
    "suppressed": State.ACTIVE,
    "erased": State.ERASED,
}
_WARM = 20  # requests of each state that are not counted
_ANY = 10**9
_NO_LIMITS = Limits(_ANY, _ANY, _ANY, _ANY, _ANY, form_seconds=0)


def measure(requests: int, rounds: int, folder: Path, tell: Callable[[str], None]) -> Table:
    """So many requests of each state in each round, each round on a fresh copy."""
    ratios: dict[str, dict[str, list[float]]] = {state: {} for state in STATES if state != NEW}
    effects: dict[str, dict[str, list[float]]] = {state: {} for state in STATES if state != NEW}
    with engines(folder, lambda resources: _fill(resources, requests + _WARM)) as found:
        for number in range(rounds):
            for engine in found:
                with engine.copied(folder) as config, opened(config) as resources:
                    took = _round(resources, requests, random.Random(number))
                for state, seconds in took.items():
                    if state != NEW:
                        ratio = median(seconds) / median(took[NEW])
                        ratios[state].setdefault(engine.name, []).append(ratio)
                        effects[state].setdefault(engine.name, []).append(effect(seconds, took[NEW]))
                tell(f"answers, round {number + 1} of {rounds}: {engine.name}")
    return Table(
        "answers",
        f"{requests} sign-ups for addresses of each state, in turn, {rounds} rounds; Cliff's delta from -1 to 1",
        [
            *(_line(f"{state} / new, ratio of medians", each) for state, each in ratios.items()),
            *(_line(f"{state} against new, effect size", each) for state, each in effects.items()),
        ],
    )


def effect(some: Sequence[float], others: Sequence[float]) -> float:
    """Cliff's delta: how much likelier one of some is greater than one of the others than it is smaller."""
    ordered = sorted(others)
    above = sum(bisect_left(ordered, each) for each in some)
    below = sum(len(ordered) - bisect_right(ordered, each) for each in some)
    return (above - below) / (len(some) * len(others))


def _line(name: str, figures: dict[str, list[float]]) -> Line:
    return Line(name, {engine: Spread.of(each) for engine, each in figures.items()})


def _round(resources: Resources, requests: int, chance: random.Random) -> dict[str, list[float]]:
    community = replace(resources.config.community, limits=_NO_LIMITS)
    config = replace(resources.config, community=community)
    browser = create_app(replace(resources, config=config)).test_client()
    took: dict[str, list[float]] = {state: [] for state in STATES}
    for number in range(requests + _WARM):
        for state in chance.sample([*STATES], len(STATES)):
            seconds = _sign_up(browser, f"{state}{number}@example.org")
            if number >= _WARM:
                took[state].append(seconds)
    return took


def _sign_up(browser: FlaskClient, address: str) -> float:
    stamp = hidden(browser.get("/join/main").text, "stamp")
    data = {"email": address, "topics": ["housing", "events"], "stamp": stamp}
    began = perf_counter()
    answer = browser.post("/join/main", data=data)
    seconds = perf_counter() - began
    if answer.status_code != 303:
        raise RuntimeError(f"a sign-up was answered with {answer.status_code}")
    return seconds


def _fill(resources: Resources, each: int) -> None:
    now = utcnow()
    people = [(f"{state}{number}@example.org", state) for state in STATES if state != NEW for number in range(each)]
    rows = [_row(resources.vault, Address.known(address), state, now) for address, state in people]
    refused = [_refusal(resources.vault, address, state, now) for address, state in people if state in _REFUSED]
    with resources.database.transaction() as session:
        session.connection().execute(insert(Subscriber), rows)
        session.connection().execute(insert(Suppression), refused)


def _row(vault: Vault, address: Address, state: str, now: datetime) -> dict[str, Any]:
    is_empty = state == "erased"
    return {
        "code": random_code(),
        "address_sealed": None if is_empty else vault.seal(address),
        "address_key": None if is_empty else vault.key(address),
        "locale": "en",
        "format": Format.HTML,
        "pause_mode": PauseMode.CATCH_UP,
        "epoch": 1,
        "state": STATES[state],
        "created_at": now - timedelta(days=90),
        "confirmed_at": None if state == "pending" else now - timedelta(days=90),
    }


_REFUSED = {"suppressed": Scope.ALL, "erased": Scope.LIST}


def _refusal(vault: Vault, address: str, state: str, now: datetime) -> dict[str, Any]:
    key = vault.key(Address.known(address))
    return {"address_key": key, "code": None, "scope": _REFUSED[state], "reason": "staff", "since": now}
