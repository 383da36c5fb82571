"""Writes the catalogues in coalition/translations anew from the code: `translations.py [--check]`.

What is new in the code comes in without a translation, what has gone from it goes, and each catalogue is compiled.
With --check nothing is written: it lists what is missing or out of date, and exits with 1 where it finds any.
Nothing is guessed: a sentence that resembles a translated one is a new sentence.
"""

import io
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "coalition" / "translations"
KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Staff's own pages and what is planted as a sample stay as they are.
TEMPLATES = [(f"{room}/**", "jinja2") for room in ("pages", "layouts", "embed", "mail")]
OPTIONS = {f"{room}/**": {"trimmed": "true", "silent": "false"} for room in ("pages", "layouts", "embed", "mail")}
NOTES = ("Translators:",)
LONG_AGO = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  # a fixed date: no run differs from the one before
# The plural forms of CLDR, the standard of the field for what languages do with numbers.
PLURALS = {
    "cy": (6, "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n==3 ? 3 : n==6 ? 4 : 5)"),
    "fr": (2, "(n > 1)"),
    "de": (2, "(n != 1)"),
    "es": (2, "(n != 1)"),
    "ar": (6, "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)"),
}
_PLACE = re.compile(r"%\((\w+)\)[sd]")


def main(arguments: list[str]) -> int:
    """Write or check every catalogue and return the exit status."""
    wanted = _extract()
    faults = []
    for code in PLURALS:
        catalogue = _renewed(code, wanted)
        po, mo = _bytes(catalogue)
        if "--check" in arguments:
            faults += [f"{code}: {fault}" for fault in _faults(catalogue)]
            if po != _read(code, "po") or mo != _read(code, "mo"):
                faults.append(f"{code}: out of date, run `make translations`")
        else:
            _path(code, "po").parent.mkdir(parents=True, exist_ok=True)
            _path(code, "po").write_bytes(po)
            _path(code, "mo").write_bytes(mo)
            missing = sum(1 for _ in _faults(catalogue))
            print(f"{code}: {len(catalogue)} texts, {missing} to mend")  # noqa: T201
    print("\n".join(faults), end="\n" if faults else "")  # noqa: T201
    return 1 if faults else 0


def _extract() -> Catalog:
    found = Catalog(domain="coalition", creation_date=LONG_AGO, charset="utf-8")
    code = extract_from_dir(ROOT / "coalition", [("**.py", "python")], keywords=KEYWORDS, comment_tags=NOTES)
    templates = extract_from_dir(ROOT / "templates", TEMPLATES, OPTIONS, keywords=KEYWORDS, comment_tags=NOTES)
    for _, _, text, comments, context in [*code, *templates]:
        found.add(text, auto_comments=comments, context=context)
    return found


def _renewed(code: str, wanted: Catalog) -> Catalog:
    """The catalogue of a language with exactly the texts that the code has."""
    renewed = Catalog(locale=code, domain="coalition", creation_date=LONG_AGO, revision_date=LONG_AGO, charset="utf-8")
    renewed._num_plurals, renewed._plural_expr = PLURALS[code]  # Babel's own table lacks a form of Welsh
    renewed.project, renewed.version, renewed.copyright_holder = "Coalition", "1", "the Coalition project"
    renewed.header_comment = f"# Coalition in {renewed.locale.english_name}, under the licence of the project."
    renewed.last_translator = renewed.language_team = renewed.msgid_bugs_address = ""
    renewed.fuzzy = False
    old = read_po(io.BytesIO(_read(code, "po")), locale=code) if _path(code, "po").exists() else Catalog(locale=code)
    for message in wanted:
        if message.id:
            known = old.get(message.id[0] if message.pluralizable else message.id, message.context)
            fits = known is not None and isinstance(known.string, tuple) == message.pluralizable
            renewed.add(
                message.id,
                known.string if fits else None,
                auto_comments=message.auto_comments,
                context=message.context,
            )
    return renewed


def _faults(catalogue: Catalog) -> Iterator[str]:
    """What would be seen by a reader: no translation, or one that lost or invented a value or a tag."""
    for message in catalogue:
        if not message.id:
            continue
        if message.pluralizable:
            forms, original = message.string or ("",), message.id[1]
        else:
            forms, original = (message.string,), message.id
        for form in forms:
            if not form or not form.strip():
                yield f"no translation: {original}"
            elif set(_parts(form)) - set(_parts(original)) or (not message.pluralizable and not _same(form, original)):
                yield f"other values or tags than: {original}"


def _same(form: str, original: str) -> bool:
    return sorted(_parts(form)) == sorted(_parts(original))


def _parts(text: str) -> list[str]:
    return _PLACE.findall(text) + re.findall(r"<[^>]*>", text)


def _bytes(catalogue: Catalog) -> tuple[bytes, bytes]:
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalogue, no_location=True, sort_output=True, width=0)
    write_mo(mo, catalogue)
    return po.getvalue(), mo.getvalue()


def _path(code: str, kind: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"coalition.{kind}"


def _read(code: str, kind: str) -> bytes:
    return _path(code, kind).read_bytes() if _path(code, kind).exists() else b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
