"""Writing letters alone: a crowd with few kinds of letters, once all plain, once with nothing that is plain."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter

from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.ready import Ready
from tests.bench import crowd, ways
from tests.bench.engines import engines, opened
from tests.bench.ratios import Line, Spread, Table

_LETTERS, _SAMPLE = 5_000, 200


def measure(rounds: int, folder: Path, tell: Callable[[str], None]) -> Table:
    """The email package's way for some letters, ours for many; plain ones and others in turn."""
    plain, other, usual, usual_other = [], [], [], []
    with (
        engines(folder, partial(crowd.gather, readers=_LETTERS, now=utcnow())) as found,
        found[0].copied(folder) as config,
        opened(config) as resources,
    ):
        letters = _letters(resources)
        for number in range(rounds):
            composer = Composer(config, resources.database, resources.links, resources.letters)
            plain.append(_rate(composer, [_plain(each) for each in letters]))
            usual.append(_usual(composer, [_plain(each) for each in letters[:_SAMPLE]]))
            other.append(_rate(composer, [_unlike(each, at) for at, each in enumerate(letters)]))
            usual_other.append(_usual(composer, [_unlike(each, at) for at, each in enumerate(letters[:_SAMPLE])]))
            tell(f"composing, round {number + 1} of {rounds}")
    return Table(
        "composing",
        f"{_LETTERS:,} letters of two kinds from a sender that has just started, {rounds} rounds",
        [
            Line("plain: ours / the email package's way", _ratios(plain, usual), ">= 100"),
            Line("not plain: ours / the email package's way", _ratios(other, usual_other), ">= 100"),
            Line("not plain / plain", _ratios(other, plain), ">= 0.5"),
            Line("plain, letters a second", {"ours": Spread.of(plain), "email package": Spread.of(usual)}),
            Line("not plain, letters a second", {"ours": Spread.of(other), "email package": Spread.of(usual_other)}),
        ],
    )


def _letters(resources: Resources) -> list[Ready]:
    now = utcnow()
    plan = ways.plan(resources, now)
    return [waiting.ready for waiting in ways.send(resources, plan.issue_id, now)]


def _plain(ready: Ready) -> Ready:
    return ready._replace(recipient=crowd.address(ready.delivery_id * 20), locale="en")


def _unlike(ready: Ready, number: int) -> Ready:
    """Addresses that are long or odd, and dates of many days in a language beyond ASCII."""
    since = {slug: moment - timedelta(days=number % 300) for slug, moment in ready.since.items()}
    return ready._replace(recipient=crowd.address(number * 20 + (7 if number % 2 else 13)), locale="ar", since=since)


def _rate(composer: Composer, letters: Sequence[Ready]) -> float:
    began = perf_counter()
    for each in letters:
        composer.compose(each)
    return len(letters) / (perf_counter() - began)


def _usual(composer: Composer, letters: Sequence[Ready]) -> float:
    """A whole message through the standard library for each reader; kind to it: its templates are rendered already."""
    began = perf_counter()
    for each in letters:
        composer.compose_slowly(each, composer.copy_of(each.variant_id or 0))
    return len(letters) / (perf_counter() - began)


def _ratios(ones: Sequence[float], others: Sequence[float]) -> dict[str, Spread]:
    return {"ours": Spread.of([one / other for one, other in zip(ones, others, strict=True)])}
