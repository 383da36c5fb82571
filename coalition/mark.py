"""The community's mark: an SVG file of somebody's making, from which only drawing is taken over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from coalition.errors import BadContent

_LARGEST = 20_000  # bytes
_DEEPEST = 20
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = {"g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"}
_FOR_PEOPLE = {"title", "desc"}  # the name of the community stands beside the mark
_GEOMETRY = {"d", "points", "cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "width", "height"}
_PAINT = {
    "transform", "opacity", "fill", "fill-rule", "fill-opacity", "stroke", "stroke-width", "stroke-opacity",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset",
}  # fmt: skip
_WITHOUT_EFFECT = {"id", "class", "version", "{http://www.w3.org/XML/1998/namespace}space"}
_OF_THE_ROOT = {"viewBox", "width", "height", "x", "y", "preserveAspectRatio"} | _WITHOUT_EFFECT
_VALUE = re.compile(r"[A-Za-z0-9_#.,()+\-%\s]*")
_FUNCTIONS = {"matrix", "translate", "scale", "rotate", "skewX", "skewY", "rgb", "rgba", "hsl", "hsla"}
_BOX = re.compile(r"-?[0-9.]+([\s,]+-?[0-9.]+){3}")


@dataclass(frozen=True)
class Mark:
    """A drawing that may stand in a page as it is: it was built here, not copied from the file."""

    view_box: str
    drawing: str


def read_mark(folder: Path, name: str) -> Mark:
    """Read an SVG file of this folder, by its path there. Raises BadContent with what is wrong with it."""
    text = _text(folder, name)
    # Without a document type there are no entities, so the standard parser has nothing to expand or to fetch.
    if re.search(r"<!(?!--)", text):
        raise BadContent(f"{name} has a DOCTYPE, ENTITY or CDATA: save it as plain SVG.")
    try:
        root = fromstring(text)  # noqa: S314  # see above
    except (ParseError, ValueError) as error:
        raise BadContent(f"{name} is not XML ({error}).") from error
    if root.tag != f"{_SVG}svg":
        raise BadContent(f"{name} is not an SVG drawing.")
    box = root.attrib.get("viewBox", "").strip()
    if not _BOX.fullmatch(box):
        raise BadContent(f"{name} has no viewBox of four numbers.")
    # Black is what nobody painted; on a dark screen it would not be seen.
    paint = {"fill": "currentColor"} | {key: value for key, value in root.attrib.items() if key not in _OF_THE_ROOT}
    drawing = "".join(_drawn(name, "g", paint, root, depth=1))
    return Mark(view_box=box, drawing=drawing)


def _text(folder: Path, name: str) -> str:
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise BadContent(f"{name} leads out of the folder of community.toml.")
        if not path.is_file():
            raise BadContent(f"there is no file {name} beside community.toml.")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise BadContent(f"{name} is larger than {_LARGEST // 1000} kB.")
        return content.decode("utf-8-sig")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:  # RuntimeError: links that lead in a circle
        raise BadContent(f"{name} can't be read as UTF-8 text.") from error


def _shapes(name: str, parent: Element, depth: int) -> Iterator[str]:
    """What is drawn inside an element."""
    if depth > _DEEPEST:
        raise BadContent(f"{name} is nested too deeply.")
    for element in parent:
        tag = str(element.tag).removeprefix(_SVG)
        if tag in _FOR_PEOPLE:
            continue
        if tag not in _SHAPES:
            raise BadContent(f"{name} holds <{_plain(tag)}>; a mark is made of {', '.join(sorted(_SHAPES))}.")
        yield from _drawn(name, tag, element.attrib, element, depth)


def _drawn(name: str, tag: str, attributes: dict[str, str], element: Element, depth: int) -> Iterator[str]:
    written = "".join(
        f' {key}="{escape(_value(name, key, value))}"'
        for key, value in attributes.items()
        if key not in _WITHOUT_EFFECT
    )
    yield f"<{tag}{written}>"
    yield from _shapes(name, element, depth + 1)
    yield f"</{tag}>"


def _value(name: str, key: str, value: str) -> str:
    if key not in _GEOMETRY | _PAINT:
        raise BadContent(f"{name} holds the attribute {_plain(key)}, which a mark can't have.")
    functions = re.findall(r"([A-Za-z0-9_-]*)\s*\(", value)
    if not _VALUE.fullmatch(value) or not set(functions) <= _FUNCTIONS:
        raise BadContent(f"{name} holds a value of {key} that does more than draw.")
    return " ".join(value.split())


def _plain(text: str) -> str:
    """A name from a stranger's file, fit to be shown."""
    return re.sub(r"[^A-Za-z0-9:_-]+", " ", text.rpartition("}")[2])[:60].strip()
