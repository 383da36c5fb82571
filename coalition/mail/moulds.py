"""Pieces of messages as bytes with gaps: made once per block, put together for runs and copies, cast per reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from coalition.mail.digest import Block, Run, Slots
from coalition.mail.message import has_control
from coalition.mail.quoted import Line, Value, lines

LINKS = ("preferences", "unsubscribe")
IN_HTML = "&"  # before the name of a place
DOT = b".\r\n"
_MOST_BLOCKS = 8192  # of some kilobytes each: more than an issue of many items has in all languages
_MOST_RUNS = 4096  # of some blocks each
_MOST_DATES = 512  # that the lines of a copy, or one line, are kept for


@dataclass(slots=True)
class Mould:
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
        encoded |= {IN_HTML + name: value.in_html.encoded for name, value in links.items()}
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
        return wire, len(wire) - doubled - len(DOT)

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
    def of(cls, pieces: Iterable["Mould"], *, welded: bool = False) -> "Mould":
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
        self._moulds: dict[tuple[bytes, ...], Mould] = {}

    def mould(self, shapes: tuple[bytes, ...], links: Mapping[str, Value]) -> Mould:
        """The mould for links of these shapes."""
        mould = self._moulds.get(shapes)
        if mould is None:
            mould = self._moulds[shapes] = self._make(links)
        return mould

    def _make(self, links: Mapping[str, Value]) -> Mould:
        mould = Mould()
        for line in self._lines:
            if isinstance(line, bytes):
                mould.say(line, begins=True)
            elif set(line.places).issubset(LINKS):
                self._open(mould, line, links)
            else:
                mould.dates.append((len(mould.parts), _Dated(line, in_html=self._in_html)))
                mould.parts.append(b"")
            mould.say(b"\r\n", begins=False)
        return mould

    def _open(self, mould: Mould, line: Line, links: Mapping[str, Value]) -> None:
        """A line with links alone: where they are cut is known from their length."""
        prefix = IN_HTML if self._in_html else ""
        begins = True
        for cut in line.cuts({name: links[prefix + name] for name in LINKS}):
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
        self._moulds: dict[tuple[bytes, ...], Mould] = {}

    def mould(self, shapes: tuple[bytes, ...], links: Mapping[str, Value]) -> Mould:
        """The mould for links of these shapes."""
        mould = self._moulds.get(shapes)
        if mould is None:
            pieces = [block.mould(shapes, links) for block in self._blocks]
            mould = self._moulds[shapes] = Mould.of(pieces, welded=True)
        return mould


@lru_cache(maxsize=_MOST_RUNS)
def compiled_run(run: Run, in_html: bool) -> _CompiledRun:
    """A run encoded, with a mould for links of any lengths."""
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
