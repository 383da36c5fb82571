"""Leaving, for people and for mail programs (RFC 8058): GET looks, POST leaves and answers 200 itself."""

import logging
import re

from flask import Blueprint, abort, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from coalition.clock import utcnow
from coalition.errors import BadToken, JournalError, NotFound
from coalition.links import SAMPLE_CODE
from coalition.models import State, Subscriber, Topic
from coalition.services import people, topics, unsubscribe
from coalition.services import preferences as choices
from coalition.services.unsubscribe import Channel
from coalition.tokens import Purpose
from coalition.web import guards
from coalition.web.leaving import keep
from coalition.web.preferences import LENGTHS
from coalition.web.shared import page, resources, speak
from coalition.web.tokens import tidy

pages = Blueprint("unsubscribe", __name__)

log = logging.getLogger(__name__)

Answer = tuple[str, int]

_CODE = re.compile(r"[a-z2-7]{26}")
# Buttons that mean less than leaving everything. Undoing, pausing or leaving one topic can't be kept in the spool.
_NEEDS_DATABASE = {"undo", "pause", "topic"}


@pages.get("/unsubscribe/<code>")
def look(code: str) -> Answer:
    """Show the buttons. Nothing on the page says who the code belongs to or what they read."""
    code = _well_formed(code)
    if code == SAMPLE_CODE:
        return page("sample", what="unsubscribe")
    try:
        with resources().database.reading() as session:
            _known(session, code)
            return page("unsubscribe", code=code, topic=_topic(session, request.args.get("topic", "")), away=False)
    except SQLAlchemyError as error:
        return _show_away(code, error)


@pages.post("/unsubscribe/<code>")
def leave(code: str) -> Answer:
    """Leave: everything, unless a button of our page says otherwise. Twice, late, after erasure: still 200.

    The code is the permission, so a mail program needs no cookie, stamp or origin.
    """
    code = _well_formed(code)
    if code == SAMPLE_CODE:
        return page("sample", what="unsubscribe")
    action = _field("action")
    try:
        guards.require_database()
        return _leave(code, action)
    except (SQLAlchemyError, JournalError) as error:
        if action in _NEEDS_DATABASE:
            return _show_away(code, error, 503)
        return keep(code, Channel.PAGE if action == "all" else Channel.ONE_CLICK, error)


def _show_away(code: str, error: Exception, status: int = 200) -> Answer:
    """While the database is away, all that can be offered is to leave everything."""
    log.error("the database can't be reached: %s", type(error).__name__)
    return page("unsubscribe", status, code=code, topic=None, away=True)


def _leave(code: str, action: str) -> Answer:
    held, now = resources(), utcnow()
    topic_slug, undo = _field("topic"), _field("undo")
    with held.database.transaction() as session:
        person = _known(session, code)
        if action == "undo":
            return _undo(session, person, undo)
        if action == "pause" and _field("length") in LENGTHS:
            if person.state is State.ACTIVE:
                choices.pause(session, person, now + LENGTHS[_field("length")], now)
            return page("paused", until=person.pause_until if person.state is State.ACTIVE else None)
        topic = _topic(session, topic_slug) if action == "topic" else None
        if topic is not None:
            left = unsubscribe.leave_topic(session, person, topic, Channel.PAGE, now)
        else:
            channel = Channel.PAGE if action == "all" else Channel.ONE_CLICK
            left = unsubscribe.leave_all(session, person, channel, now)
        press = held.tokens.make(Purpose.UNDO, unsubscribe.press_value(person, left)) if left.topics else None
    return page("left", code=code, undo=press, topic=topic)


def _undo(session: Session, person: Subscriber, press: str) -> Answer:
    """Take back the press that this signed button belongs to."""
    held = resources()
    try:
        code, moment = unsubscribe.read_press(held.tokens.read(Purpose.UNDO, tidy(press)))
    except BadToken:
        return page("undo_too_late")
    if code != person.code:
        abort(404)
    unsubscribe.undo(session, held.config.community, person, moment, utcnow())
    return page("back" if person.state is State.ACTIVE else "undo_too_late")


def _well_formed(code: str) -> str:
    code = tidy(code).lower()
    if not _CODE.fullmatch(code):
        abort(404)
    return code


def _known(session: Session, code: str) -> Subscriber:
    person = people.by_code(session, code)
    if person is None:
        abort(404)
    speak(person.locale)
    return person


def _topic(session: Session, slug: str) -> Topic | None:
    try:
        return topics.get(session, slug) if slug else None
    except NotFound:
        return None


def _field(name: str) -> str:
    """A field of whatever body came: a mail program may send none, or one that can't be read."""
    try:
        return request.form.get(name, "")
    except HTTPException:
        return ""
