"""Large lists: how long planning takes, and how much memory a sender needs however many letters wait."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from coalition.clock import utcnow
from coalition.resources import Resources
from coalition.services import issues
from tests.bench import crowd, ways
from tests.bench.engines import engines, opened
from tests.bench.ratios import Line, Spread, Table

_PLANNED, _PEAK = "plan, seconds", "sender's peak, MB"
_SECONDS = 10  # that a sender is watched


def measure(sizes: Sequence[int], folder: Path, tell: Callable[[str], None]) -> Table:
    """Plan for so many readers of three topics, then let a sender begin with all of it queued. Each size once."""
    lines = []
    for size in sizes:
        planned: dict[str, Spread] = {}
        peaks: dict[str, Spread] = {}
        with engines(folder / str(size), partial(crowd.gather, readers=size, now=utcnow())) as found:
            for engine in found:
                with opened(engine.template_config) as resources:
                    planned[engine.name] = Spread.of([_plan(resources)])
                peaks[engine.name] = Spread.of([_peak(str(engine.template.home), engine.template.url)])
                tell(f"{size:,} readers: {engine.name}")
        lines += [
            Line(f"{size:,} readers: {_PLANNED}", planned, "< 60" if size == 1_000_000 else ""),
            Line(f"{size:,} queued: {_PEAK}", peaks, "< 150" if size == 1_000_000 else ""),
        ]
    said = f"three topics each; a sender that gives letters away for {_SECONDS} seconds, to nobody"
    return Table("scale", said, lines)


def _plan(resources: Resources) -> float:
    began = perf_counter()
    plan = ways.plan(resources, utcnow())
    seconds = perf_counter() - began
    with resources.database.transaction() as session:
        issues.send(session, resources.config.community, plan.issue_id, utcnow())
    return seconds


def _peak(home: str, url: str) -> float:
    arguments = [sys.executable, "-m", "tests.bench.delivering", home, url, "0", "4", str(_SECONDS)]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout)["peak"])
