"""A digest made ready for thousands of readers: all that they share as bytes, with places for what they don't.

The message of a sample reader is written once, by the standard library, which so decides how everything around the
blocks of a copy is written. The blocks themselves are whole lines, and lines are encoded one by one: so each block is
encoded once, whoever's copy it is in, and each run of blocks put together once; a copy is a list of bytes with gaps.
Writing one reader's message is filling the gaps and joining. A test compares each byte with what the slow way writes
for that reader.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache

from coalition.address import Address
from coalition.mail.digest import Block, Copy, Run, Slots
from coalition.mail.envelope import is_sound
from coalition.mail.message import WIRE, Letter, has_control
from coalition.mail.quoted import Line, Value, lines

# What the sample reader has. Nothing else in a letter holds these words, and they are as plain as what replaces them.
_RECIPIENT = Address.parse("sample-reader-of-a-compiled-copy@example.org")
_NONCE = "nonce-of-a-compiled-copy"
_LEAVE = "https://example.org/leave-of-a-compiled-copy"
_DATED = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_BODIES = ("The text of a compiled copy.", "The HTML of a compiled copy.")

_IN_HTML = "&"  # before the name of a place
_LINKS = ("preferences", "unsubscribe")
_DOT = b".\r\n"
_MOST_BLOCKS = 8192  # of some kilobytes each: more than an issue of many items has in all languages
_MOST_RUNS = 4096  # of some blocks each
_MOST_DATES = 512  # that the lines of a copy, or one line, are kept for

# Addresses that the standard library writes into a header as they are, however long. It folds or decodes any other.
_PLAIN_RECIPIENT = re.compile(r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")

# These stand in headers as they are (CWE-93).
_PLAIN_NONCE = re.compile(r"[A-Za-z0-9-]+")
_PLAIN_LINK = re.compile(r"[!-;=?-~]+")

# Writes the message of a letter the slow way: letter, recipient, nonce, date, slots.
Build = Callable[[Letter, Address, str, datetime, Slots], bytes]


class Frame:
    """What the messages of one subject have around their blocks: headers, boundaries, ends."""

    def __init__(self, subject: str, *, html: bool, build: Build) -> None:
        """`build` is asked once, for the sample reader. Raises ValueError where a place is not where it should be."""
        letter = Letter(subject, f"{_BODIES[0]}\n", f"{_BODIES[1]}\n" if html else None)
        slots = Slots(preferences=_LEAVE, unsubscribe=_LEAVE, since={})
        message = build(letter, _RECIPIENT, _NONCE, _DATED, slots)
        if not is_sound(message):
            raise ValueError("a compiled copy could not be read in one way only")
        head, blank, rest = message.partition(b"\r\n\r\n")
        places = {f"To: {_RECIPIENT.written}": "to", _NONCE: "nonce", format_datetime(_DATED): "date", _LEAVE: "leave"}
        self.around = [_Mould()]  # what stands before, between and after the bodies
        self.around[0].fix(_cut(head + blank, places))
        for body in _BODIES[: 1 + html]:
            before, found, rest = rest.partition(body.encode("ascii") + b"\r\n")
            if not found:
                raise ValueError("a compiled copy differs from the letter it was made from")
            self.around[-1].fix(_cut(before, {_NONCE: "nonce"}))
            self.around.append(_Mould())
        self.around[-1].fix([*_cut(rest, {_NONCE: "nonce"}), _DOT])


class CompiledCopy:
    """The messages of one copy."""

    def __init__(self, copy: Copy, frame: Frame) -> None:
        self._copy, self._frame = copy, frame
        self._moulds: dict[tuple[bytes, bytes], _Mould] = {}

    def fill(self, recipient: Address, nonce: str, dated: datetime, slots: Slots) -> tuple[bytes, int]:
        """The message of one reader as it goes over the wire, with the dot that ends it, and its size without dots."""
        if not _PLAIN_NONCE.fullmatch(nonce) or not _PLAIN_LINK.fullmatch(slots.unsubscribe):
            raise ValueError("a header holds a character that has no place in it")
        links = [Value.of(slots.preferences), Value.of(slots.unsubscribe)]
        # Links have the same length for nearly all readers, so where they are cut is settled once.
        shapes = links[0].shape, links[1].shape
        mould = self._moulds.get(shapes)
        if mould is None:
            mould = self._moulds[shapes] = self._mould(links)
        values = dict(zip(_LINKS, links, strict=True))
        places = {"to": _to(recipient), "nonce": nonce.encode("ascii"), "date": _date(dated)}
        places["leave"] = slots.unsubscribe.encode("ascii")
        return mould.cast(places, values, slots)

    def _mould(self, links: Sequence[Value]) -> "_Mould":
        values = dict(zip(_LINKS, links, strict=True))
        values |= {_IN_HTML + name: value.in_html for name, value in values.items()}
        shapes = tuple(value.shape for value in values.values())
        pieces = [self._frame.around[0]]
        forms = [self._copy.text] if self._copy.html is None else [self._copy.text, self._copy.html]
        for number, runs in enumerate(forms):
            pieces += [_compiled_run(run, bool(number)).mould(shapes, values) for run in runs]
            pieces.append(self._frame.around[1 + number])
        return _Mould.of(pieces)


@dataclass(slots=True)
class _Mould:
    """A message or a piece of it, for links of these lengths: bytes, and gaps between them.

    The dots that begin lines are doubled here, once: looking for them in every letter took longer than filling it. What
    comes to stand at the beginning of a line is looked at when it is filled in.
    """

    parts: list[bytes] = field(default_factory=list)
    doubled: int = 0
    places: list[tuple[int, str]] = field(default_factory=list)  # gap, name
    links: list[tuple[int, str, int, int]] = field(default_factory=list)  # gap, name, and which slice of the link
    first: list[int] = field(default_factory=list)  # those of the gaps of links that begin a line
    dates: list[tuple[int, "_Dated"]] = field(default_factory=list)
    days: list[str] = field(default_factory=list)  # the places in them, each once
    dated: dict[tuple[str, ...], tuple[list[tuple[int, bytes]], int]] = field(default_factory=dict)

    def cast(self, places: Mapping[str, bytes], links: Mapping[str, Value], slots: Slots) -> tuple[bytes, int]:
        """The message with these values in it, and its size without doubled dots and without the last one."""
        parts, doubled = self.parts.copy(), self.doubled
        for gap, name in self.places:
            parts[gap] = places[name]
        encoded = {name: value.encoded for name, value in links.items()}
        encoded |= {_IN_HTML + name: value.in_html.encoded for name, value in links.items()}
        for gap, name, start, end in self.links:
            parts[gap] = encoded[name][start:end]
        lines, dots = self._dated(slots)
        for gap, line in lines:
            parts[gap] = line
        doubled += dots
        for gap in self.first:
            if parts[gap].startswith(b"."):
                parts[gap] = b"." + parts[gap]
                doubled += 1
        wire = b"".join(parts)
        return wire, len(wire) - doubled - len(_DOT)

    def _dated(self, slots: Slots) -> tuple[list[tuple[int, bytes]], int]:
        """The lines with dates, and how many dots were doubled there.

        They are kept: thousands of readers agreed on the same few hundred days, most of them to all topics at once.
        """
        days = tuple([slots.value(name) for name in self.days])
        kept = self.dated.get(days)
        if kept is None:
            filled = [(gap, *line.fill(slots)) for gap, line in self.dates]
            kept = [(gap, line) for gap, line, _ in filled], sum(dots for _, _, dots in filled)
            if len(self.dated) < _MOST_DATES:
                self.dated[days] = kept
        return kept

    def fix(self, parts: Iterable[bytes | str]) -> None:
        """Add bytes as they are, and gaps with these names."""
        for part in parts:
            if isinstance(part, str):
                self.places.append((len(self.parts), part))
            self.parts.append(b"" if isinstance(part, str) else part)

    def say(self, fixed: bytes, *, begins: bool) -> None:
        """Add what nothing changes any more."""
        doubled, dots = _doubled(fixed, begins=begins)
        self.doubled += dots
        if self.parts and self.parts[-1]:  # no gap
            self.parts[-1] += doubled
        elif doubled:
            self.parts.append(doubled)

    @classmethod
    def of(cls, pieces: Iterable["_Mould"], *, welded: bool = False) -> "_Mould":
        """Pieces put together; welded, bytes without a gap between them become one, which costs now and saves later."""
        parts: list[bytes] = []
        doubled = 0
        places, links, first, dates = [], [], [], []
        for piece in pieces:
            here = len(parts)
            parts += piece.parts
            if welded and here and parts[here - 1] and piece.parts and piece.parts[0]:  # neither is a gap
                parts[here - 1 : here + 1] = [parts[here - 1] + piece.parts[0]]
                here -= 1
            doubled += piece.doubled
            for gap, name in piece.places:
                places.append((here + gap, name))
            for gap, name, start, end in piece.links:
                links.append((here + gap, name, start, end))
            for gap in piece.first:
                first.append(here + gap)
            for gap, line in piece.dates:
                dates.append((here + gap, line))
        days = list(dict.fromkeys(name for _, line in dates for name in line.places))
        return cls(parts, doubled, places, links, first, dates, days)


class _Dated:
    """A line with dates in it."""

    def __init__(self, line: Line, *, in_html: bool) -> None:
        self.places, self._line, self._in_html = line.places, line, in_html
        self._filled: dict[tuple[str, ...], tuple[bytes, int]] = {}

    def fill(self, slots: Slots) -> tuple[bytes, int]:
        """The line for one reader with its dots doubled, and how many were."""
        texts = tuple([slots.value(name) for name in self.places])
        filled = self._filled.get(texts)
        if filled is None:
            filled = self._fill(dict(zip(self.places, map(Value.of, texts), strict=True)))
            if len(self._filled) < _MOST_DATES:
                self._filled[texts] = filled
        return filled

    def _fill(self, values: dict[str, Value]) -> tuple[bytes, int]:
        if self._in_html:
            values = {name: value.in_html for name, value in values.items()}
        return _doubled(self._line.fill(values), begins=True)


class _CompiledBlock:
    """A block encoded: runs of lines as bytes, and single lines with places."""

    def __init__(self, block: Block, *, in_html: bool) -> None:
        if any(has_control(piece, allowed="\n\t") for piece in block[::2]):
            raise ValueError("a letter holds a control character")
        self._lines = lines(block)
        self._in_html = in_html
        self._moulds: dict[tuple[bytes, ...], _Mould] = {}

    def mould(self, shapes: tuple[bytes, ...], links: Mapping[str, Value]) -> _Mould:
        """The mould for links of these shapes."""
        mould = self._moulds.get(shapes)
        if mould is None:
            mould = self._moulds[shapes] = self._make(links)
        return mould

    def _make(self, links: Mapping[str, Value]) -> _Mould:
        mould = _Mould()
        for line in self._lines:
            if isinstance(line, bytes):
                mould.say(line, begins=True)
            elif set(line.places).issubset(_LINKS):
                self._open(mould, line, links)
            else:
                mould.dates.append((len(mould.parts), _Dated(line, in_html=self._in_html)))
                mould.parts.append(b"")
            mould.say(b"\r\n", begins=False)
        return mould

    def _open(self, mould: _Mould, line: Line, links: Mapping[str, Value]) -> None:
        """A line with links alone: where they are cut is known from their length."""
        prefix = _IN_HTML if self._in_html else ""
        begins = True
        for cut in line.cuts({name: links[prefix + name] for name in _LINKS}):
            if isinstance(cut, bytes):
                mould.say(cut, begins=begins)
                begins = cut.endswith(b"\n")
            else:
                if begins:
                    mould.first.append(len(mould.parts))
                mould.links.append((len(mould.parts), prefix + cut[0], cut[1], cut[2]))
                mould.parts.append(b"")
                begins = False


class _CompiledRun:
    """Blocks put together."""

    def __init__(self, run: Run, *, in_html: bool) -> None:
        self._blocks = [_compiled(block, in_html) for block in run]
        self._moulds: dict[tuple[bytes, ...], _Mould] = {}

    def mould(self, shapes: tuple[bytes, ...], links: Mapping[str, Value]) -> _Mould:
        """The mould for links of these shapes."""
        mould = self._moulds.get(shapes)
        if mould is None:
            pieces = [block.mould(shapes, links) for block in self._blocks]
            mould = self._moulds[shapes] = _Mould.of(pieces, welded=True)
        return mould


@lru_cache(maxsize=_MOST_RUNS)
def _compiled_run(run: Run, in_html: bool) -> _CompiledRun:
    return _CompiledRun(run, in_html=in_html)


@lru_cache(maxsize=_MOST_BLOCKS)
def _compiled(block: Block, in_html: bool) -> _CompiledBlock:
    return _CompiledBlock(block, in_html=in_html)


def _doubled(lines: bytes, *, begins: bool) -> tuple[bytes, int]:
    """Bytes with the dots doubled that begin lines, and how many those were; `begins` where these begin one."""
    doubled = lines.replace(b"\r\n.", b"\r\n..")
    if begins and lines.startswith(b"."):
        doubled = b"." + doubled
    return doubled, len(doubled) - len(lines)


def _cut(block: bytes, places: Mapping[str, str]) -> list[bytes | str]:
    """A block with the name of a place wherever one of these texts stood."""
    texts = {text.encode("ascii"): name for text, name in places.items()}
    pieces = re.split(b"(" + b"|".join(map(re.escape, texts)) + b")", block)
    return [texts[piece] if index % 2 else piece for index, piece in enumerate(pieces) if piece]


def _to(recipient: Address) -> bytes:
    if _PLAIN_RECIPIENT.fullmatch(recipient.written):
        return f"To: {recipient.written}".encode("ascii")
    message = EmailMessage(policy=WIRE)
    message["To"] = Mailbox(addr_spec=recipient.written)
    return message.as_bytes().partition(b"\r\n\r\n")[0]


@lru_cache(maxsize=64)
def _date(dated: datetime) -> bytes:
    return format_datetime(dated.replace(microsecond=0)).encode("ascii")
