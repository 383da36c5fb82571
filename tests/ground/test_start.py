"""Starting: everything is made once, by however many at once; a foreign database or key refuses, in one line."""

import threading
from pathlib import Path

import pytest

from coalition.errors import Misconfigured
from coalition.resources import open_resources, prepare
from coalition.rings import create_rings
from tests.ground.bench import config_of, run


def test_eight_that_prepare_one_home_at_once_make_one_installation(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def begin() -> None:
        together.wait()
        try:
            prepare(config)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    open_resources(config).database.close()
    assert sorted(path.name for path in config.keys.iterdir()) == ["lookup.key", "sealing.key", "tokens.key"]


def test_a_database_of_a_newer_coalition_is_told_so(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    prepare(config)
    run(url, "UPDATE alembic_version SET version_num = '4711'")

    with pytest.raises(Misconfigured, match="newer Coalition"):
        open_resources(config)


def test_a_newer_database_is_not_upgraded_either(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    prepare(config)
    run(url, "UPDATE alembic_version SET version_num = '4711'")

    with pytest.raises(Misconfigured, match="newer Coalition"):
        prepare(config)


def test_an_empty_database_is_told_so(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="coalition database upgrade"):
        open_resources(config_of(tmp_path / "home", url))


def test_preparing_makes_everything_once(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)

    assert prepare(config) is True
    kept = {path: path.read_bytes() for path in [*config.keys.iterdir(), config.home / "community.toml"]}
    assert prepare(config) is False

    assert {path: path.read_bytes() for path in kept} == kept
    open_resources(config).database.close()


def test_a_key_that_is_missing_or_foreign_refuses_to_start(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    prepare(config)
    create_rings(tmp_path / "foreign")
    ours = (config.keys / "sealing.key").read_bytes()

    (config.keys / "sealing.key").write_bytes((tmp_path / "foreign" / "sealing.key").read_bytes())
    with pytest.raises(Misconfigured) as foreign:
        open_resources(config)
    (config.keys / "sealing.key").unlink()
    with pytest.raises(Misconfigured, match=r"sealing\.key"):
        open_resources(config)
    with pytest.raises(Misconfigured, match=r"sealing\.key"):
        prepare(config)  # a database with rows never gets a fresh key
    (config.keys / "sealing.key").write_bytes(ours)
    (config.keys / "sealing.key").chmod(0o600)

    assert [line.split("key ring ")[1].split()[0] for line in str(foreign.value).split("\n")] == ["sealing", "sealing"]
    open_resources(config).database.close()


def test_the_keys_of_a_backup_fit_an_empty_database(url: str, tmp_path: Path) -> None:
    config = config_of(tmp_path / "home", url)
    create_rings(config.keys)
    before = (config.keys / "tokens.key").read_bytes()

    assert prepare(config)

    assert (config.keys / "tokens.key").read_bytes() == before
    open_resources(config).database.close()


@pytest.mark.parametrize("url", ["sqlite:////dev/null/folder/a.db", "postgresql://127.0.0.1:1/x"])
def test_a_database_that_cannot_be_reached_is_told_in_one_line(url: str, tmp_path: Path) -> None:
    for begin in (prepare, open_resources):
        with pytest.raises(Misconfigured, match="can't be reached") as caught:
            begin(config_of(tmp_path / "home", url))
        assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is a letter, not a database" * 99)

    for begin in (prepare, open_resources):
        with pytest.raises(Misconfigured, match="or is none"):
            begin(config_of(tmp_path / "home", f"sqlite:///{tmp_path / 'a.db'}"))
