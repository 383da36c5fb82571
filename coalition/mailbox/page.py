"""The page of the local mailbox: a small web app of its own, never part of the public one."""

from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from coalition.clock import utcnow
from coalition.mailbox import guard, links, words
from coalition.mailbox.store import Letter, Store
from coalition.paths import STATIC, TEMPLATES

NEW = timedelta(minutes=2)
LOOK_AGAIN = timedelta(seconds=5)
GONE = "This letter isn't here. The mailbox forgets when it is emptied, when it is full, and when it stops."

pages = Blueprint("mailbox", __name__)


def create_page(store: Store, *, site_url: str | None = None) -> Flask:
    """The web app that shows `store`; `site_url` is where an empty mailbox sends its reader to sign up."""
    page = Flask("coalition.mailbox", static_folder=None, template_folder=TEMPLATES / "mailbox")
    page.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    page.extensions["mailbox"] = store
    page.jinja_env.undefined = StrictUndefined
    page.jinja_env.trim_blocks = page.jinja_env.lstrip_blocks = True
    page.jinja_env.globals["site_url"] = site_url
    page.jinja_env.filters.update(words.FILTERS)
    page.register_error_handler(HTTPException, _sorry)
    page.register_blueprint(pages)
    guard.protect(page)
    return page


@pages.get("/")
def index() -> Response:
    """The letters, newest first. With `?watch=on` the browser looks again by itself."""
    watching = request.args.get("watch") == "on"
    letters = _store().letters()
    newest = {letter.id for letter in letters if utcnow() - letter.received_at < NEW}
    shown = render_template("index.html", letters=letters, newest=newest, store=_store(), watching=watching)
    response = Response(shown)
    if watching:
        response.headers["Refresh"] = f"{LOOK_AGAIN.seconds}"
    return response


@pages.get("/letters/<int:letter_id>")
def letter(letter_id: int) -> str:
    """The letter as a mail program shows it: its HTML, or its text, or what came."""
    found = _found(letter_id)
    view = "html" if found.html is not None else "text" if found.text is not None else "source"
    return _show(found, view)


@pages.get("/letters/<int:letter_id>/text")
def text(letter_id: int) -> str:
    """The plain-text part, its web addresses clickable."""
    return _show(_found(letter_id), "text")


@pages.get("/letters/<int:letter_id>/source")
def source(letter_id: int) -> str:
    """The letter as it came."""
    return _show(_found(letter_id), "source")


@pages.get("/letters/<int:letter_id>/headers")
def headers(letter_id: int) -> str:
    """Every header, decoded."""
    return _show(_found(letter_id), "headers")


@pages.get("/letters/<int:letter_id>/html")
def html(letter_id: int) -> Response:
    """The HTML part alone, for the frame: no script, nothing from outside, links into a new tab."""
    part = _found(letter_id).html
    if part is None:
        abort(404, "This letter has no HTML part.")
    return Response(links.in_new_tabs(part), headers={"Content-Security-Policy": guard.LETTER})


@pages.get("/letters/<int:letter_id>.eml")
def eml(letter_id: int) -> Response:
    """The letter as a file, to be opened with a real mail program."""
    name = f"attachment; filename=letter-{letter_id}.eml"
    return Response(_found(letter_id).raw, mimetype="message/rfc822", headers={"Content-Disposition": name})


@pages.get("/letters.json")
def letters_json() -> Response:
    """Every letter for scripts, newest first; `?to=` asks for those of one recipient."""
    found = _store().letters(request.args.get("to"))
    return jsonify(letters=[_facts(letter) for letter in found], gone=_store().gone)


@pages.get("/letters/<int:letter_id>.json")
def letter_json(letter_id: int) -> Response:
    """One letter for scripts."""
    return jsonify(_facts(_found(letter_id)))


@pages.post("/clear")
def clear() -> Answer:
    """Throw all letters away."""
    _store().clear()
    return redirect(url_for("mailbox.index"), 303)


@pages.get("/mailbox.css")
def style() -> Response:
    """The one stylesheet."""
    return Response((STATIC / "mailbox.css").read_bytes(), mimetype="text/css")


@pages.get("/healthz")
def health() -> Response:
    """Says that the page answers."""
    return Response("ok\n", mimetype="text/plain")


def _store() -> Store:
    store: Store = current_app.extensions["mailbox"]
    return store


def _found(letter_id: int) -> Letter:
    return _store().find(letter_id) or abort(404, GONE)


def _show(letter: Letter, view: str) -> str:
    ids = [other.id for other in _store().letters()]
    newer = min((other for other in ids if other > letter.id), default=None)
    older = max((other for other in ids if other < letter.id), default=None)
    phone = request.args.get("width") == "phone"
    return render_template("letter.html", letter=letter, view=view, newer=newer, older=older, phone=phone)


def _facts(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "sender": letter.sender,
        "to": letter.recipient,
        "from": letter.from_,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "headers": letter.headers,
        "links": {"text": links.in_text(letter.text or ""), "html": links.in_html(letter.html or "")},
    }


def _sorry(error: HTTPException) -> Answer:
    answer = error.get_response()
    answer.set_data(render_template("sorry.html", error=error))
    return answer
