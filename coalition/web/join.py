"""Signing up: the hosted page, the frame, and where a form on any web site posts to."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from coalition.clock import utcnow
from coalition.errors import BadContent, BadToken, NotFound, TokenExpired
from coalition.models import Form, Kind, Topic, Wording
from coalition.services import forms, requests
from coalition.tokens import Purpose
from coalition.web import guards
from coalition.web.forms import SignupForm
from coalition.web.shared import allow, page, resources

pages = Blueprint("join", __name__)

Answer = tuple[str, int] | Response

_AGAIN = "again_"  # begins the stamp of the page that asks for one more press


@dataclass(frozen=True)
class Shown:
    """A form with all that its page shows."""

    form: Form
    topics: list[Topic]
    wording: Wording


@pages.get("/")
def home() -> Answer:
    """The hosted page of the first form."""
    with resources().database.reading() as session:
        every = forms.all_of(session)
    return _form_page(_shown(every[0].slug)) if every else page("no_form", 503)


@pages.get("/join/<slug>")
def hosted(slug: str) -> Answer:
    """The hosted page of one form."""
    return _form_page(_shown(slug))


@pages.get("/embed/<slug>")
def frame(slug: str) -> Answer:
    """The form alone, for a frame on the sites that staff allowed."""
    return _form_page(_shown(slug, framed=True), framed=True)


@pages.post("/join/<slug>")
def join(slug: str) -> Answer:
    """Write down what was asked. The answer is the same whoever the address belongs to."""
    shown = _shown(slug, framed=True)  # first, so that a frame can show the errors too
    fields = guards.posted()
    guards.one(fields, "email", required=True)
    framed = guards.one(fields, "framed") == "1"
    if not shown.topics:
        return _form_page(shown, framed=framed, status=422)
    if len(shown.topics) == 1 and not fields.getlist("topics"):
        fields = fields.copy()
        fields.add("topics", shown.topics[0].slug)
    signup = SignupForm(formdata=fields)
    signup.topics.choices = [(topic.slug, topic.name) for topic in shown.topics]
    if not signup.validate() or signup.address is None:
        return _form_page(shown, signup, framed=framed, status=422)
    held = resources()
    if signup.address.compared in {held.config.community.sender.compared, held.config.community.reply_to.compared}:
        signup.email.errors = ["Enter an address of your own: this one is ours"]
        return _form_page(shown, signup, framed=framed, status=422)
    stamp, first_origin = _stamp(shown.form, guards.one(fields, "stamp"))
    if stamp is _Stamp.MISSING:
        return _ask_to_press(shown, signup, framed)
    now = utcnow()
    with held.database.transaction() as session:
        over = guards.over_limit(session, Kind.SIGNUP, signup.address, now, form=slug)
        wish = requests.Wish(
            kind=Kind.SIGNUP,
            locale=shown.form.locale,
            form_id=shown.form.id,
            topics=tuple(topic.id for topic in shown.topics if topic.slug in (signup.topics.data or [])),
            cadence=shown.form.cadence,
            wording_id=shown.form.wording_id,
            origin=first_origin or _origin(),
        )
        is_machine = stamp is _Stamp.WRONG or bool(guards.one(fields, "homepage"))
        requests.write_down(session, held.vault, signup.address, wish, over_limit=over or is_machine, now=now)
    if shown.form.thanks_url:
        return redirect(shown.form.thanks_url, 303)
    return redirect(url_for("join.sent", slug=slug, framed="1" if framed else None), 303)


@pages.get("/join/<slug>/sent")
def sent(slug: str) -> Answer:
    """The same page for everybody."""
    shown = _shown(slug, framed=True)
    return page("sent", layout=_layout(request.args.get("framed") == "1"), form=shown.form)


class _Stamp(Enum):
    """What the time stamp of a form says."""

    RIGHT = "right"
    WRONG = "wrong"  # a machine's: too fast, or of another form
    MISSING = "missing"  # a form on a page of others, or a tab that was open for long


def _stamp(form: Form, token: str) -> tuple[_Stamp, str | None]:
    """Judge the stamp. A person is never refused: who has none is asked to press a button on a page of ours.

    The stamp of that page also carries the site where the form stood, because its own press comes from us.
    """
    held = resources()
    if not token:
        return _Stamp.MISSING, None
    try:
        value, made_at = held.tokens.read_dated(Purpose.FORM, token)
    except TokenExpired:
        return _Stamp.MISSING, None
    except BadToken:
        return _Stamp.WRONG, None
    if value.startswith(_AGAIN):
        slug, _, origin = value.removeprefix(_AGAIN).partition("_")
        return (_Stamp.RIGHT if slug == form.slug else _Stamp.WRONG), _unpack(origin)
    least = timedelta(seconds=held.config.community.limits.form_seconds)
    # The stamp counts whole seconds, so a person is given the benefit of the one that was cut off.
    return (_Stamp.RIGHT if value == form.slug and utcnow() - made_at >= least else _Stamp.WRONG), None


def _form_page(
    shown: Shown, signup: SignupForm | None = None, *, framed: bool = False, status: int = 200
) -> tuple[str, int]:
    held = resources()
    errors = {name: messages[0] for name, messages in signup.errors.items()} if signup else {}
    if signup and signup.email.errors:
        errors["email"] = signup.email.errors[0]
    return page(
        "join",
        status,
        layout=_layout(framed),
        framed=framed,
        form=shown.form,
        topics=shown.topics,
        wording=shown.wording,
        stamp=held.tokens.make(Purpose.FORM, shown.form.slug),
        email=(signup.email.data or "")[:254] if signup else "",
        ticked=(signup.topics.data or []) if signup else [],
        errors=errors,
    )


def _ask_to_press(shown: Shown, signup: SignupForm, framed: bool) -> tuple[str, int]:
    return page(
        "press",
        layout=_layout(framed),
        framed=framed,
        form=shown.form,
        topics=[topic for topic in shown.topics if topic.slug in (signup.topics.data or [])],
        wording=shown.wording,
        stamp=resources().tokens.make(Purpose.FORM, f"{_AGAIN}{shown.form.slug}_{_pack(_origin())}"),
        email=signup.email.data or "",
    )


def _shown(slug: str, *, framed: bool = False) -> Shown:
    """The form, with its policies set for this answer; `framed` where the sites of the form may show it in a frame."""
    with resources().database.reading() as session:
        try:
            form = forms.get(session, slug)
        except NotFound:
            abort(404)
        shown = Shown(form, forms.offered(session, form), session.get_one(Wording, form.wording_id))
    allow(form.origins if framed else None, form.thanks_url)
    return shown


def _pack(origin: str | None) -> str:
    """An origin in the letters that a token may hold; a very long one is left out."""
    packed = urlsafe_b64encode((origin or "").encode()).decode().rstrip("=")
    return packed if len(packed) <= 160 else ""


def _unpack(packed: str) -> str | None:
    return urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode() or None


def _layout(framed: bool) -> str:
    return "layouts/frame.html" if framed else "layouts/page.html"


def _origin() -> str | None:
    """The site that the form stood on, as the browser tells it: scheme and host only."""
    told = request.headers.get("Origin") or ""
    try:
        if told in {"", "null"}:
            referrer = urlsplit(request.headers.get("Referer", ""))
            told = f"{referrer.scheme}://{referrer.netloc}"
        return forms.require_origin(told)[:200]
    except (BadContent, ValueError):  # a header can hold anything
        return None
