"""Rules for what every digest promises: nothing is loaded, hidden or counted; who writes, and how to leave, is said."""

from collections.abc import Callable

from coalition.mail.lint import styles, trackers
from coalition.mail.lint.findings import Faults, short
from coalition.mail.lint.finished import HTML, TEXT, Finished


def _remote_loads(finished: Finished) -> Faults:
    for load in sorted(set(trackers.fetched(finished.page))) if finished.page else []:
        if not trackers.comes_along(load):
            yield HTML, f"Opening the letter would fetch “{short(load)}”: a letter brings along all that it shows."


def _active(finished: Finished) -> Faults:
    if finished.page:
        for tag in [*trackers.running(finished.page), *trackers.sending(finished.page)]:
            yield HTML, f"There is a <{tag}>: a letter holds only text and links."
        for name in trackers.handlers(finished.page):
            yield HTML, f"An element acts by itself ({short(name)}): a letter holds only text and links."


def _hidden(finished: Finished) -> Faults:
    if finished.page:
        found = [styles.hidden_by(each.style) for each in finished.page.elements]
        found += [styles.hidden_by(block) for block in styles.blocks(finished.page.sheets)]
        found += ["hidden" for each in finished.page.elements if "hidden" in each.attributes]
        for way in sorted({each for each in found if each}):
            yield HTML, f"“{short(way)}” hides text, which filters take for fraud: show it or leave it out."
        for text in finished.page.pale:
            yield HTML, f"“{short(text)}” has the colour of its ground: nobody could read it."


def _postal_address(finished: Finished) -> Faults:
    address = _plain(finished.postal_address)
    for part, (words, _) in finished.forms.items():
        if not address or address not in _plain(words):
            yield part, "The postal address is missing: it belongs into the foot (postal_address in community.toml)."


def _unsubscribe(finished: Finished) -> Faults:
    for part, (_, urls) in finished.forms.items():
        if not any(url.startswith(f"{finished.base_url}/unsubscribe/") for url in urls):
            yield part, "There is no link to leave the list: every digest has one."


_FOREIGN = "Nobody wrote the link “{}”: links leave as staff wrote them, byte by byte."


def _foreign_links(finished: Finished) -> Faults:
    for url in dict.fromkeys(finished.page.hrefs if finished.page else []):
        if not finished.is_ours(url) and url not in finished.allowed:
            yield HTML, _FOREIGN.format(short(url))
    # Where there is HTML, both parts are compared.
    for url in dict.fromkeys(finished.text_urls if finished.page is None else []):
        if not finished.is_ours(url) and url not in finished.allowed:
            yield TEXT, _FOREIGN.format(short(url))


def _different_links(finished: Finished) -> Faults:
    if finished.page:
        in_text, in_html = finished.text_urls, finished.page.hrefs
        shown = "\n".join([finished.page.words, *finished.page.code])
        for url in dict.fromkeys(in_html):
            if url not in in_text:
                yield TEXT, f"The link “{short(url)}” of the HTML part is missing: both parts say the same."
        for url in dict.fromkeys(in_text):
            if url not in in_html and url not in shown:
                yield HTML, f"The link “{short(url)}” of the text part is missing: both parts say the same."


def _plain(text: str) -> str:
    return " ".join(text.split())


RULES: dict[str, Callable[[Finished], Faults]] = {
    "remote-load": _remote_loads,
    "active-element": _active,
    "hidden-text": _hidden,
    "postal-address-missing": _postal_address,
    "unsubscribe-missing": _unsubscribe,
    "foreign-link": _foreign_links,
    "different-links": _different_links,
}
