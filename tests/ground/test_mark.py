"""The mark: an SVG file of somebody's making may draw, and nothing else."""

from pathlib import Path

import pytest

from coalition.community import read_community
from coalition.errors import BadContent
from coalition.mark import Mark, read_mark

SVG = 'xmlns="http://www.w3.org/2000/svg"'


def _read(folder: Path, drawing: str, *, head: str = "", root: str = 'viewBox="0 0 10 10"') -> Mark:
    (folder / "mark.svg").write_text(f"{head}<svg {SVG} {root}>{drawing}</svg>", "utf-8")
    return read_mark(folder, "mark.svg")


def test_a_drawing_is_built_anew_from_its_shapes(tmp_path: Path) -> None:
    mark = _read(
        tmp_path,
        '<!-- made by hand --><title>Ours</title><g id="a" stroke="currentColor" transform="rotate(45 5 5)">\n'
        '<path d="M1,1\n L2,2z" fill="#aabbcc"/>text<circle class="b" cx="5" cy="5" r="2.5"/></g>',
        head='<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet href="https://evil.example/x.css"?>\n',
        root='viewBox="0 0 10 10" width="10" height="10" version="1.1" xml:space="preserve" fill="none"',
    )

    assert mark == Mark(
        view_box="0 0 10 10",
        drawing='<g fill="none"><g stroke="currentColor" transform="rotate(45 5 5)">'
        '<path d="M1,1 L2,2z" fill="#aabbcc"></path><circle cx="5" cy="5" r="2.5"></circle></g></g>',
    )


def test_what_nobody_painted_takes_the_accent(tmp_path: Path) -> None:
    assert _read(tmp_path, "").drawing == '<g fill="currentColor"></g>'


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "a script of HTML": '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
    "a shape of another language": '<x:path xmlns:x="https://evil.example" d="M0 0"/>',
    "a foreign object": "<foreignObject><p>x</p></foreignObject>",
    "an image": '<image href="https://evil.example/x.png"/>',
    "a use": '<use href="#x"/>',
    "a style sheet": "<style>@import url(https://evil.example/x.css)</style>",
    "a link": '<a href="https://evil.example"><path d="M0 0"/></a>',
    "an animation": '<set attributeName="href" to="javascript:alert(1)"/>',
    "writing": "<text>Your bank</text>",
    "an event": '<path d="M0 0" onload="alert(1)"/>',
    "a style": '<path d="M0 0" style="fill:red"/>',
    "a reference": '<path d="M0 0" href="https://evil.example"/>',
    "an old reference": '<path d="M0 0" xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="x"/>',
    "a filter": '<path d="M0 0" filter="url(#x)"/>',
    "a paint from elsewhere": '<path d="M0 0" fill="url(https://evil.example/x)"/>',
    "a paint, spaced": '<path d="M0 0" fill="url (#x)"/>',
    "a paint, escaped": '<path d="M0 0" fill="u\\72l(x)"/>',
    "a paint by a variable": '<path d="M0 0" fill="var(--x)"/>',
    "a way out": '<path d="M0 0&quot;/&gt;&lt;script&gt;"/>',
    "characters of others": '<path d="M0 0 é"/>',
    "depth": "<g>" * 500 + "</g>" * 500,
}


@pytest.mark.parametrize("drawing", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_does_more_than_draw_is_refused(drawing: str, tmp_path: Path) -> None:
    with pytest.raises(BadContent, match=r"^mark\.svg [ -~]+\.$"):
        _read(tmp_path, drawing)


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("", "has no viewBox of four numbers."),
        ('viewBox="0 0 10"', "has no viewBox of four numbers."),
        ('viewBox="0 0 10 10" onload="alert(1)"', "holds the attribute onload, which a mark can't have."),
        ('viewBox="0 0 10 10" style="x"', "holds the attribute style, which a mark can't have."),
    ],
)
def test_the_root_is_looked_at_too(root: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadContent) as caught:
        _read(tmp_path, "", root=root)

    assert str(caught.value) == f"mark.svg {told}"


ENTITIES = '<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">'


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        f"<!DOCTYPE svg [{ENTITIES}]>",
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!doctype svg>",
    ],
)
def test_entities_are_refused_before_anything_is_parsed(head: str, tmp_path: Path) -> None:
    with pytest.raises(BadContent, match="has a DOCTYPE, ENTITY or CDATA"):
        _read(tmp_path, "<path d='&b;'/>", head=head)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg",
        b"<html></html>",
        b"<svg/>",
        b"\x00",
        b"\xff\xfe<\x00s\x00v\x00g\x00",
        f"<!DOCTYPE svg [{ENTITIES}]><svg {SVG}/>".encode("utf-16"),
        f'<?xml version="1.0" encoding="latin-99"?><svg {SVG} viewBox="0 0 1 1">&b;</svg>'.encode(),
        f"<svg {SVG}>{' ' * 20_000}</svg>".encode(),
    ],
)
def test_what_is_no_drawing_is_told_plainly(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mark.svg").write_bytes(content)

    with pytest.raises(BadContent, match=r"^mark\.svg .*\.$"):
        read_mark(tmp_path, "mark.svg")


def test_a_declared_encoding_can_hide_nothing(tmp_path: Path) -> None:
    """The text that was looked at is the text that is parsed, whatever the file says of itself."""
    assert _read(tmp_path, "", head='<?xml version="1.0" encoding="UTF-16"?>').view_box == "0 0 10 10"
    assert _read(tmp_path, "", head='<?xml version="1.0" encoding="utf-7"?>').view_box == "0 0 10 10"


@pytest.mark.parametrize(
    "name",
    ["../mark.svg", "/etc/hostname", "link.svg", "brand/../../mark.svg", "none.svg", ".", "circle.svg", "x" * 400],
)
def test_the_mark_lies_beside_the_file_that_names_it(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "mark.svg").write_text(f'<svg {SVG} viewBox="0 0 1 1"/>')
    (home / "link.svg").symlink_to(tmp_path / "mark.svg")
    (home / "circle.svg").symlink_to(home / "circle.svg")

    with pytest.raises(BadContent):
        read_mark(home, name)


def test_a_mark_that_is_refused_is_a_fault_of_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "community.toml").write_text('[theme]\nmark = "mark.svg"\n')
    (tmp_path / "mark.svg").write_text(f'<svg {SVG} viewBox="0 0 1 1"><script/></svg>')

    community, faults = read_community(tmp_path / "community.toml")

    assert faults == [
        "community.toml: theme.mark: mark.svg holds <script>;"
        " a mark is made of circle, ellipse, g, line, path, polygon, polyline, rect."
    ]
    assert community.theme.mark is None
