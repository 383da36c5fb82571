"""A Coalition that a real browser can visit, with its local mailbox."""

from dataclasses import dataclass, replace

from click.testing import CliRunner

from coalition.cli import main
from coalition.config import Relay, Security
from coalition.mailbox.server import Mailbox
from coalition.models import Cadence
from coalition.resources import open_resources
from coalition.services import forms
from tests.browser.serving import Served
from tests.house import WORDING, House


@dataclass(frozen=True)
class Site:
    """The house, with the addresses of its pages (without a slash) and of its local mailbox (with one)."""

    house: House
    origin: str
    mailbox: str

    @classmethod
    def open(cls, house: House, server: Served, mailbox: Mailbox) -> "Site":
        """The same house under an address that a browser can open, sending to its local mailbox."""
        house.database.close()
        relay = Relay(Security.PLAIN, "127.0.0.1", mailbox.smtp_port)
        live = House(open_resources(replace(house.config, base_url=server.origin, relay=relay)), house.relay)
        server.show(live.app)
        return cls(live, server.origin, mailbox.page_url)

    def snippet(self, *arguments: str) -> str:
        """What staff paste into a page, as `coalition form snippet` prints it."""
        config = self.house.config
        environment = {
            "COALITION_HOME": str(config.home),
            "COALITION_DATABASE_URL": config.database_url,
            "COALITION_BASE_URL": self.origin,
        }
        done = CliRunner(env=environment).invoke(main, ["form", "snippet", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    def add_form(self, slug: str, *, origins: list[str], topics: tuple[str, ...] = ("housing", "tools")) -> None:
        """A form that these sites may show in a frame."""
        with self.house.database.transaction() as session:
            forms.add(
                session,
                slug,
                topics=topics,
                wording=WORDING,
                locale="en",
                cadence=Cadence.WEEKLY,
                origins=origins,
                thanks_url=None,
            )
