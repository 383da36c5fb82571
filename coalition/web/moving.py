"""Moving to another address: asked for through a fresh link, done in the new mailbox, taken back in the old one."""

from flask import Blueprint, abort, make_response
from sqlalchemy.orm import Session

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import BadAddress, BadToken, TokenExpired
from coalition.languages import N_
from coalition.models import Kind, Subscriber
from coalition.services import moving, requests
from coalition.services.moving import Page, Standing
from coalition.tokens import Purpose
from coalition.web import guards, preferences
from coalition.web.forms import StampedForm
from coalition.web.shared import page, resources, speak, spoken
from coalition.web.tokens import Key, holder, read_key, tidy

pages = Blueprint("moving", __name__)

Answer = tuple[str, int]


@pages.get("/preferences/<token>/address")
def ask(token: str) -> Answer:
    """The form for a new address."""
    key = read_key(token)
    if key.is_sample:
        return page("sample", what="address")
    with resources().database.reading() as session:
        person = holder(session, key)
        return _form(key, person) if key.fresh else page("needs_fresh", 403, token=token)


@pages.post("/preferences/<token>/address")
def asked(token: str) -> Answer:
    """Write the wish down and use the link up; the same answer for every address."""
    guards.require_own_page()
    fields = guards.posted()
    key, held, now = read_key(token), resources(), utcnow()
    if key.is_sample:
        return page("sample", what="address")
    with held.database.transaction() as session:
        person = holder(session, key)
        if not key.fresh:
            return page("needs_fresh", 403, token=token)
        typed = guards.one(fields, "email", required=True)
        if not StampedForm.on(held.tokens, "address", person.code, fields).validate():
            return _form(key, person, typed=typed, again=True)
        try:
            address = Address.parse(typed)
        except BadAddress as error:
            return _form(key, person, typed=typed, error=str(error))
        if address.written == _address(person).written:
            return _form(key, person, typed=typed, error=N_("Letters go to this address already"))
        over = guards.over_limit(session, Kind.MOVE, address, now)
        if not moving.spend(session, key.nonce, now):
            abort(make_response(page("ask", 410, email="", error=None, too_old=True)))
        wish = requests.Wish(kind=Kind.MOVE, locale=person.locale, subscriber_id=person.id)
        requests.write_down(session, held.vault, address, wish, over_limit=over, now=now)
    return page("move_asked")


@pages.get("/move/<token>")
def look(token: str) -> Answer:
    """The page in the new mailbox: what was asked, and the two buttons."""
    nonce, expired = _read(Purpose.MOVE, token)
    with resources().database.reading() as session:
        return _show(session, token, moving.look(session, nonce), expired)


@pages.post("/move/<token>")
def press(token: str) -> Answer:
    """Move, or note that it wasn't this person."""
    guards.require_own_page()
    fields = guards.posted()
    nonce, expired = _read(Purpose.MOVE, token)
    held = resources()
    with held.database.transaction() as session:
        if not StampedForm.on(held.tokens, "move", nonce, fields).validate():
            return _show(session, token, moving.look(session, nonce), expired, again=True)
        answer = guards.one(fields, "answer")
        if answer == "yes" and not expired:
            found = moving.press_yes(session, held.vault, held.config.community, nonce, utcnow())
        elif answer == "no" and not expired:
            found = moving.press_no(session, held.vault, nonce, utcnow())
        else:
            found = moving.look(session, nonce)
        return _show(session, token, found, expired)


@pages.get("/moved/<token>")
def look_back(token: str) -> Answer:
    """The page in the old mailbox, with its one button."""
    nonce, _ = _read(Purpose.PUT_BACK, token)
    with resources().database.reading() as session:
        return _show_back(token, nonce, moving.look_back(session, nonce, utcnow()))


@pages.post("/moved/<token>")
def put_back(token: str) -> Answer:
    """Take the move back."""
    guards.require_own_page()
    fields = guards.posted()
    nonce, _ = _read(Purpose.PUT_BACK, token)
    held, now = resources(), utcnow()
    with held.database.transaction() as session:
        if not StampedForm.on(held.tokens, "moved", nonce, fields).validate():
            return _show_back(token, nonce, moving.look_back(session, nonce, now), again=True)
        return _show_back(token, nonce, moving.put_back(session, held.vault, nonce, now))


def _address(person: Subscriber) -> Address:
    return resources().vault.open(person.address_sealed or b"", person.address_key or b"")


def _form(key: Key, person: Subscriber, *, typed: str = "", error: str = "", again: bool = False) -> Answer:
    return page(
        "address",
        422 if error else 200,
        token=key.token,
        stamp=StampedForm.on(resources().tokens, "address", person.code).stamp.current_token,
        masked=_address(person).masked,
        email=typed[:254],
        error=spoken().gettext(error) if error else None,
        again=again,
    )


def _read(purpose: Purpose, token: str) -> tuple[str, bool]:
    """What a link carries, and whether it is too old. 404 where it is none of ours."""
    try:
        return resources().tokens.read(purpose, tidy(token)), False
    except TokenExpired as error:
        return error.value, True
    except BadToken:
        abort(404)


def _show(session: Session, token: str, found: Page, expired: bool, *, again: bool = False) -> Answer:
    if found.person is not None:
        speak(found.person.locale)
    if found.standing is Standing.GONE:
        return page("move_gone", 404)
    if found.standing is Standing.MOVED and found.person is not None and not expired:
        return preferences.show_moved(session, found.person)
    return page(
        "move",
        410 if expired else 200,
        token=token,
        stamp=StampedForm.on(
            resources().tokens, "move", found.request.nonce if found.request else ""
        ).stamp.current_token,
        standing="expired" if expired else found.standing.value,
        asked=found.request,
        again=again,
    )


def _show_back(token: str, nonce: str, found: Page, *, again: bool = False) -> Answer:
    if found.person is not None:
        speak(found.person.locale)
    return page(
        "moved",
        token=token,
        stamp=StampedForm.on(resources().tokens, "moved", nonce).stamp.current_token,
        standing=found.standing.value,
        again=again,
    )
