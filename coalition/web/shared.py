"""What every page needs: the resources, the language, and the few facts that its layout shows."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask import Flask, current_app, g, has_request_context, render_template, request, url_for
from markupsafe import Markup

from coalition.languages import OWN_NAMES, Language, language, languages
from coalition.resources import Resources

# Pages that anybody may open; links to them carry the language along.
_PUBLIC = {
    "join.home",
    "join.hosted",
    "join.sent",
    "privacy.notice",
    "privacy.prove",
    "privacy.grievance",
    "preferences.ask",
    "archive.every",
    "archive.one",
}
# Those of them that offer their other languages.
_SWITCHED = _PUBLIC - {"join.sent"}


def resources() -> Resources:
    """What this Coalition holds."""
    found = current_app.extensions["coalition"]
    if not isinstance(found, Resources):
        raise TypeError("the application was made without its resources")
    return found


def spoken() -> Language:
    """The language of this page.

    What the address asks for (`?lang=cy`) if the page speaks it, else that of the form or the person (`speak`), else
    the first one that the browser prefers and we know, else the community's. Nothing is remembered in the browser.
    """
    asked = code_of(request.args.get("lang", "")) if has_request_context() else None
    if asked is not None and asked in _among():
        return language(asked)
    return language(g.locale) if "locale" in g else _unasked()


def speak(locale: str, among: Collection[str] = OWN_NAMES) -> None:
    """Answer in the language of a form or a person, unless the address asks for another one that the page speaks."""
    g.locale, g.among = locale, among


def speak_as_sent(told: str, among: Collection[str] = OWN_NAMES) -> None:
    """Answer a form in the language of the page that it stood on, which its field `lang` tells."""
    code = code_of(told)
    if code is not None and code in among:
        speak(code, among)


def code_of(tag: str) -> str | None:
    """The language that a tag from outside names, if we speak it: fr for fr-CA, nothing for what is no tag."""
    code = tag.partition("-")[0].lower()
    return code if code in OWN_NAMES else None


def preferred(among: Collection[str] = OWN_NAMES) -> str | None:
    """The one of these languages that the browser prefers."""
    if not has_request_context():
        return None
    g.depends_on_browser = True
    codes = (code_of(tag) for tag, quality in request.accept_languages if quality > 0)
    return next((code for code in codes if code is not None and code in among), None)


def teach(app: Flask) -> None:
    """Give the templates the words and dates of the page's language, and the links to public pages the language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        lambda text: spoken().gettext(text),
        lambda one, many, n: spoken().ngettext(one, many, n),
        newstyle=True,
        pgettext=lambda context, text: spoken().pgettext(context, text),
        npgettext=lambda context, one, many, n: spoken().npgettext(context, one, many, n),
    )
    app.jinja_env.filters.update(day=_day, minute=_minute, rhythm=lambda cadence: spoken().rhythm(cadence))
    app.jinja_env.filters.update(staff=staff, ltr=ltr)
    app.url_defaults(_carry)


def context() -> dict[str, object]:
    """Facts for every template."""
    held = resources()
    return {"community": held.config.community, "links": held.links, "language": spoken(), "switch": _switch()}


def page(template: str, status: int = 200, **facts: object) -> tuple[str, int]:
    """A rendered page with its status."""
    return render_template(f"pages/{template}.html", **facts), status


def allow(origins: list[str] | None, thanks_url: str | None) -> None:
    """Let these sites show the present answer in a frame, and let its form end on the form's own thank-you page."""
    g.frame_origins, g.thanks_url = origins, thanks_url


def staff(text: str) -> Markup:
    """The community's own words inside ours: they may run in another direction, and be in another language."""
    locale = resources().config.community.locale
    if language(locale) == spoken():
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi lang="{}">{}</bdi>').format(locale, text)


def _among() -> Collection[str]:
    """The languages that this page speaks."""
    return g.get("among", OWN_NAMES)  # type: ignore[no-any-return]  # flask.g holds anything


def _unasked() -> Language:
    """What a page speaks where neither its address nor a form or person says more."""
    return language(preferred() or resources().config.community.locale)


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    """Add the language to the address of a public page that would speak another without it."""
    if endpoint in _PUBLIC and "lang" not in values and spoken() != _unasked():
        values["lang"] = spoken().code


def _switch() -> list[tuple[Language, str]]:
    """The languages that this page speaks, with its address in each; none where there is no choice."""
    endpoint, among = request.endpoint, languages(_among())
    if request.method == "POST" or endpoint is None or endpoint not in _SWITCHED or len(among) == 1:
        return []
    return [(each, url_for(endpoint, **(request.view_args or {}), lang=each.code)) for each in among]


def _day(moment: datetime) -> str:
    return spoken().day(moment.astimezone(resources().config.community.timezone))


def _minute(moment: datetime) -> str:
    return spoken().minute(moment.astimezone(resources().config.community.timezone))


def ltr(text: str) -> Markup:
    """What runs from left to right in every language: addresses, codes, links."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(text)
