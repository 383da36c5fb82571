"""Stamps of forms that anybody may send: which was shown, with which wording, when, and on whose site it stood."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

from flask import request

from coalition.clock import utcnow
from coalition.errors import BadContent, BadToken, TokenExpired
from coalition.models import Form, Wording
from coalition.services import forms
from coalition.tokens import Purpose
from coalition.web.shared import resources


class Stamp(Enum):
    """What the stamp of a form says."""

    RIGHT = "right"
    WRONG = "wrong"  # a machine's: too fast, or of another form
    MISSING = "missing"  # a form on a page of others, a tab that was open for long, or one that showed another wording


def stamp_of_form(form: Form, wording: Wording) -> str:
    """The stamp of a form on a page of ours."""
    return resources().tokens.make(Purpose.FORM, f"{form.slug}_{_fingerprint(wording)}")


def stamp_of_press(form: Form, wording: Wording, site: str | None) -> str:
    """The stamp of the page that asks for one more press.

    It also carries the site where the form stood, because its own press comes from us.
    """
    return resources().tokens.make(Purpose.FORM, f"{form.slug}_{_fingerprint(wording)}_{_pack(site)}")


def judge(form: Form, wording: Wording, token: str) -> tuple[Stamp, str | None]:
    """What a stamp says, and the site that it carries. A person is never refused: who has none is asked to press."""
    read = _read(token)
    if isinstance(read, Stamp):
        return read, None
    value, made_at = read
    slug, _, rest = value.partition("_")
    fingerprint, is_press, packed = rest.partition("_")
    if slug != form.slug or (not is_press and _is_too_fast(made_at)):
        return Stamp.WRONG, None
    return (Stamp.RIGHT if fingerprint == _fingerprint(wording) else Stamp.MISSING), _unpack(packed)


def stamp_of_page(name: str) -> str:
    """The stamp of a page that asks for no consent; its name has letters only."""
    return resources().tokens.make(Purpose.FORM, f"page_{name}")


def judge_page(name: str, token: str) -> Stamp:
    """What the stamp of such a page says."""
    read = _read(token)
    if isinstance(read, Stamp):
        return read
    value, made_at = read
    return Stamp.WRONG if value != f"page_{name}" or _is_too_fast(made_at) else Stamp.RIGHT


def origin() -> str | None:
    """The site that the form stood on, as the browser tells it: scheme and host only."""
    told = request.headers.get("Origin") or ""
    try:
        if told in {"", "null"}:
            referrer = urlsplit(request.headers.get("Referer", ""))
            told = f"{referrer.scheme}://{referrer.netloc}"
        return forms.require_origin(told)[:200]
    except (BadContent, ValueError):  # a header can hold anything
        return None


def _read(token: str) -> tuple[str, datetime] | Stamp:
    if not token:
        return Stamp.MISSING
    try:
        return resources().tokens.read_dated(Purpose.FORM, token)
    except TokenExpired:
        return Stamp.MISSING
    except BadToken:
        return Stamp.WRONG


def _is_too_fast(made_at: datetime) -> bool:
    # The stamp counts whole seconds, so a person is given the benefit of the one that was cut off.
    return utcnow() - made_at < timedelta(seconds=resources().config.community.limits.form_seconds)


def _fingerprint(wording: Wording) -> str:
    """Enough of a wording's hash to tell it from every other that this form could have shown."""
    return wording.sha256[:16]


def _pack(site: str | None) -> str:
    """An origin in the letters that a token may hold; a very long one is left out."""
    packed = urlsafe_b64encode((site or "").encode()).decode().rstrip("=")
    return packed if len(packed) <= 160 else ""


def _unpack(packed: str) -> str | None:
    return urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode() or None
