"""CSS as far as a lint needs it: what it would load, what it would hide, which colours it gives."""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLOCK = re.compile(r"\{([^{}]*)\}")
_LOAD = re.compile(r"@import\b[^;]*|(?:url|src|image-set)\(\s*[\"']?(?!cid:|data:|#)[^)\"']*", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|([^\n0-9a-f]))", re.IGNORECASE)
_NOTHING = re.compile(r"0(?:\.0*)?(?:%|[a-z]+)?")
_COLOUR_NAMES = {"white": "#ffffff", "black": "#000000"}

Declarations = dict[str, str]


def declarations(css: str) -> Declarations:
    """The properties of a style attribute or of one rule, in small letters and without `!important`."""
    pairs = (each.partition(":") for each in _COMMENT.sub("", css).lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs if name.strip()}


def blocks(sheet: str) -> Iterator[Declarations]:
    """The properties of each rule of a style sheet."""
    for block in _BLOCK.findall(_COMMENT.sub("", sheet)):
        yield declarations(block)


def loads(css: str) -> list[str]:
    """What a program would fetch to show this."""
    return _LOAD.findall(_ESCAPE.sub(_unescaped, _COMMENT.sub("", css)))


def _unescaped(found: re.Match[str]) -> str:
    # A sign may be written by its number: u\72l( is url(.
    number = int(found[1], 16) if found[1] else 0
    return found[2] or (chr(number) if 0 < number < 0x110000 else "\ufffd")


def hidden_by(found: Declarations) -> str | None:
    """The declaration that takes a text out of sight, if there is one."""
    for name, value in found.items():
        is_nothing = _NOTHING.fullmatch(value) is not None
        if (
            (name == "display" and value == "none")
            or (name == "visibility" and value in {"hidden", "collapse"})
            or (name == "mso-hide" and value == "all")
            or (name in {"font-size", "max-height", "max-width", "opacity"} and is_nothing)
        ):
            return f"{name}: {value}"
    return None


def colour(value: str) -> str | None:
    """A colour in its long form, or None where a value is something else."""
    value = _COLOUR_NAMES.get(value, value)
    if re.fullmatch(r"#[0-9a-f]{3}", value):
        value = "#" + "".join(digit * 2 for digit in value[1:])
    return value if re.fullmatch(r"#[0-9a-f]{6}", value) else None
