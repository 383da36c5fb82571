"""`coalition keys`"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from coalition import schema
from coalition.cli.shared import Group, json_option, opened, show
from coalition.config import read_config
from coalition.db import Database
from coalition.errors import Misconfigured, Refused
from coalition.resources import Resources
from coalition.rings import RING_NAMES, Ring, alone, put_in_place, read_ring, write_beside
from coalition.services import audit, keys

_RING = click.Choice(RING_NAMES)
_BACK_UP = "Back up the folder {folder} now: a backup of the database made from now on needs it."


@click.group("keys", cls=Group)
def keys_() -> None:
    """The keys of links, of sealed addresses, and of finding them."""


@keys_.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all keys, which one each ring uses, and how many values each still seals. No key is shown.

    Example: coalition keys list
    """
    resources = opened()
    with resources.database.reading() as session:
        sealed = keys.held(session)
    rows = [
        {
            "ring": ring.name,
            "key": number,
            "fingerprint": mark[:12],
            "makes new ones": number == ring.newest[0],
            "seals": sealed[number] if ring.name == "sealing" else None,
        }
        for ring in (read_ring(resources.config.keys, name) for name in RING_NAMES)
        for (number, _), mark in zip(ring.keys, ring.fingerprints, strict=True)
    ]
    show(rows, as_json=as_json, empty="No keys.")


@keys_.command("rotate")
@click.argument("ring", type=_RING)
@click.option("--later", is_flag=True, help="Let `coalition tick` seal addresses anew, bit by bit.")
@click.option("--lost", is_flag=True, help="The file of `tokens` is lost and no backup has it: begin anew.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def rotate(ring: str, later: bool, lost: bool, yes: bool) -> None:
    """Add a fresh key to a ring; whatever runs uses it from then on, and the older ones go on opening.

    tokens: old links work until they are too old, or until the old key is dropped. sealing: every address is sealed
    anew, which may be interrupted and goes on by itself. lookup: the old keys go on finding whom they found.

    Example: coalition keys rotate tokens
    """
    if lost:
        _begin_anew(ring, yes=yes)
        return
    resources = opened()
    with alone(resources.config.keys):
        _change(resources.database, resources.config.keys, read_ring(resources.config.keys, ring).with_a_new_key())
    if ring == "sealing" and not later:
        _seal_anew(resources)
    click.echo(f"The key ring {ring} has a new key. {_BACK_UP.format(folder=resources.config.keys)}")


@keys_.command("drop")
@click.argument("ring", type=_RING)
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Don't ask.")
def drop(ring: str, number: int, yes: bool) -> None:
    """Take an older key out of a ring, as when somebody else has seen it.

    tokens: links made with it end at once; leaving goes on. sealing: only when nothing is sealed with it any more, and
    backups from before can't be read without it. lookup: never, because the erased are known by it.

    Example: coalition keys drop tokens 1
    """
    resources = opened()
    folder = resources.config.keys
    with alone(folder):
        smaller = read_ring(folder, ring).without(number)
        if ring == "lookup":
            raise Refused("Look-up keys stay: those who must not be written to are known by them alone.")
        if ring == "sealing":
            with resources.database.reading() as session:
                sealed = keys.held(session)[number]
            if sealed:
                raise Refused(
                    f"Key {number} still seals {sealed} values: `coalition keys rotate sealing` seals them anew."
                )
        if not yes:
            click.confirm(f"Drop key {number} of the ring {ring}? It can't be undone.", abort=True)
        _change(resources.database, folder, smaller)
    click.echo(f"Key {number} of the ring {ring} is gone. Keep it with the backups from before, or destroy both.")


def _begin_anew(ring: str, *, yes: bool) -> None:
    """A ring of one fresh key in the place of one that is lost; nothing but the database is opened for it."""
    if ring != "tokens":
        raise Refused(f"Without the key ring {ring} no address can be read: only a backup of the keys brings it back.")
    config = read_config()
    database = Database(config.database_url)
    try:
        schema.require_current(database)
        schema.settle_keys(database, config.keys)
        with alone(config.keys):
            if not _is_lost(database, config.keys, ring):
                raise Refused("The key ring tokens is whole: `coalition keys rotate tokens` adds a key to it.")
            if not yes:
                click.confirm("All links in letters sent so far will end, except those for leaving. Go on?", abort=True)
            _change(database, config.keys, Ring(ring, ()).with_a_new_key())
    finally:
        database.close()
    click.echo(f"The key ring tokens begins anew. {_BACK_UP.format(folder=config.keys)}")


def _is_lost(database: Database, folder: Path, name: str) -> bool:
    try:
        schema.require_keys(database, (read_ring(folder, name),))
    except Misconfigured:
        return True
    return False


def _change(database: Database, folder: Path, ring: Ring) -> None:
    """Beside, known, in place: in this order whatever dies in between is mended by the next start."""
    write_beside(folder, ring)
    with database.transaction() as session:
        keys.remember(session, ring)
        audit.record(session, "keys", f"{ring.name}: {', '.join(str(number) for number, _ in ring.keys)}")
    put_in_place(folder, ring.name)


def _seal_anew(resources: Resources) -> None:
    with resources.database.reading() as session:
        old = keys.held(session)
    del old[resources.vault.sealing.newest[0]]
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=max(old.total(), 1), label="Sealing anew", file=sys.stderr, hidden=hidden) as bar:
        for done in sealing_anew(resources):
            bar.update(done)


def sealing_anew(resources: Resources) -> Iterator[int]:
    """Seal anew what older keys have sealed, in one short transaction after another. Yields how many in each."""
    for column in keys.SEALED:
        last, more = 0, True
        while more:
            with resources.database.transaction() as session:
                last, done = keys.seal_anew(session, resources.vault, column, last)
            more = last > 0
            yield done
