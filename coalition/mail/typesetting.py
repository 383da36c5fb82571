"""Sets the copies of one issue from blocks. A block is set once for a language and a form, however many copies have it.

Nearly every reader who chose some topics has a copy of their own, but no piece of it: not an item, not the heading of a
topic, not the line that tells since when. So each is rendered and inlined by itself, and a copy is a list of them: in
runs, because all who begin a topic at the same item have all of it in common.
"""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from coalition.languages import language
from coalition.mail import digest, markdown
from coalition.mail.digest import Block, Edition, Run, Section, Slots, mark, split
from coalition.mail.letters import Letters
from coalition.mail.staffs_words import direction

# From here on a letter begins with a list of what it holds (RFC 1153).
_MANY_TOPICS = 4
_MANY_ITEMS = 9

_LINKS = ("preferences", "unsubscribe")
_LISTING, _CONTENTS, _CHOSEN = "listing", "contents", "chosen"  # one line each, or many, for every topic
# What stands between items and between topics, besides the end of a line.
_GAP = {"txt": "\n\n", "html": ""}
_MOST_TOPICS = 4096  # each with all its news, begun at one item or another


class Typesetter:
    """Sets one form, `txt` or `html`, of an issue's letters in one language."""

    def __init__(self, letters: Letters, locale: str, edition: Edition, form: Literal["txt", "html"]) -> None:
        self._letters, self._locale, self._edition, self._form = letters, locale, edition, form
        self._slots = Slots(mark("preferences"), mark("unsubscribe"), since={})
        self._shell = cache(self._set_shell)
        self._listed, self._chosen = cache(self._set_listed), cache(self._set_chosen)
        self._around, self._item = cache(self._set_around), cache(self._set_item)
        self._topic = lru_cache(maxsize=_MOST_TOPICS)(self._set_topic)
        self._gap: Run = ((_GAP[form],),)

    def set(self, sections: Sequence[Section]) -> tuple[Run, ...]:
        """The blocks of one copy. Raises ValueError where something of it damages a slot."""
        items = sum(len(section.fragments) for section in sections)
        is_long = len(sections) >= _MANY_TOPICS or (len(sections) > 1 and items >= _MANY_ITEMS)
        runs: list[Run] = []
        for part in self._shell(is_long):
            if isinstance(part, tuple):
                runs.append(part)
            elif part == _LISTING:
                runs += [self._listed(each.name, each.slug, len(each.fragments)) for each in sections]
            elif part == _CONTENTS:
                topics = [self._topic(each) for each in sections]
                runs += [run for topic in topics for run in (self._gap, topic)][1:]
            else:
                runs += [self._chosen(each.name, each.slug) for each in sections]
        return tuple(runs)

    def _set_topic(self, section: Section) -> Run:
        before, after = self._around(section.name, section.slug, section.more, section.archive)
        return (before, *self._items(section.fragments), after)

    def _items(self, fragments: Sequence[str]) -> Iterator[Block]:
        gap = ""
        for fragment in fragments:
            yield self._item(gap, fragment)
            gap = _GAP[self._form]

    def _set_shell(self, is_long: bool) -> tuple[Run | str, ...]:
        """All that belongs to no topic; the names of what does stand between."""
        edition = self._edition
        facts = {
            "subject": edition.subject,
            "titled": edition.titled,
            "dated": edition.dated,
            "is_long": is_long,
            "intro": mark("intro") if edition.intro_md else "",
            **{name: mark(name) for name in (_LISTING, _CONTENTS, _CHOSEN)},
            "slots": self._slots,
        }
        if self._form == "txt":
            # What staff wrote is wrapped already; wrapped again, a line of code would lose its shape.
            shell = self._letters.wrapped("digest/body.txt", self._locale, **facts)
            shell = shell.replace(mark("intro"), markdown.to_text(edition.intro_md)).strip() + "\n"
        else:
            shell = self._letters.inline(
                self._letters.template("digest/body.html", self._locale, **facts), self._locale
            )
            shell = shell.replace(mark("intro"), self._set_intro()) + "\n"
        parts: list[Run | str] = []
        for name in (*((_LISTING,) if is_long else ()), _CONTENTS, _CHOSEN):
            before, found, shell = shell.partition(f"{mark(name)}\n")
            if not found:
                raise ValueError("a slot of the digest was damaged while it was made")
            parts += [(split(before, _LINKS),), name]
        return (*parts, (split(shell, _LINKS),))

    def _set_intro(self) -> str:
        source = self._edition.intro_md
        html = self._render("intro", words=source, html=digest.clean_html(source, "h2"))
        return self._letters.inline_fragment(html, direction(source, language(self._locale).direction))

    def _set_listed(self, name: str, slug: str, items: int) -> Run:
        return (split(self._line("listed", topic=name, slug=slug, items=items), ()),)

    def _set_chosen(self, name: str, slug: str) -> Run:
        day = f"since-{slug}"
        return (split(self._line("chosen", topic=name, cadence=self._edition.cadence, day=mark(day)), (day,)),)

    def _set_around(self, name: str, slug: str, more: int, archive: str) -> tuple[Block, Block]:
        """What stands before the items of a topic, and after them."""
        facts = {"topic": name, "slug": slug, "more": more, "archive": archive}
        around = self._render("topic", **facts, items=mark("items"), slots=self._slots)
        around = around.strip() if self._form == "txt" else self._inlined(around)
        before, found, after = around.partition(f"{mark('items')}\n")
        if not found:
            raise ValueError("a slot of the digest was damaged while it was made")
        return split(before, ()), split(after + "\n", _LINKS)

    def _set_item(self, gap: str, fragment: str) -> Block:
        return split(f"{gap}{fragment}\n", ())

    def _line(self, name: str, **facts: Any) -> str:
        if self._form == "txt":
            return self._letters.wrapped(f"digest/{name}.txt", self._locale, **facts) + "\n"
        return self._inlined(self._render(name, **facts)) + "\n"

    def _render(self, name: str, **facts: Any) -> str:
        return self._letters.template(f"digest/{name}.{self._form}", self._locale, **facts)

    def _inlined(self, html: str) -> str:
        return self._letters.inline_fragment(html, language(self._locale).direction)
