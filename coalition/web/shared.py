"""What every page needs: the resources, the language, and the few facts that its layout shows."""

from datetime import datetime

from flask import Flask, current_app, g, has_request_context, render_template, request

from coalition.languages import OWN_NAMES, Language, is_spoken, language
from coalition.resources import Resources


def resources() -> Resources:
    """What this Coalition holds."""
    found = current_app.extensions["coalition"]
    if not isinstance(found, Resources):
        raise TypeError("the application was made without its resources")
    return found


def spoken() -> Language:
    """The language of this page.

    What the address asks for (`?lang=cy`), else that of the form or the person (`speak`), else the first one that the
    browser prefers and we know, else the community's. Nothing is remembered in the browser.
    """
    asked = asked_language()
    if asked is not None:
        return asked
    if "locale" in g:
        return language(g.locale)
    preferred = request.accept_languages.best_match(OWN_NAMES) if has_request_context() else None
    return language(preferred or resources().config.community.locale)


def asked_language() -> Language | None:
    """The language that the address of the page asks for; None where it names none or one that we don't know."""
    asked = request.args.get("lang", "") if has_request_context() else ""
    return language(asked) if is_spoken(asked) else None


def speak(locale: str) -> None:
    """Answer in the language of a form or a person, unless the address asks for another."""
    g.locale = locale


def teach(app: Flask) -> None:
    """Give the templates the words and dates of the page's language."""
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


def _day(moment: datetime) -> str:
    return spoken().day(moment.astimezone(resources().config.community.timezone))


def _minute(moment: datetime) -> str:
    return spoken().minute(moment.astimezone(resources().config.community.timezone))


def context() -> dict[str, object]:
    """Facts for every template."""
    held = resources()
    return {"community": held.config.community, "links": held.links, "language": spoken()}


def page(template: str, status: int = 200, **facts: object) -> tuple[str, int]:
    """A rendered page with its status."""
    return render_template(f"pages/{template}.html", **facts), status


def allow(origins: list[str] | None, thanks_url: str | None) -> None:
    """Let these sites show the present answer in a frame, and let its form end on the form's own thank-you page."""
    g.frame_origins, g.thanks_url = origins, thanks_url
