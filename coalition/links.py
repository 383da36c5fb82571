"""Every public URL that a letter carries is made here, from the configured base URL alone (never from a request)."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from coalition.tokens import Purpose, Tokens

# The sample reader of previews and test letters; its links lead to pages that only say what they would do.
SAMPLE_CODE = "sample" * 4 + "aa"


@dataclass(frozen=True)
class Links:
    """The addresses of our own pages."""

    base_url: str
    tokens: Tokens

    @property
    def host(self) -> str:
        """The host that visitors use, with its port where that is not the usual one."""
        return urlsplit(self.base_url).netloc

    def signup(self) -> str:
        """The hosted sign-up page."""
        return f"{self.base_url}/"

    def join(self, form: str) -> str:
        """Where a form on any web site posts to."""
        return f"{self.base_url}/join/{form}"

    def embed(self, form: str) -> str:
        """The page that shows one form in a frame."""
        return f"{self.base_url}/embed/{form}"

    def privacy(self) -> str:
        """The privacy notice."""
        return f"{self.base_url}/privacy"

    def archive(self) -> str:
        """The public archive."""
        return f"{self.base_url}/archive"

    def archived(self, issue: str, topic: str) -> str:
        """One topic of an issue in the archive."""
        return f"{self.base_url}/archive/{issue}#topic-{topic}"

    def feed(self) -> str:
        """The feed of all news."""
        return f"{self.base_url}/archive.atom"

    def topic_feed(self, topic: str) -> str:
        """The feed of one topic."""
        return f"{self.base_url}/topics/{topic}.atom"

    def confirm(self, request_nonce: str, made_at: datetime) -> str:
        """The page with the two buttons, for one request."""
        return f"{self.base_url}/confirm/{self.tokens.make(Purpose.CONFIRM, request_nonce, made_at)}"

    def preferences(self, code: str, epoch: int, made_at: datetime) -> str:
        """The preference centre as a digest links to it: long-lived, and therefore weak."""
        token = self.tokens.make(Purpose.PREFERENCES, f"{code}-{epoch}", made_at)
        return f"{self.base_url}/preferences/{token}"

    def fresh(self, code: str, epoch: int, nonce: str, made_at: datetime) -> str:
        """The preference centre as somebody asked for it by mail: short-lived, and therefore strong."""
        token = self.tokens.make(Purpose.FRESH, f"{code}-{epoch}-{nonce}", made_at)
        return f"{self.base_url}/preferences/{token}"

    def ask(self) -> str:
        """The page that sends a fresh link."""
        return f"{self.base_url}/preferences"

    def move(self, request_nonce: str, made_at: datetime) -> str:
        """The page with the two buttons, for one move to another address."""
        return f"{self.base_url}/move/{self.tokens.make(Purpose.MOVE, request_nonce, made_at)}"

    def put_back(self, request_nonce: str, made_at: datetime) -> str:
        """The page with the one button that takes a move back."""
        return f"{self.base_url}/moved/{self.tokens.make(Purpose.PUT_BACK, request_nonce, made_at)}"

    def unsubscribe(self, code: str) -> str:
        """The page and the RFC 8058 address for leaving. Stored as is, so it outlives every key."""
        return f"{self.base_url}/unsubscribe/{code}"
