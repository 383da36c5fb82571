"""A digest made ready for thousands of readers: all that they share as bytes, with places for what they don't.

The message of a sample reader is written once, by the standard library, which so decides how everything is written.
What is the sample reader's own is cut out; writing another reader's message is joining bytes. A test compares each
byte with what the slow way writes for that reader.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache

from coalition.address import Address
from coalition.mail.digest import Copy, Slots
from coalition.mail.envelope import is_sound
from coalition.mail.message import WIRE, Letter
from coalition.mail.quoted import Cut, Line, Value, lines

# What the sample reader has. Nothing else in a letter holds these words, and they are as plain as what replaces them.
_RECIPIENT = Address.parse("sample-reader-of-a-compiled-copy@example.org")
_NONCE = "nonce-of-a-compiled-copy"
_LINK = "https://example.org/{}-of-a-compiled-copy"
_DATED = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)

_IN_HTML = "&"  # before the name of a place
_BOUNDARY = {_NONCE: "nonce"}
_LONGEST_TO = 70

_Part = bytes | str | Line

# Any other is folded, or perhaps encoded, by the standard library.
_PLAIN_RECIPIENT = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,255}")

# These stand in headers as they are (CWE-93).
_PLAIN_NONCE = re.compile(r"[A-Za-z0-9-]+")
_PLAIN_LINK = re.compile(r"[!-;=?-~]+")

# Writes the message of a letter the slow way: letter, recipient, nonce, date, slots.
Build = Callable[[Letter, Address, str, datetime, Slots], bytes]


class CompiledCopy:
    """The message of one variant without its reader. Raises ValueError where a place is not where it should be."""

    def __init__(self, copy: Copy, build: Build) -> None:
        """`build` is asked once, for the sample reader."""
        self._dates = [name for name in dict.fromkeys(copy.text[1::2]) if name.startswith("since-")]
        sample = Slots(
            preferences=_LINK.format("preferences"),
            unsubscribe=_LINK.format("unsubscribe"),
            since={name.removeprefix("since-"): _LINK.format(name) for name in self._dates},
        )
        message = build(copy.fill(sample), _RECIPIENT, _NONCE, _DATED, sample)
        if not is_sound(message):
            raise ValueError("a compiled copy could not be read in one way only")
        values = self._values(sample)
        head, blank, body = message.partition(b"\r\n\r\n")
        self._parts = _cut(head + blank, _head_places(sample))
        for form in (copy.text,) if copy.html is None else (copy.text, _renamed(copy.html)):
            quoted = _with_line_ends(lines(form))
            before, found, body = body.partition(_written(quoted, values))
            if not found:
                raise ValueError("a compiled copy differs from the letter it was made from")
            self._parts += [*_cut(before, _BOUNDARY), *quoted]
        self._parts += _cut(body, _BOUNDARY)
        self._moulds: dict[tuple[bytes, bytes], _Mould] = {}

    def fill(self, recipient: Address, nonce: str, dated: datetime, slots: Slots) -> tuple[bytes, int]:
        """The message of one reader with its dots doubled for the wire, and its size in bytes without that."""
        if not _PLAIN_NONCE.fullmatch(nonce) or not _PLAIN_LINK.fullmatch(slots.unsubscribe):
            raise ValueError("a header holds a character that has no place in it")
        values = self._values(slots)
        # Links have the same length for nearly all readers, so where they are cut is settled once.
        links = values["preferences"].shape, values["unsubscribe"].shape
        mould = self._moulds.get(links)
        if mould is None:
            mould = self._moulds[links] = _Mould(self._parts, values)
        places = {b"to": _to(recipient), b"nonce": nonce.encode("ascii"), b"date": _date(dated)}
        return mould.cast(values, places | {b"leave": slots.unsubscribe.encode("ascii")})

    def _values(self, slots: Slots) -> dict[str, Value]:
        """The value of each place; under another name, that of the same place in HTML."""
        values = {"preferences": Value.of(slots.preferences), "unsubscribe": Value.of(slots.unsubscribe)}
        values |= {_IN_HTML + name: value.in_html for name, value in values.items()}
        for name in self._dates:
            values[name] = date = Value.of(slots.value(name))
            values[_IN_HTML + name] = date.in_html
        return values


class _Mould:
    """The whole message as one template of bytes, for links of one length. Lines with dates are filled by themselves.

    The dots that begin lines are doubled here, once: looking for them in every letter took longer than filling it. A
    value that comes to stand at the beginning of a line is looked at when it is filled in.
    """

    def __init__(self, parts: Sequence[_Part], values: Mapping[str, Value]) -> None:
        self._slices: dict[bytes, Cut] = {}
        self._lines: dict[bytes, Line] = {}
        self._first: list[bytes] = []  # the places that begin a line
        self._doubled = 0
        self._template = b""
        for part in parts:
            if isinstance(part, bytes):
                self._fix(part)
            elif isinstance(part, str):
                self._leave_open(part.encode("ascii"))
            elif any("since-" in name for name in part.places):
                self._lines[b"line %d" % len(self._lines)] = part
                self._leave_open(b"line %d" % (len(self._lines) - 1))
            else:
                self._settle(part, values)

    def cast(self, values: Mapping[str, Value], places: Mapping[bytes, bytes]) -> tuple[bytes, int]:
        """The message with these values in it, and its size without doubled dots."""
        found = dict(places)
        for key, (name, start, end) in self._slices.items():
            found[key] = values[name].encoded[start:end]
        doubled = self._doubled
        for key, line in self._lines.items():
            found[key] = filled = line.fill(values)
            if b"\r\n." in filled:
                found[key] = filled.replace(b"\r\n.", b"\r\n..")
                doubled += filled.count(b"\r\n.")
        for key in self._first:
            if found[key].startswith(b"."):
                found[key] = b"." + found[key]
                doubled += 1
        wire = self._template % found
        return wire, len(wire) - doubled

    def _fix(self, fixed: bytes) -> None:
        doubled = fixed.replace(b"\r\n.", b"\r\n..")
        if fixed.startswith(b".") and self._template.endswith(b"\r\n"):
            doubled = b"." + doubled
        self._doubled += len(doubled) - len(fixed)
        self._template += doubled.replace(b"%", b"%%")

    def _leave_open(self, key: bytes) -> None:
        if self._template.endswith(b"\r\n"):
            self._first.append(key)
        self._template += b"%%(%b)b" % key

    def _settle(self, line: Line, values: Mapping[str, Value]) -> None:
        """A line with links alone: where they are cut is known from their length."""
        for cut in line.cuts(values):
            if isinstance(cut, bytes):
                self._fix(cut)
            else:
                key = b"%b %d %d" % (cut[0].encode("ascii"), cut[1], cut[2])
                self._slices[key] = cut
                self._leave_open(key)


def _written(parts: Sequence[bytes | Line], values: Mapping[str, Value]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else part.fill(values) for part in parts)


def _renamed(html: tuple[str, ...]) -> tuple[str, ...]:
    """The same pieces with other names: in HTML a value is escaped."""
    return tuple(_IN_HTML + piece if index % 2 else piece for index, piece in enumerate(html))


def _with_line_ends(quoted: Sequence[bytes | Line]) -> list[bytes | Line]:
    return [part for line in quoted for part in (line, b"\r\n")]


def _head_places(sample: Slots) -> dict[str, str]:
    return {
        f"To: {_RECIPIENT.written}": "to",
        _NONCE: "nonce",
        format_datetime(_DATED): "date",
        sample.unsubscribe: "leave",
    }


def _cut(block: bytes, places: Mapping[str, str]) -> list[_Part]:
    """A block with the name of a place wherever one of these texts stood."""
    texts = {text.encode("ascii"): name for text, name in places.items()}
    pieces = re.split(b"(" + b"|".join(map(re.escape, texts)) + b")", block)
    return [texts[piece] if index % 2 else piece for index, piece in enumerate(pieces) if piece]


def _to(recipient: Address) -> bytes:
    if _PLAIN_RECIPIENT.fullmatch(recipient.written) and len(recipient.written) < _LONGEST_TO:
        return f"To: {recipient.written}".encode("ascii")
    message = EmailMessage(policy=WIRE)
    message["To"] = Mailbox(addr_spec=recipient.written)
    return message.as_bytes().partition(b"\r\n\r\n")[0]


@lru_cache(maxsize=64)
def _date(dated: datetime) -> bytes:
    return format_datetime(dated.replace(microsecond=0)).encode("ascii")
