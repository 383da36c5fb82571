"""Rules for what every digest promises: nothing is loaded, hidden or counted; who writes, and how to leave, is said."""

from collections.abc import Callable, Iterator

from coalition.mail.lint import styles
from coalition.mail.lint.findings import Faults, short
from coalition.mail.lint.finished import HTML, TEXT, Finished
from coalition.mail.lint.page import Page

# Attributes from which programs fetch by themselves (H7); `data` is the one of <object>.
_LOADING = frozenset({"src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc"})

# Elements that run, frame or send something; no mail program that people use wants them.
_ACTIVE = (
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "applet",
    "form",
    "input",
    "button",
    "video",
    "audio",
    "base",
)


def _remote_loads(finished: Finished) -> Faults:
    for load in sorted(set(_loads(finished.page))) if finished.page else []:
        yield HTML, f"Opening the letter would fetch “{short(load)}”: a letter brings along all that it shows."


def _loads(page: Page) -> Iterator[str]:
    for element in page.elements:
        for name, value in element.attributes.items():
            if name in _LOADING and not value.strip().lower().startswith(("cid:", "data:")):
                yield value
        if element.tag == "link":
            yield element.attributes.get("href", "")
        if element.tag == "meta" and element.attributes.get("http-equiv", "").lower() == "refresh":
            yield element.attributes.get("content", "")
        yield from styles.loads(element.attributes.get("style", ""))
    yield from styles.loads(page.sheets)


def _active(finished: Finished) -> Faults:
    if finished.page:
        for tag in sorted({element.tag for element in finished.page.tagged(*_ACTIVE)}):
            yield HTML, f"There is a <{tag}>: a letter holds only text and links."
        for name in sorted({name for each in finished.page.elements for name in each.attributes if name[:2] == "on"}):
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


def _foreign_links(finished: Finished) -> Faults:
    for url in dict.fromkeys(finished.page.hrefs if finished.page else []):
        if not finished.is_ours(url) and url not in finished.allowed:
            yield HTML, f"Nobody wrote the link “{short(url)}”: links leave as staff wrote them, byte by byte."


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
