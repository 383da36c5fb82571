"""The preference centre. A digest's link may change choices; what only a fresh link may do has rooms of its own."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from flask import Blueprint, abort, redirect, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import BadAddress, JournalError, Refused
from coalition.languages import N_, OWN_NAMES, language, languages
from coalition.models import Cadence, Format, Kind, PauseMode, State, Subscriber
from coalition.services import moments, preferences, requests, unsubscribe, wordings
from coalition.services.moments import Hour
from coalition.services.preferences import Choice
from coalition.services.unsubscribe import Channel
from coalition.tokens import Purpose
from coalition.web import guards
from coalition.web.forms import StampedForm
from coalition.web.leaving import keep
from coalition.web.shared import page, resources, speak, speak_as_sent, spoken
from coalition.web.tokens import Key, holder, read_key

pages = Blueprint("preferences", __name__)

Answer = tuple[str, int] | Response

_NOTES = {"saved", "paused", "resumed", "link"}

# How long a pause may be, by what its button sends.
LENGTHS = {"14": timedelta(days=14), "30": timedelta(days=30)}


@pages.get("/preferences")
def ask() -> Answer:
    """Ask for a link by mail."""
    return page("ask", email="", error=None, too_old=False)


@pages.post("/preferences")
def asked() -> Answer:
    """Write the request down; the same answer for everybody."""
    fields = guards.posted()
    speak_as_sent(guards.one(fields, "lang"))
    typed = guards.one(fields, "email", required=True)
    try:
        address = Address.parse(typed)
    except BadAddress as error:
        return page("ask", 422, email=typed[:254], error=spoken().gettext(str(error)), too_old=False)
    held, now = resources(), utcnow()
    with held.database.transaction() as session:
        over = guards.over_limit(session, Kind.LINK, address, now)
        wish = requests.Wish(kind=Kind.LINK, locale=spoken().code)
        requests.write_down(session, held.vault, address, wish, over_limit=over, now=now)
    return page("asked")


@pages.get("/preferences/<token>")
def look(token: str) -> Answer:
    """Show what a person has chosen."""
    key = read_key(token)
    if key.is_sample:
        return page("sample", what="preferences")
    with resources().database.reading() as session:
        note = request.args.get("done", "")
        return _show(session, holder(session, key), key, note=note if note in _NOTES else "")


@pages.post("/preferences/<token>")
def choose(token: str) -> Answer:
    """Save choices, pause, go on, leave all, or ask for a fresh link."""
    guards.require_own_page()
    fields = guards.posted()
    key = read_key(token)
    if key.is_sample:
        return page("sample", what="preferences")
    try:
        guards.require_database()
        return _act(key, fields)
    except (SQLAlchemyError, JournalError) as error:
        code = key.value.partition("-")[0]
        stamped = StampedForm.on(resources().tokens, "preferences", code, fields).validate()
        if guards.one(fields, "action") != "leave" or not stamped:
            raise
        return keep(code, Channel.PREFERENCES, error)


def _act(key: Key, fields: MultiDict[str, str]) -> Answer:
    held = resources()
    with held.database.transaction() as session:
        person = holder(session, key)
        if not StampedForm.on(held.tokens, "preferences", person.code, fields).validate():
            return _show(session, person, key, again=True)
        action = guards.one(fields, "action")
        if action == "leave":
            left = unsubscribe.leave_all(session, person, Channel.PREFERENCES, utcnow())
            undo = held.tokens.make(Purpose.UNDO, unsubscribe.press_value(person, left)) if left.topics else None
            return page("left", code=person.code, undo=undo, topic=None)
        acts = {"save": _save, "pause": _pause, "resume": _resume, "fresh": _ask_fresh}
        if action not in acts:
            abort(400)
        try:
            note = acts[action](session, person, key, fields)
        except Refused as error:
            told = spoken().gettext(str(error))
            return _show(session, person, key, error=told, field=action, status=422)
    return redirect(url_for("preferences.look", token=key.token, done=note), 303)


def show_confirmed(session: Session, person: Subscriber) -> tuple[str, int]:
    """The preference page as it greets somebody who has just confirmed, with what a digest's link may do."""
    speak(person.locale)
    token = resources().links.preferences(person.code, person.epoch, utcnow()).rpartition("/")[2]
    return _show(session, person, Key(token, f"{person.code}-{person.epoch}", fresh=False), note="confirmed")


def show_moved(session: Session, person: Subscriber) -> tuple[str, int]:
    """The same for somebody whose letters come to this mailbox from now on."""
    speak(person.locale)
    token = resources().links.preferences(person.code, person.epoch, utcnow()).rpartition("/")[2]
    return _show(session, person, Key(token, f"{person.code}-{person.epoch}", fresh=False), note="moved")


