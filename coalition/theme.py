"""How pages and letters look: two palettes that people can read by, and a mark. Checked when `community.toml` loads."""

import colorsys
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace

from coalition.errors import BadContent
from coalition.mark import Mark, read_mark
from coalition.tables import Tables


@dataclass(frozen=True)
class Palette:
    """The colours of one scheme as `#rrggbb`, named for what they do. Style sheets use these names and no others."""

    paper: str  # around the sheet
    sheet: str  # under the text
    ink: str  # text
    muted: str  # text that stands back
    line: str  # hairlines that only please the eye
    edge: str  # borders of fields and buttons
    accent: str  # links, buttons, headings
    on_accent: str  # the words on a button
    signal: str  # errors, the ring around what has the focus, ornaments

    def colours(self) -> dict[str, str]:
        """Every colour of the style sheets by its role: those above, and three that follow from them."""
        return asdict(self) | {
            "hover": mix(self.accent, self.ink, 0.25),  # the accent under the pointer
            "tint": mix(self.sheet, self.accent, 0.08),  # the ground of notes and of code
            "warn": mix(self.sheet, self.signal, 0.08),  # the ground of errors
        }


@dataclass(frozen=True)
class Theme:
    """What a community looks like, on light screens and on dark ones."""

    light: Palette
    dark: Palette
    mark: Mark | None


_TEXT = 4.5  # WCAG 2.2, 1.4.3
_SHAPE = 3.0  # 1.4.11: borders of fields and buttons, the ring of the focus

# What the style sheets set on what, and the contrast that it needs.
_PAIRS = [
    (role, ground, needed)
    for role, needed, grounds in (
        ("ink", _TEXT, ("paper", "sheet", "tint", "warn")),
        ("muted", _TEXT, ("paper", "sheet")),
        ("accent", _TEXT, ("paper", "sheet", "tint")),
        ("hover", _TEXT, ("paper", "sheet", "tint")),
        ("on_accent", _TEXT, ("accent", "hover")),
        ("signal", _TEXT, ("sheet", "warn")),
        ("signal", _SHAPE, ("paper", "tint")),
        ("edge", _SHAPE, ("sheet",)),
    )
    for ground in grounds
]
_CALLED = {"hover": "accent under the pointer", "tint": "the ground of notes", "warn": "the ground of errors"}


def read_theme(tables: Tables) -> Theme:
    """The theme of the file. A scheme with a fault becomes the sample's, so that what is returned can be read by."""
    return Theme(light=_palette(tables, "light"), dark=_palette(tables, "dark"), mark=_mark(tables))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    darker, brighter = sorted((_luminance(one), _luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """The colour between two, with this share of the other."""
    return _written((1 - share) * a + share * b for a, b in zip(_parts(one), _parts(other), strict=True))


def _mark(tables: Tables) -> Mark | None:
    name = tables.line("theme", "mark")
    try:
        return read_mark(tables.folder, name) if name else None
    except BadContent as error:
        tables.fault(f"theme.mark: {error}")
        return None


def _palette(tables: Tables, scheme: str) -> Palette:
    table = f"theme.{scheme}"
    known = len(tables.faults)
    palette = Palette(
        **{
            role.name: tables.matching(table, role.name, "#[0-9a-fA-F]{6}", "a colour like #1f5c4d").lower()
            for role in fields(Palette)
        }
    )
    if len(tables.faults) == known:
        for fault in _faults(table, palette):
            tables.fault(fault)
    if len(tables.faults) == known:
        return palette
    return Palette(**{role.name: str(tables.sample(table, role.name)) for role in fields(Palette)})


def _faults(table: str, palette: Palette) -> Iterator[str]:
    """One sentence for each setting that can't be read by, about its worst pair."""
    told, colours = set(), palette.colours()
    for _, role, ground, needed in _too_close(palette):
        setting = _setting(role)
        if setting in told:
            continue
        told.add(setting)
        one, other = colours[role], colours[ground]
        ratio = math.floor(contrast(one, other) * 10) / 10  # 4.49 is not 4.5
        better = _nearest(palette, setting)
        yield (
            f"{table}.{_CALLED.get(role, role)} ({one}) on {_CALLED.get(ground, ground)} ({other})"
            f" has a contrast of {ratio:g}; letters and pages need {needed:g}."
            + (f' {setting} = "{better}" would do.' if better else "")
        )


def _too_close(palette: Palette) -> list[tuple[float, str, str, float]]:
    """The pairs that lack contrast, worst first: share of what is needed, role, ground, what is needed."""
    colours = palette.colours()
    found = (
        (contrast(colours[role], colours[ground]) / needed, role, ground, needed) for role, ground, needed in _PAIRS
    )
    return sorted(pair for pair in found if pair[0] < 1)


def _setting(role: str) -> str:
    return "accent" if role == "hover" else role


def _nearest(palette: Palette, setting: str) -> str | None:
    """The nearest colour of the same hue that would do, lighter or darker; None where the ground is what is wrong."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(getattr(palette, setting)))
    for step in sorted(range(256), key=lambda step: abs(step / 255 - lightness)):
        tried = _written(colorsys.hls_to_rgb(hue, step / 255, saturation))
        close = _too_close(replace(palette, **{setting: tried}))
        if setting not in {_setting(role) for _, role, _, _ in close}:
            return tried
    return None


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2, from 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> tuple[float, float, float]:
    """Red, green and blue, each from 0 to 1."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _written(parts: Iterable[float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
