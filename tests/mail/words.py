"""What letters of tests are about: plain words in each language, and words that have broken letters elsewhere."""

from dataclasses import dataclass, replace

from coalition.languages import OWN_NAMES


@dataclass(frozen=True)
class Words:
    """What people wrote that ends up in letters."""

    community: str = "Coalition of Collaborators"
    topic: str = "Housing"
    title: str = "Rents fall"
    text: str = "They really do. [The figures](https://www.example.org/rents?year=2026&by=town) are out."
    url: str | None = "https://www.example.org/news/rents"
    subject: str = "News of the week"
    intro: str = "Hello everybody,\n\n## What came in\n\nmore than ever."
    locale: str = "en"  # of the reader
    written_in: str = "en"  # the staff's language


# Items of a busy week, beside the one that a letter is about: topic, title, text and address.
_NEWS = [
    ("Events", "Three workshops in April", "Come to one:\n\n1. Listening\n2. Deciding\n\n> Bring a friend.", None),
    ("Events", "Spring clean-up", "Gloves are there.", "https://www.example.org/clean-up"),
    ("Tools", "A calendar without accounts", "Install it:\n\n```\nmake run\n```", "https://www.example.org/?y=1&m=2"),
    ("Tools", "Pens", "- red\n- green\n  - light green\n  - dark green", None),
    ("Tools", "Paper", "It *waits* at <https://www.example.org/" + "a-long-address/" * 9 + ">.", None),
    *(("People", f"Meet number {number}", "A **neighbour**, and glad to be one.", None) for number in (1, 2, 3)),
]


def plenty(words: Words) -> list[Words]:
    """The news of a busy week: these words first, then others in three more topics."""
    return [words, *(replace(words, topic=t, title=title, text=text, url=url) for t, title, text, url in _NEWS)]


HOSTILE = {
    "plain": Words(),
    "accents": Words("Verein für Räume", "Größe", "Über die Höhe der Mieten in Städten", "Schöne Grüße, é à ß."),
    "cjk": Words(
        "協力者の連合" * 12, "住宅", "家賃が下がる" * 30, "本当に。" * 200, subject="住宅 ニュース " * 12 + "完"
    ),
    "rtl": Words("שיתוף פעולה", "דיור", "שכר הדירה יורד", "זה נכון. " * 30, subject="חדשות השבוע"),
    "emoji": Words("Coalition 🤝", "Homes 🏠", "Rents 📉👩🏽‍🔧", "Down ⬇️ " * 40, subject="🏠 " * 40 + "."),
    "long": Words("x" * 400, "y" * 400, "z" * 200, "w" * 900 + "\n\n" + "v " * 2000, subject="s" * 150),
    "mailbox": Words('Bob, "the" Builder of every single thing, Inc <bob@evil.example>', "a\\b", "Bob; Eve: <x>", "x"),
    "quotes": Words('A "quoted" \\ name', '"><script>alert(1)</script>', "'; DROP TABLE item; --", "</td></table>"),
    "templates": Words("{{7*7}}", "{% raw %}", "${7*7} #{7*7}", "{{ slots.unsubscribe }} %s %(x)s", subject="{{7*7}}"),
    "lines": Words(text="one\n\n.\n\n..two\n\nFrom the start\n\n-- \n\n.\n\n> quoted\n\n=?utf-8?q?x?= = =3D =20"),
    "code": Words(text="```\nFrom: x\n.\n" + "a" * 900 + "\n```\n\n1. a\n2. b\n\n> c", title="`code` *stars* & <b>"),
}

SPOKEN = {code: Words(locale=code) for code in OWN_NAMES if code != "en"}
# Staff who write Arabic, in letters that are read from either side.
ARABIC = Words(
    community="ائتلاف المتعاونين",
    topic="السكن",
    title="الإيجارات تنخفض",
    text="- حقًا\n- نعم\n\n> صحيح",
    subject="أخبار الأسبوع",
    intro="أهلًا.",
    written_in="ar",
)
EVERY = HOSTILE | SPOKEN | {"arabic": ARABIC, "arabic in ar": replace(ARABIC, locale="ar")}
