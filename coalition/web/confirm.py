"""The page that a confirm letter opens. Looking changes nothing; one of two plain buttons does."""

from flask import Blueprint

from coalition.clock import utcnow
from coalition.errors import BadToken, TokenExpired
from coalition.models import Kind, State, Subscriber
from coalition.services import confirmation
from coalition.services.confirmation import Page, Standing
from coalition.tokens import Purpose
from coalition.web import guards, preferences
from coalition.web.forms import StampedForm
from coalition.web.shared import page, resources, speak
from coalition.web.tokens import tidy

pages = Blueprint("confirm", __name__)

Answer = tuple[str, int]


@pages.get("/confirm/<token>")
def look(token: str) -> Answer:
    """Show what was asked for, and the two buttons."""
    nonce, expired = _read(token)
    with resources().database.reading() as session:
        found = confirmation.look(session, nonce)
    return _show(token, found, expired)


@pages.post("/confirm/<token>")
def press(token: str) -> Answer:
    """Subscribe, or note that it wasn't this person, or send a new letter for a link that came too late."""
    guards.require_own_page()
    fields = guards.posted()
    nonce, expired = _read(token)
    held = resources()
    if not StampedForm.on(held.tokens, "confirm", nonce, fields).validate():
        with held.database.reading() as session:
            return _show(token, confirmation.look(session, nonce), expired, again=True)
    answer = guards.one(fields, "answer")
    if answer == "resend":
        return _resend(nonce)
    if expired:
        return look(token)
    with held.database.transaction() as session:
        if answer == "yes":
            found = confirmation.press_yes(session, held.vault, held.config.community, nonce, utcnow())
        elif answer == "no":
            found = confirmation.press_no(session, nonce, utcnow())
        else:
            found = confirmation.look(session, nonce)
    return _show(token, found, expired)


def _read(token: str) -> tuple[str, bool]:
    """What the link carries, and whether it is too old."""
    try:
        return resources().tokens.read(Purpose.CONFIRM, tidy(token)), False
    except TokenExpired as error:
        return error.value, True
    except BadToken:
        return "", False


def _show(token: str, found: Page, expired: bool, *, again: bool = False) -> Answer:
    if found.request is not None:
        speak(found.request.locale)
    if found.standing is Standing.CONFIRMED and found.request is not None:
        with resources().database.reading() as session:
            person = session.get_one(Subscriber, found.request.subscriber_id)
            if person.state is State.ACTIVE and expired:
                return page("ask", 410, email="", error=None, too_old=True)
            if person.state is State.ACTIVE:
                return preferences.show_confirmed(session, person)
    if found.standing is Standing.GONE:
        return page("confirm_gone", 404)
    nonce = found.request.nonce if found.request else ""
    return page(
        "confirm",
        token=token,
        stamp=StampedForm.on(resources().tokens, "confirm", nonce).stamp.current_token,
        standing="expired" if expired and found.standing is Standing.OPEN else found.standing.value,
        topics=found.topics,
        asked=found.request,
        again=again,
    )


def _resend(nonce: str) -> Answer:
    """The same request again; counted like any sign-up, because it causes a letter like any sign-up."""
    held = resources()
    now = utcnow()
    with held.database.transaction() as session:
        found = confirmation.look(session, nonce)
        if found.request is not None:
            speak(found.request.locale)
            address = held.vault.open(found.request.address_sealed, found.request.address_key)
            over = guards.over_limit(session, Kind.SIGNUP, address, now, form="resend")
            confirmation.ask_again(session, nonce, over_limit=over, now=now)
    return page("asked")
