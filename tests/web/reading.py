"""Reading a page as a strict browser does, and the rules that each of our pages keeps."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
from werkzeug.test import TestResponse

from coalition.mail.lint import lint_page

_LOADING = {"src", "href", "action", "formaction", "poster", "data", "srcset", "ping"}


def parse(answer: TestResponse) -> Element:
    """The document, parsed strictly: what the HTML standard calls a parse error is an error."""
    found = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.text)
    assert isinstance(found, Element)
    return found


def words(element: Element) -> str:
    """The text of an element, its white space made plain."""
    return " ".join("".join(element.itertext()).split())


def field_value(answer: TestResponse, name: str) -> str:
    """The value of the first input with this name; empty where there is none."""
    found = [each for each in parse(answer).iter("input") if each.get("name") == name]
    return found[0].get("value", "") if found else ""


def faults_of(answer: TestResponse) -> list[str]:
    """The rules that a page breaks, in words."""
    if answer.mimetype != "text/html" or answer.status_code == 303 or not answer.get_data():
        return []
    document = parse(answer)
    rules = (_frame, _headings, _labels, _inline, _elsewhere, _names, _anchors)
    doctype = [] if answer.text.startswith("<!doctype html>\n<html lang=") else ["no doctype or language"]
    trackers = [f"{each.name}: {each.text}" for each in lint_page(answer.text, "page")]
    return doctype + trackers + [fault for rule in rules for fault in rule(document)]


def _frame(document: Element) -> Iterator[str]:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", document.get("lang", "")):
        yield "no language"
    if len(list(document.iter("main"))) != 1:
        yield "not one main"
    if document.find("head/meta[@name='viewport']") is None:
        yield "no viewport"


def _headings(document: Element) -> Iterator[str]:
    headings = [words(each) for each in document.iter("h1")]
    titles = [words(each) for each in document.iter("title") if each in list(document.find("head") or [])]
    if len(headings) != 1 or not headings[0]:
        yield f"{len(headings)} h1"
    elif len(titles) != 1 or headings[0] not in titles[0]:
        yield f"the title {titles} does not hold {headings[0]!r}"


def _labels(document: Element) -> Iterator[str]:
    labelled = {each.get("for") for each in document.iter("label") if words(each)}
    for each in (*document.iter("input"), *document.iter("select"), *document.iter("textarea")):
        if each.get("type") != "hidden" and each.get("id") not in labelled:
            yield f"{each.get('name')} has no label"
    for form in document.iter("form"):
        if not any(each.get("type", "submit") == "submit" for each in form.iter("button")):
            yield "a form without a button"
    yield from (f"{form.get('action')} by GET" for form in document.iter("form") if form.get("method") != "post")


def _inline(document: Element) -> Iterator[str]:
    for each in document.iter():
        if each.tag in {"style", "img"}:
            yield f"<{each.tag}>"
        if "http-equiv" in each.attrib:
            yield "a header in the page"
        if "style" in each.attrib:
            yield "style="


def _elsewhere(document: Element) -> Iterator[str]:
    # What staff wrote may link to where its news is from: a person follows that, no browser by itself.
    news = {link for each in document.iter() if each.get("class") == "news" for link in each.iter("a")}
    for each in document.iter():
        if each in news:
            continue
        for name in _LOADING & {str(attribute) for attribute in each.attrib}:
            url = urlsplit(each.attrib[name])
            if url.netloc or url.scheme not in {"", "mailto"}:
                yield f"{name} leads to {url.scheme}:{url.netloc}"


def _names(document: Element) -> Iterator[str]:
    counted = Counter(each.get("id") for each in document.iter() if each.get("id") is not None)
    yield from (f"the id {name} {number} times" for name, number in counted.items() if number > 1)


def _anchors(document: Element) -> Iterator[str]:
    names = {each.get("id") for each in document.iter()}
    pointers = [each.get("href", "")[1:] for each in document.iter("a") if each.get("href", "").startswith("#")]
    for attribute in ("aria-describedby", "aria-labelledby", "for"):
        pointers += [name for each in document.iter() for name in each.get(attribute, "").split()]
    yield from (f"nothing is called {name!r}" for name in pointers if name not in names)
