"""The privacy notice, the proof that nobody is watched, and the form for complaints about how data is handled."""

from contextlib import suppress
from pathlib import Path

from flask import Blueprint, abort, current_app, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import BadAddress, BadContent
from coalition.models import Kind
from coalition.services import archive, grievances, notice_text, notices, proof
from coalition.services.notice_text import Leads, Line
from coalition.services.notices import Version
from coalition.web import guards, stamps, theme
from coalition.web.shared import ltr, page, resources, speak_as_sent, spoken, staff
from coalition.web.stamps import Stamp

pages = Blueprint("privacy", __name__)

Answer = tuple[str, int] | Response

_FORM = "grievance"  # as its stamp and its counters call it


_PLACES = {Leads.CHOICES: "preferences.ask", Leads.COMPLAINTS: "privacy.grievance"}


@pages.get("/privacy")
def notice() -> Answer:
    """Who holds what, why, for how long, and what a person can do about it; also while the database is away."""
    asked = request.args.get("version")
    if asked is None:
        versions: list[Version] = []
        with suppress(SQLAlchemyError):
            versions = _versions()
        return page("privacy", blocks=notice_text.blocks(resources().config.community), show=_shown, versions=versions)
    earlier = next((each for each in _versions() if str(each.number) == asked), None)
    if earlier is None:
        abort(404)
    return page("privacy_then", version=earlier, blocks=[block.split("\n") for block in earlier.text.split("\n\n")])


@pages.get("/privacy/proof")
def prove() -> Answer:
    """What was read for trackers, when, what was found, and how anybody can look for themselves."""
    last = None
    if resources().config.community.public_archive:
        with suppress(SQLAlchemyError), resources().database.reading() as session:
            last = proof.last_digest(session, utcnow())
    folder = Path(current_app.root_path, str(current_app.template_folder))
    found = proof.of_program(folder, theme.drawing(), theme.stylesheet(resources().config.community.theme))
    return page("proof", proof=found, last=last, last_name=archive.name_of(last) if last else None)


@pages.get("/privacy/grievance")
def grievance() -> Answer:
    """The form for complaints, open to everybody."""
    if request.args.get("done") == "sent":
        return page("grievance_sent", days=grievances.ANSWER_WITHIN.days)
    return _form_page()


@pages.post("/privacy/grievance")
def complain() -> Answer:
    """Keep a complaint. The answer is the same whoever the address belongs to, and whether a letter goes there."""
    guards.require_own_page()
    fields = guards.posted()
    speak_as_sent(guards.one(fields, "lang"))
    email, typed = (guards.one(fields, name, required=True) for name in ("email", "text"))
    errors: dict[str, str] = {}
    try:
        address = Address.parse(email)
    except BadAddress as error:
        errors["email"] = str(error)
    try:
        text = grievances.require_text(typed)
    except BadContent as error:
        errors["text"] = str(error)
    if errors:
        return _form_page(fields, errors=errors, status=422)
    stamp = stamps.judge_page(_FORM, guards.one(fields, "stamp"))
    is_machine = stamp is Stamp.WRONG or bool(guards.one(fields, "homepage"))
    if stamp is Stamp.MISSING and not is_machine:
        return _form_page(fields, again=True)
    held, now = resources(), utcnow()
    with held.database.transaction() as session:
        over = guards.over_limit(session, Kind.GRIEVANCE, address, now, form=f"page {_FORM}")
        grievances.write_down(session, held.vault, address, text, spoken().code, doubtful=over or is_machine, now=now)
    return redirect(url_for("privacy.grievance", done="sent"), 303)


def _versions() -> list[Version]:
    with resources().database.reading() as session:
        return notices.versions(session, spoken().code)


def _shown(line: Line) -> Markup:
    """A sentence of the notice in the language of the page, with its link."""
    facts: dict[str, object] = {name: staff(str(fact)) if line.staffs else fact for name, fact in line.facts.items()}
    if line.leads is Leads.MAIL:
        facts = {"url": f"mailto:{facts['address']}", "address": ltr(str(facts["address"]))}
    elif line.leads is not None:
        facts["url"] = url_for(_PLACES[line.leads])
    return Markup(spoken().gettext(line.told)) % facts  # noqa: S704  # our own sentences, facts are escaped


def _form_page(
    fields: MultiDict[str, str] | None = None,
    *,
    errors: dict[str, str] | None = None,
    again: bool = False,
    status: int = 200,
) -> tuple[str, int]:
    return page(
        "grievance",
        status,
        stamp=stamps.stamp_of_page(_FORM),
        email=fields["email"][:254] if fields else "",
        text=fields["text"][: grievances.LONGEST] if fields else "",
        errors={name: spoken().gettext(message) for name, message in (errors or {}).items()},
        again=again,
        days=grievances.ANSWER_WITHIN.days,
        most=grievances.LONGEST,
    )
