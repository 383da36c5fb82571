"""The databases that are measured: each filled once, and copied for every round."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from coalition.clock import utcnow
from coalition.config import Config, read_config
from coalition.resources import Resources, open_resources
from tests.bench import case
from tests.house import Template
from tests.postgres import IN_EARNEST, Cluster, find_binaries

SEED = 1


@dataclass(frozen=True)
class Engine:
    """One kind of database, with the case in a template of it."""

    name: str
    template: Template
    cluster: Cluster | None  # None: SQLite

    @property
    def template_config(self) -> Config:
        """The settings of the template itself."""
        return read_config({"COALITION_HOME": str(self.template.home), "COALITION_DATABASE_URL": self.template.url})

    @contextmanager
    def copied(self, folder: Path) -> Iterator[Config]:
        """The settings of a fresh copy."""
        home = folder / f"{self.name}-{next(_NUMBERS)}"
        if self.cluster is None:
            url = self.template.copy_sqlite(home)
        else:
            home.mkdir()
            url = self.cluster.create_database(self.template.url)
        shutil.copytree(self.template.home / "keys", home / "keys")
        shutil.copy(self.template.home / "community.toml", home)
        try:
            yield read_config({"COALITION_HOME": str(home), "COALITION_DATABASE_URL": url})
        finally:
            if self.cluster is not None:
                self.cluster.drop_database(url)
            shutil.rmtree(home)


_NUMBERS = count(1)


@contextmanager
def engines(folder: Path, fill: Callable[[Resources], None]) -> Iterator[list[Engine]]:
    """SQLite, and PostgreSQL where it is installed, both as they are in earnest, and filled."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_ones:
        found = [_sqlite(folder / "sqlite")]
        binaries = find_binaries()
        if binaries is not None:
            cluster = Cluster(binaries, IN_EARNEST)
            cluster.start()
            open_ones.callback(cluster.stop)
            found.append(_postgresql(folder / "postgresql", cluster))
        for engine in found:
            with opened(engine.template_config) as resources:
                fill(resources)
        yield found


@contextmanager
def opened(config: Config) -> Iterator[Resources]:
    """Everything of one copy, until it is put away."""
    resources = open_resources(config)
    try:
        yield resources
    finally:
        resources.database.close()


def _sqlite(home: Path) -> Engine:
    home.mkdir()
    return Engine("SQLite", Template.make(home, f"sqlite:///{home / 'coalition.db'}"), None)


def _postgresql(home: Path, cluster: Cluster) -> Engine:
    home.mkdir()
    return Engine("PostgreSQL", Template.make(home, cluster.create_database()), cluster)


def by_choice(resources: Resources, readers: int) -> None:
    """The case of the proofs: its news of the last weeks, and so many readers who chose at random."""
    chance, now = random.Random(SEED), utcnow()
    with resources.database.transaction() as session:
        offered = case.open_topics(session)
        case.publish(session, chance, offered, case.ITEMS, _weeks_before(now), now)
    with resources.database.transaction() as session:
        case.move_in(session, resources.vault, chance, offered, readers, now)


def _weeks_before(now: datetime) -> datetime:
    return now - timedelta(days=40)
