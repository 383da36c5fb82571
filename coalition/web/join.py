"""Signing up: the hosted page, the frame, and where a form on any web site posts to."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from coalition.address import Address
from coalition.clock import utcnow
from coalition.errors import NotFound
from coalition.languages import N_, language
from coalition.models import Form, Kind, Topic, Wording
from coalition.services import forms, requests, wordings
from coalition.web import guards, stamps
from coalition.web.forms import SignupForm
from coalition.web.shared import allow, page, preferred, resources, speak, speak_as_sent, spoken
from coalition.web.stamps import Stamp

pages = Blueprint("join", __name__)

Answer = tuple[str, int] | Response


@dataclass(frozen=True)
class Shown:
    """A form with all that its page shows; the wordings by the languages that it speaks."""

    form: Form
    topics: list[Topic]
    wordings: dict[str, Wording]
    explicit: list[tuple[Topic, Wording]]  # topics that have to be agreed to by themselves

    @property
    def wording(self) -> Wording:
        """What this page asks people to agree to, in its language."""
        return self.wordings[spoken().code]

    @property
    def in_its_own_language(self) -> bool:
        """Whether this page speaks as the form does where nobody asks for another language."""
        return spoken() == language(self.form.locale)


@pages.get("/")
def home() -> Answer:
    """The hosted page of the first form, in the language that the browser prefers."""
    with resources().database.reading() as session:
        every = forms.all_of(session)
    if not every:
        return page("no_form", 503)
    shown = _shown(every[0].slug)
    speak(preferred(shown.wordings) or shown.form.locale, shown.wordings)
    return _form_page(shown)


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
    speak_as_sent(guards.one(fields, "lang"), shown.wordings)
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
    community = resources().config.community
    if signup.address.compared in {community.sender.compared, community.reply_to.compared}:
        signup.email.errors = [N_("Enter an address of your own: this one is ours")]
        return _form_page(shown, signup, framed=framed, status=422)
    stamp, carried = stamps.judge(shown.form, shown.wording, guards.one(fields, "stamp"))
    site = carried or stamps.origin()
    is_machine = stamp is Stamp.WRONG or bool(guards.one(fields, "homepage"))
    if stamp is Stamp.MISSING and not is_machine:
        return _ask_to_press(shown, signup, site, framed)
    ticked, agreed = signup.topics.data or [], fields.getlist("explicit")
    if any(topic.slug in ticked and topic.slug not in agreed for topic, _ in shown.explicit):
        return _form_page(shown, signup, framed=framed, status=422, agreed=agreed, lacks_agreement=True)
    with resources().database.transaction() as session:
        _write_down(session, shown, signup.address, ticked, site, is_machine=is_machine)
    if shown.form.thanks_url:
        return redirect(shown.form.thanks_url, 303)
    lang = None if shown.in_its_own_language else spoken().code
    return redirect(url_for("join.sent", slug=slug, framed="1" if framed else None, lang=lang), 303)


@pages.get("/join/<slug>/sent")
def sent(slug: str) -> Answer:
    """The same page for everybody."""
    shown = _shown(slug, framed=True)
    return page("sent", layout=_layout(request.args.get("framed") == "1"), form=shown.form)


def _write_down(
    session: Session, shown: Shown, address: Address, ticked: list[str], site: str | None, *, is_machine: bool
) -> None:
    """The request, with the language of the page and the very wording that stood on it."""
    form, now, letters = shown.form, utcnow(), resources().letters
    over = guards.over_limit(session, Kind.SIGNUP, address, now, form=form.slug)
    locale = form.locale if shown.in_its_own_language else spoken().code
    known_site = site if site in form.origins else None
    wish = requests.Wish(
        kind=Kind.SIGNUP,
        locale=locale,
        form_id=form.id,
        topics=tuple(topic.id for topic in shown.topics if topic.slug in ticked),
        cadence=form.cadence,
        wording_id=shown.wording.id or wordings.keep(session, shown.wording).id,
        explicit={str(topic.id): wording.id for topic, wording in shown.explicit if topic.slug in ticked},
        letter_wording_id=wordings.of_confirm_letter(session, letters, locale, form.cadence, known_site).id,
        origin=site,
    )
    requests.write_down(session, resources().vault, address, wish, over_limit=over or is_machine, now=now)


def _form_page(
    shown: Shown,
    signup: SignupForm | None = None,
    *,
    framed: bool = False,
    status: int = 200,
    agreed: Sequence[str] = (),
    lacks_agreement: bool = False,
) -> tuple[str, int]:
    wrong = {name: messages[0] for name, messages in signup.errors.items()} if signup else {}
    if signup and signup.email.errors:
        wrong["email"] = signup.email.errors[0]
    if lacks_agreement:
        wrong["explicit"] = N_("Tick that you agree expressly, or leave the topic out.")
    errors = {name: spoken().gettext(message) for name, message in wrong.items()}
    return page(
        "join",
        status,
        layout=_layout(framed),
        framed=framed,
        form=shown.form,
        topics=shown.topics,
        wording=shown.wording,
        stamp=stamps.stamp_of_form(shown.form, shown.wording),
        email=(signup.email.data or "")[:254] if signup else "",
        ticked=(signup.topics.data or []) if signup else [],
        errors=errors,
        explicit=shown.explicit,
        explicit_error=errors.get("explicit", ""),
        agreed=agreed,
    )


def _ask_to_press(shown: Shown, signup: SignupForm, site: str | None, framed: bool) -> tuple[str, int]:
    return page(
        "press",
        layout=_layout(framed),
        framed=framed,
        form=shown.form,
        topics=[topic for topic in shown.topics if topic.slug in (signup.topics.data or [])],
        wording=shown.wording,
        stamp=stamps.stamp_of_press(shown.form, shown.wording, site),
        email=signup.email.data or "",
        explicit=[(topic, wording) for topic, wording in shown.explicit if topic.slug in (signup.topics.data or [])],
        explicit_error="",
        agreed=(),
    )


def _shown(slug: str, *, framed: bool = False) -> Shown:
    """The form, with its language and policies set for this answer; `framed` where its sites may show it in a frame."""
    held = resources()
    with held.database.reading() as session:
        try:
            form = forms.get(session, slug)
        except NotFound:
            abort(404)
        topics = forms.offered(session, form)
        offered = wordings.offered(session, held.config.community, form)
        shown = Shown(form, topics, offered, wordings.explicit(session, topics))
    allow(form.origins if framed else None, form.thanks_url)
    speak(form.locale, shown.wordings)
    return shown


def _layout(framed: bool) -> str:
    return "layouts/frame.html" if framed else "layouts/page.html"
