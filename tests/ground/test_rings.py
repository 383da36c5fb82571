"""Key rings that change: what dies in the middle of a rotation is mended by the next start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert

from coalition.config import Config
from coalition.db import Database
from coalition.errors import Misconfigured, Refused
from coalition.models import KnownKey
from coalition.resources import open_resources, prepare
from coalition.rings import Ring, RingFile, create_rings, put_in_place, read_ring, write_beside
from tests.ground.bench import config_of

ONE, TWO = bytes(range(32)), bytes(range(60, 92))


def test_a_fresh_key_stands_last_and_the_others_stay(tmp_path: Path) -> None:
    create_rings(tmp_path)
    old = read_ring(tmp_path, "sealing")

    write_beside(tmp_path, old.with_a_new_key())
    assert read_ring(tmp_path, "sealing") == old
    put_in_place(tmp_path, "sealing")

    new = read_ring(tmp_path, "sealing")
    assert new.keys[:-1] == old.keys
    assert new.newest[0] == 2
    assert (tmp_path / "sealing.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "next" in path.name] == []


def test_a_ring_that_is_full_takes_no_more() -> None:
    with pytest.raises(Refused, match="is full"):
        Ring("tokens", ((255, ONE),)).with_a_new_key()


def test_only_an_older_key_can_be_taken_out() -> None:
    ring = Ring("tokens", ((1, ONE), (2, TWO)))

    assert ring.without(1) == Ring("tokens", ((2, TWO),))
    for number in (2, 3):
        with pytest.raises(Refused, match=str(number)):
            ring.without(number)


def test_a_program_that_runs_follows_the_file(tmp_path: Path) -> None:
    create_rings(tmp_path)
    followed = RingFile(tmp_path, "tokens")
    before = followed.now()
    assert followed.now() is before

    write_beside(tmp_path, before.with_a_new_key())
    put_in_place(tmp_path, "tokens")

    assert followed.now() == read_ring(tmp_path, "tokens") != before
    assert followed.lately() == followed.now()


def test_what_makes_thousands_a_second_follows_the_file_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_rings(tmp_path)
    followed = RingFile(tmp_path, "tokens")
    write_beside(tmp_path, followed.now().with_a_new_key())
    put_in_place(tmp_path, "tokens")

    monkeypatch.setattr("coalition.rings._LATELY_SECONDS", 0.0)

    assert followed.lately() == read_ring(tmp_path, "tokens")


def test_a_program_that_runs_survives_a_file_that_is_gone_or_damaged(tmp_path: Path) -> None:
    create_rings(tmp_path)
    followed = RingFile(tmp_path, "tokens")
    before = followed.now()

    (tmp_path / "tokens.key").write_text("damaged")
    assert followed.now() is before
    (tmp_path / "tokens.key").unlink()
    assert followed.now() is before


def _installed(home: Path, url: str) -> Path:
    config = config_of(home, url)
    prepare(config)
    return config.keys


def _remember(url: str, name: str, fingerprint: str) -> None:
    database = Database(url)
    with database.transaction() as session:
        session.execute(insert(KnownKey).values(name=name, fingerprint=fingerprint))
    database.close()


def _open(config: Config) -> None:
    open_resources(config).database.close()


@pytest.mark.parametrize("begin", [prepare, _open])
def test_a_rotation_that_died_before_its_file_was_in_place_is_finished(
    begin: Callable[[Config], object], url: str, tmp_path: Path
) -> None:
    folder = _installed(tmp_path, url)
    new = read_ring(folder, "sealing").with_a_new_key()
    write_beside(folder, new)
    _remember(url, "sealing", new.fingerprints[-1])

    begin(config_of(tmp_path, url))

    assert read_ring(folder, "sealing") == new
    assert not (folder / "sealing.key.next").exists()


def test_a_rotation_that_died_before_the_database_knew_of_it_did_not_happen(url: str, tmp_path: Path) -> None:
    folder = _installed(tmp_path, url)
    old = read_ring(folder, "sealing")
    write_beside(folder, old.with_a_new_key())

    _open(config_of(tmp_path, url))

    assert read_ring(folder, "sealing") == old
    write_beside(folder, old.with_a_new_key())  # the next rotation is not stopped by what lies there


def test_a_ring_of_somebody_else_that_lies_beside_changes_nothing(url: str, tmp_path: Path) -> None:
    folder = _installed(tmp_path, url)
    old = read_ring(folder, "tokens")
    write_beside(folder, Ring("tokens", ((1, ONE),)))

    _open(config_of(tmp_path, url))

    assert read_ring(folder, "tokens") == old


def test_a_lost_key_of_links_says_how_to_begin_anew_and_the_others_ask_for_the_backup(url: str, tmp_path: Path) -> None:
    folder = _installed(tmp_path, url)
    for name, cure in (("tokens", "keys rotate tokens --lost"), ("sealing", "restore it from your backup of the keys")):
        (folder / f"{name}.key").rename(tmp_path / "away")
        with pytest.raises(Misconfigured, match=cure):
            open_resources(config_of(tmp_path, url))
        (tmp_path / "away").rename(folder / f"{name}.key")
