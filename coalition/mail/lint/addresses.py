"""Rules for where links lead: openly, to an https page, and to the same page for every reader."""

import re
from collections.abc import Callable
from urllib.parse import SplitResult, parse_qsl, urlsplit

from coalition.mail.lint.findings import Spots, short
from coalition.mail.lint.reading import Link, Written
from coalition.mail.markdown import is_link

# The schemes that letters keep (H8); http is let through with a finding of its own.
_SCHEMES = frozenset({"https", "http", "mailto"})

# They hide where a link leads and count who follows it, so spam filters distrust them.
_SHORTENERS = frozenset(
    {
        *("amzn.to", "bit.ly", "bitly.com", "bl.ink", "buff.ly", "cutt.ly", "dlvr.it", "eepurl.com", "fb.me"),
        *("goo.gl", "ift.tt", "is.gd", "j.mp", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "s.id", "short.io"),
        *("shorturl.at", "t.co", "t.ly", "tiny.cc", "tiny.one", "tinyurl.com", "trib.al", "v.gd", "wp.me", "x.gd"),
    }
)

# Parameters that tell campaigns and people apart (L16), as advertisers and mailing services document them.
_TRACKING = frozenset(
    {
        *("__s", "_hsenc", "_hsmi", "_kx", "_openstat", "ck_subscriber_id", "dclid", "elqtrack", "elqtrackid"),
        *("epik", "fbclid", "gbraid", "gclid", "gclsrc", "hsctatracking", "igsh", "igshid", "li_fat_id", "mc_cid"),
        *("mc_eid", "mkt_tok", "ml_subscriber", "ml_subscriber_hash", "msclkid", "oly_anon_id", "oly_enc_id"),
        *("rb_clickid", "s_cid", "srsltid", "trk_contact", "trk_msg", "ttclid", "twclid", "vero_conv", "vero_id"),
        *("wbraid", "wickedid", "yclid"),
    }
)
_TRACKING_STARTS = ("utm_", "pk_", "mtm_", "matomo_", "piwik_")

# Pages of ours that belong to one person (links.py): whoever gets such a link by mail can act for that person.
_PERSONAL_PAGES = re.compile(r"/(?:confirm|preferences|unsubscribe)/.")


def _relative(written: Written) -> Spots:
    for link in written.links():
        parts = _parts(link)
        if parts and not parts.scheme and not link.url.startswith("//"):
            yield link.place, f"“{short(link.url)}” leads nowhere from a letter: write it in full, from https:// on."


def _without_scheme(written: Written) -> Spots:
    for link in written.links():
        if link.url.startswith("//"):
            yield link.place, f"“{short(link.url)}” leads nowhere from a letter: write https: before it."


def _scheme(written: Written) -> Spots:
    for link in written.links():
        parts = _parts(link)
        if parts and parts.scheme and parts.scheme not in _SCHEMES:
            yield link.place, f"A link may not begin with “{short(parts.scheme, 20)}:”: use https or mailto."


def _insecure(written: Written) -> Spots:
    for link, parts in _pages(written):
        if parts.scheme == "http":
            yield link.place, f"“{short(link.url)}” can be read and changed on its way: see if https works there."


def _broken(written: Written) -> Spots:
    for link in written.links():
        parts = _parts(link)
        if parts is None or (parts.scheme in _SCHEMES and not is_link(link.url)):
            yield link.place, f"“{short(link.url)}” is nothing that a letter can lead to: copy the address again."
        elif parts.scheme == "mailto" and "@" not in parts.path:
            yield link.place, f"“{short(link.url)}” is no address of a person: write mailto:name@example.org."


def _shortened(written: Written) -> Spots:
    for link, parts in _pages(written):
        host = parts.hostname or ""
        if any(host == shortener or host.endswith(f".{shortener}") for shortener in _SHORTENERS):
            yield link.place, f"“{short(link.url)}” hides where it leads: link to the page itself."


def _tracking(written: Written) -> Spots:
    for link, parts in _pages(written):
        names = [name for name, _ in _parameters(parts)]
        found = [name for name in names if name.lower() in _TRACKING or name.lower().startswith(_TRACKING_STARTS)]
        if found:
            yield link.place, f"The link counts readers with {', '.join(map(short, found))}: take that out of it."


def _personal_parameter(written: Written) -> Spots:
    for link, parts in _pages(written):
        for name, value in _parameters(parts):
            if "@" in value:
                yield link.place, f"The link carries somebody's address (in “{short(name)}”): take it out."


def _personal_page(written: Written) -> Spots:
    for link, parts in _pages(written):
        if parts.netloc.lower() == written.own_host.lower() and _PERSONAL_PAGES.search(parts.path):
            yield link.place, "The link opens one person's own page to every reader: link to the front page instead."


def _parts(link: Link) -> SplitResult | None:
    try:
        return urlsplit(link.url)
    except ValueError:
        return None


def _pages(written: Written) -> list[tuple[Link, SplitResult]]:
    found = ((link, _parts(link)) for link in written.links())
    return [(link, parts) for link, parts in found if parts and parts.scheme in {"https", "http"}]


def _parameters(parts: SplitResult) -> list[tuple[str, str]]:
    return parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True)


RULES: dict[str, Callable[[Written], Spots]] = {
    "relative-link": _relative,
    "link-without-scheme": _without_scheme,
    "link-scheme": _scheme,
    "insecure-link": _insecure,
    "broken-link": _broken,
    "link-shortener": _shortened,
    "tracking-parameter": _tracking,
    "personal-parameter": _personal_parameter,
    "personal-page": _personal_page,
}
