"""Being forgotten: one plain button, through a fresh link only."""

from flask import Blueprint

from coalition.clock import utcnow
from coalition.web import guards
from coalition.web.forms import StampedForm
from coalition.web.shared import page, resources
from coalition.web.tokens import holder, read_key

pages = Blueprint("forget", __name__)

Answer = tuple[str, int]


@pages.get("/preferences/<token>/forget")
def look(token: str) -> Answer:
    """Tell what will be erased and what stays, and show the button."""
    return _ask(token)


@pages.post("/preferences/<token>/forget")
def forget(token: str) -> Answer:
    """Erase the person, at once and for good. The link is spent with them."""
    guards.require_own_page()
    fields = guards.posted()
    key, held = read_key(token), resources()
    if key.is_sample or not key.fresh:
        return _ask(token)
    with held.database.transaction() as session:
        person = holder(session, key)
        stamped = StampedForm.on(held.tokens, "forget", person.code, fields).validate()
        if stamped:
            held.eraser.forget(session, person, utcnow())
    if not stamped:
        return _ask(token, again=True)
    held.database.scrub()
    return page("forgotten")


def _ask(token: str, *, again: bool = False) -> Answer:
    key, held = read_key(token), resources()
    if key.is_sample:
        return page("sample", what="forget")
    with held.database.reading() as session:
        person = holder(session, key)
        if not key.fresh:
            return page("needs_fresh", 403, token=token)
        form = StampedForm.on(held.tokens, "forget", person.code)
        masked = held.vault.open(person.address_sealed or b"", person.address_key or b"").masked
        return page("forget", token=token, masked=masked, stamp=form.stamp.current_token, again=again)
