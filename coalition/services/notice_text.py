"""What the privacy notice says: sentences for the page to dress, and the same as plain text for the record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from markupsafe import Markup

from coalition.community import Community
from coalition.languages import N_, Language
from coalition.services import retention


class Leads(StrEnum):
    """Where the link in a sentence leads."""

    MAIL = "mail"
    CHOICES = "choices"
    COMPLAINTS = "complaints"


class Kind(StrEnum):
    """How sentences stand together."""

    HEADING = "heading"
    LEAD = "lead"
    TEXT = "text"
    POINTS = "points"


@dataclass(frozen=True)
class Line:
    """A sentence in English, for `gettext`, with its facts; they may be the staff's own words."""

    told: str
    facts: Mapping[str, object] = field(default_factory=dict)
    leads: Leads | None = None
    staffs: bool = False

    def plain(self, spoken: Language) -> str:
        """The sentence in a language, without its link."""
        return (Markup(spoken.gettext(self.told)) % {**self.facts, "url": ""}).striptags()  # noqa: S704  # ours


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or a list of points."""

    kind: Kind
    lines: tuple[Line, ...]


def blocks(community: Community) -> Iterator[Block]:
    """The whole notice, in order."""
    yield Block(Kind.LEAD, (Line(N_("100%% privacy. We don't spam.")), Line(N_("This is what the words mean here."))))
    yield _heading(N_("Who answers for your data"))
    controller = {"name": community.controller, "address": community.postal_address}
    yield Block(
        Kind.TEXT,
        (
            Line(N_("%(name)s, %(address)s."), controller, staffs=True),
            Line(
                N_('Write to <a href="%(url)s">%(address)s</a>; a person reads it.'),
                {"address": community.reply_to.written},
                Leads.MAIL,
            ),
        ),
    )
    yield _heading(N_("What we hold, and why"))
    yield _points(
        N_("Your e-mail address, encrypted, to send you the news that you asked for. Nothing else is asked of you."),
        N_("Your choices: topics, rhythm, hour, language, form of the letters, a break."),
        N_("What you agreed to: the wording, when, on which form and site. No network address is kept with it."),
        N_("Which letters went to you, why, whether our mail server took them, and which came back."),
        N_("What our staff looked at or changed about you, so that you can see it."),
        N_("How often a mailbox or a network asked for something, as keyed hashes, against misuse."),
        N_("If you complain to us: what you wrote and our answer, encrypted."),
    )
    yield _text(
        N_(
            "The ground is your consent, given by pressing a button that only your mailbox could reach. You withdraw it"
            " with one press, whenever you like."
        )
    )
    yield _heading(N_("What we don't do"))
    yield _points(
        N_(
            "No cookies, no storage in your browser, no picture that tells us you read a letter, no link that tells us"
            " you followed it."
        ),
        N_("Nothing on our pages or in our letters is loaded from anybody else."),
    )
    yield _heading(N_("Who gets your data"))
    yield _text(N_("Your address is given to nobody but the mail server that carries our letters."))
    yield _heading(N_("How long"))
    yield Block(
        Kind.POINTS,
        (
            *(Line(period.told, period.numbers) for period in retention.PERIODS),
            Line(
                N_(
                    "Who was erased: a random code and a keyed hash of the address, so that nobody writes there again"
                    " unless the owner asks. Nobody can read an address from them."
                )
            ),
            Line(
                N_(
                    "With that code, without your address: which topics you had, and which letters went to you and"
                    " when, so that our counts hold and nothing comes twice if you return."
                )
            ),
            Line(
                N_(
                    "An address that must not be written to, because its mailbox does not exist or its owner told us"
                    " so: a keyed hash of it, for as long as that holds."
                )
            ),
            Line(N_("Your address and your choices: as long as you are subscribed.")),
        ),
    )
    yield _heading(N_("Your rights"))
    yield _text(
        N_(
            'To see what we hold, ask for <a href="%(url)s">a link to your choices and your data</a>. There you can'
            " also be forgotten, at once. To have something corrected, write to the address above."
        ),
        Leads.CHOICES,
    )
    yield _text(
        N_(
            'To complain about how we handle your data, use <a href="%(url)s">the form for complaints</a>; you get an'
            " answer within 30 days. You may also complain to your data-protection authority, before or after."
        ),
        Leads.COMPLAINTS,
    )
    yield _text(N_("Our news is not made for children under 13. We ask nobody for their age."))


def plain(community: Community, spoken: Language) -> str:
    """The notice as text: `##` before a heading, `-` before a point, a blank line between."""
    return "\n\n".join(_plain(block, spoken) for block in blocks(community))


def _plain(block: Block, spoken: Language) -> str:
    told = [line.plain(spoken) for line in block.lines]
    if block.kind is Kind.POINTS:
        return "\n".join(f"- {each}" for each in told)
    return f"## {told[0]}" if block.kind is Kind.HEADING else " ".join(told)


def _heading(told: str) -> Block:
    return Block(Kind.HEADING, (Line(told),))


def _text(told: str, leads: Leads | None = None) -> Block:
    return Block(Kind.TEXT, (Line(told, leads=leads),))


def _points(*told: str) -> Block:
    return Block(Kind.POINTS, tuple(Line(each) for each in told))