def _show(
    session: Session,
    person: Subscriber,
    key: Key,
    *,
    note: str = "",
    again: bool = False,
    error: str = "",
    field: str = "",
    status: int = 200,
) -> tuple[str, int]:
    held = resources()
    form = StampedForm.on(held.tokens, "preferences", person.code)
    choices = _choices(session, person, key)
    today = utcnow().astimezone(held.config.community.timezone)
    return page(
        "preferences",
        status,
        token=key.token,
        fresh=key.fresh,
        person=person,
        masked=held.vault.open(person.address_sealed or b"", person.address_key or b"").masked,
        choices=choices,
        explicit=wordings.explicit(session, [choice.topic for choice in choices if choice.cadence is None]),
        explicit_error="",
        agreed=(),
        has_any=any(choice.cadence for choice in choices),
        default_cadence=held.config.community.cadence,
        cadences=list(Cadence),
        languages=languages(),
        reads=language(person.locale),
        zones=_zones(person),
        paused=person.is_paused(utcnow()),
        has_left=person.state is State.LEFT,
        waiting=[choice.topic for choice in choices if choice.waits],
        stamp=form.stamp.current_token,
        note=note,
        again=again,
        error=error,
        error_field=field,
        tomorrow=(today + timedelta(days=1)).date().isoformat(),
        last_day=(today + preferences.LONGEST_PAUSE).date().isoformat(),
    )


def _choices(session: Session, person: Subscriber, key: Key) -> list[Choice]:
    """What this link may choose from; for somebody who has left, a digest's link has only what asks them again."""
    every = preferences.choices(session, person)
    if person.state is State.LEFT and not key.fresh:
        return [choice for choice in every if choice.waits]
    return every


def _save(session: Session, person: Subscriber, key: Key, fields: MultiDict[str, str]) -> str:
    known = {str(choice.topic.id): choice.topic.id for choice in preferences.choices(session, person)}
    wanted: dict[int, Cadence] = {}
    for name in fields.getlist("topics"):
        cadence = guards.one(fields, f"cadence-{name}")
        if name not in known or cadence not in {each.value for each in Cadence}:
            abort(400)
        wanted[known[name]] = Cadence(cadence)
    form = guards.one(fields, "format")
    if form not in {each.value for each in Format}:
        abort(400)
    community = resources().config.community
    preferences.save(
        session,
        community,
        person,
        wanted,
        Format(form),
        utcnow(),
        may_return=key.fresh,
        agreed=fields.getlist("explicit"),
    )
    if "hour" in fields:
        preferences.choose_hour(session, person, _hour(fields, _zones(person)))
    if "language" in fields:
        preferences.choose_language(session, person, _language(fields))
    return "saved"


def _hour(fields: MultiDict[str, str], zones: Sequence[str]) -> Hour | None:
    """The hour somebody chose; None for as soon as ready."""
    hour, weekday, zone = (guards.one(fields, name) for name in ("hour", "weekday", "timezone"))
    if hour not in {"", *map(str, range(24))} or weekday not in {"", *map(str, range(7))} or zone not in zones:
        abort(400)
    return Hour(zone, int(hour), int(weekday) if weekday else None) if hour else None


def _language(fields: MultiDict[str, str]) -> str:
    code = guards.one(fields, "language")
    if code not in OWN_NAMES:
        abort(400)
    return code


def _zones(person: Subscriber) -> list[str]:
    """The zones to choose from; among them the one that is chosen before somebody looks, whatever its name."""
    preset = person.timezone or resources().config.community.timezone.key
    return sorted({*moments.zones(), preset})


def _pause(session: Session, person: Subscriber, key: Key, fields: MultiDict[str, str]) -> str:
    now = utcnow()
    length = guards.one(fields, "length")
    until = now + LENGTHS[length] if length in LENGTHS else _start_of(guards.one(fields, "day"))
    mode = guards.one(fields, "mode") or PauseMode.CATCH_UP
    if mode not in {each.value for each in PauseMode}:
        abort(400)
    preferences.pause(session, person, until, now, mode=PauseMode(mode))
    return "paused"


def _resume(session: Session, person: Subscriber, key: Key, fields: MultiDict[str, str]) -> str:
    preferences.resume(session, person, utcnow())
    return "resumed"


def _ask_fresh(session: Session, person: Subscriber, key: Key, fields: MultiDict[str, str]) -> str:
    held, now = resources(), utcnow()
    sealed, look_up = person.address_sealed or b"", person.address_key or b""
    over = guards.over_limit(session, Kind.LINK, held.vault.open(sealed, look_up), now)
    wish = requests.Wish(kind=Kind.LINK, locale=person.locale)
    requests.write_down_sealed(session, sealed, look_up, wish, over_limit=over, now=now)
    return "link"


def _start_of(day: str) -> datetime:
    """The first moment of a day in the community's zone. Raises Refused for what is no day."""
    try:
        date = datetime.fromisoformat(day).date()
    except ValueError as error:
        raise Refused(N_("Choose the day on which letters go on, from tomorrow to a year from now.")) from error
    return datetime.combine(date, time(), tzinfo=resources().config.community.timezone)
