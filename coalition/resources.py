"""What one running Coalition holds, built once and passed to whoever needs it."""

from dataclasses import dataclass
from functools import partial

from coalition import schema
from coalition.clock import utcnow
from coalition.community import SAMPLE
from coalition.config import Config
from coalition.db import Database
from coalition.errors import Misconfigured
from coalition.journal import Journal, own_stream
from coalition.links import Links
from coalition.mail.letters import Letters
from coalition.mail.return_paths import ReturnPaths
from coalition.mail.signing import Signing
from coalition.mail.signing_key import read_signing_key
from coalition.mail.smtp import Outgoing
from coalition.rings import RING_NAMES, RingFile, alone, create_rings, read_ring
from coalition.services import journaling, notices
from coalition.services.backlog import Backlog
from coalition.services.bounces import Returns
from coalition.services.erasure import Eraser
from coalition.services.outbox.composing import Composer
from coalition.services.outbox.sender import Sender
from coalition.spool import Spool
from coalition.tokens import Tokens
from coalition.vault import Vault


@dataclass(frozen=True)
class Resources:
    """The parts of one Coalition."""

    config: Config
    database: Database
    vault: Vault
    tokens: Tokens
    links: Links
    letters: Letters
    journal: Journal
    spool: Spool

    @property
    def eraser(self) -> Eraser:
        """Erases people."""
        return Eraser(self.vault, self.config.community.locale)

    @property
    def backlog(self) -> Backlog:
        """What the database has not learned yet."""
        return Backlog(self.database, self.journal, self.spool, self.config.community, self.eraser)

    def composer(self) -> Composer:
        """Who writes every letter."""
        return Composer(self.config, self.database, self.links, self.letters)

    def sender(self, outgoing: Outgoing) -> Sender:
        """A sender that gives letters to this mail server, signed where the community has a key for that."""
        if selector := self.config.community.dkim_selector:
            key = read_signing_key(self.config.keys, self.config.community.mail_domain, selector)
            outgoing = Signing(outgoing, key)
        return Sender(self.config, self.database, self.vault, self.composer(), outgoing, self.backlog)

    def bounces(self) -> Returns:
        """Where the mail that comes back is dealt with."""
        community = self.config.community
        return Returns(community, self.vault, ReturnPaths(self.tokens, community))


def prepare(config: Config) -> bool:
    """Make what is missing: the folder, `community.toml`, keys and database together, newer tables.

    Returns whether the database was made just now. Raises Misconfigured.
    """
    make_home(config)
    database = Database(config.database_url)
    try:
        is_new = schema.is_empty(database)
        if is_new:
            create_rings(config.keys)
        else:
            with alone(config.keys):
                schema.settle_keys(database, config.keys)
                schema.learn_keys(database, tuple(read_ring(config.keys, name) for name in RING_NAMES))
        tokens, sealing, lookup = _rings(config)
        schema.upgrade(config.database_url, rings=(tokens.now(), sealing.now(), lookup.now()))
        return is_new
    finally:
        database.close()


def make_home(config: Config) -> None:
    """Make the folder and `community.toml` where they are missing. Raises Misconfigured where that can't be."""
    try:
        config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (config.home / "community.toml").exists():
            (config.home / "community.toml").write_text(SAMPLE, "utf-8")
    except OSError as error:
        raise Misconfigured(
            f"The folder {config.home} can't be written to: choose another with COALITION_HOME."
        ) from error


def open_resources(config: Config) -> Resources:
    """Open everything, checked: tables at the newest revision, keys those of this database. Raises Misconfigured.

    What the database has not learned yet, as after a restore or a crash, it learns here, before anything else.
    """
    database = Database(config.database_url)
    try:
        schema.require_current(database)
        schema.settle_keys(database, config.keys)
        tokens_ring, sealing, lookup = rings = _rings(config)
        schema.require_keys(database, tuple(ring.now() for ring in rings))
        journal = Journal(config.journal, own_stream(config.home))
    except Misconfigured:
        database.close()
        raise
    database.before_commit = partial(journaling.write_down, journal)
    tokens = Tokens(tokens_ring)
    links = Links(config.base_url, tokens)
    resources = Resources(
        config=config,
        database=database,
        vault=Vault(sealing, lookup),
        tokens=tokens,
        links=links,
        letters=Letters(config.community, links),
        journal=journal,
        spool=Spool(config.spool),
    )
    resources.backlog.learn()
    _keep_notice(resources)
    return resources


def _keep_notice(resources: Resources) -> None:
    """What the privacy notice says from now on, before anybody agrees to it."""
    with resources.database.reading() as session:
        if notices.is_kept(session, resources.config.community):
            return
    with resources.database.transaction() as session:
        notices.keep(session, resources.config.community, utcnow())


def _rings(config: Config) -> tuple[RingFile, RingFile, RingFile]:
    tokens, sealing, lookup = (RingFile(config.keys, name) for name in RING_NAMES)
    return tokens, sealing, lookup
