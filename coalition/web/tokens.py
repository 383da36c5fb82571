"""Links as they come back from mail programs, and what they open."""

from dataclasses import dataclass

from flask import abort, make_response
from sqlalchemy.orm import Session

from coalition.errors import BadToken, TokenExpired
from coalition.links import SAMPLE_CODE
from coalition.models import Subscriber
from coalition.services import moving, people
from coalition.tokens import Purpose
from coalition.web.shared import page, resources, speak

# Mail programs take the end of a sentence or a bracket for a part of the link.
_TRAILING = ".,;:!?)>]'\""


@dataclass(frozen=True)
class Key:
    """What a link opens: whose choices, and whether it was asked for by mail just now."""

    token: str
    value: str
    fresh: bool

    @property
    def nonce(self) -> str:
        """What makes a fresh link one of its kind, so that it can be used up."""
        return self.value.rpartition("-")[2]

    @property
    def is_sample(self) -> bool:
        """Whether it belongs to the sample reader of previews and test letters."""
        return self.value.partition("-")[0] == SAMPLE_CODE


def read_key(token: str) -> Key:
    """Read a link of either kind. 404 where it is none of ours; a page that offers a new one where it is too old."""
    tokens, token = resources().tokens, tidy(token)
    key: Key | None = None
    for purpose in (Purpose.PREFERENCES, Purpose.FRESH):
        try:
            key = Key(token, tokens.read(purpose, token), fresh=purpose is Purpose.FRESH)
        except TokenExpired:
            abort(make_response(page("ask", 410, email="", error=None, too_old=True)))
        except BadToken:
            continue
    if key is None:
        abort(404)
    return key


def holder(session: Session, key: Key) -> Subscriber:
    """The person whose choices a link opens; the page speaks their language.

    404 where it was revoked or they are erased; a page that offers a new one where it was used up.
    """
    try:
        person = people.by_token_value(session, key.value)
    except BadToken:
        abort(404)
    speak(person.locale)
    if key.fresh and moving.is_spent(session, key.nonce):
        abort(make_response(page("ask", 410, email="", error=None, too_old=True)))
    return person


def tidy(token: str) -> str:
    """The token without harmless trailing punctuation; whether it is good is still the signature's to say."""
    return token.rstrip(_TRAILING)
