"""A second look, as far from the sample's as legible colours can be, and words of a community's own."""

import tomllib
from dataclasses import replace
from pathlib import Path

from coalition.community import SAMPLE, Community, read_community
from coalition.mail.letters import Letters
from tests.house import COMMUNITY, House

MARK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M1 9 5 1l4 8z" fill="#7a1fa2"/></svg>'

LOOK = """
[theme]
mark = "brand/mark.svg"

[theme.light]
paper = "#dfe8f5"
sheet = "#fbfdff"
ink = "#0b1f3a"
muted = "#40506a"
line = "#c3d2e8"
edge = "#5b6f8c"
accent = "#7a1fa2"
on_accent = "#fff7d6"
signal = "#b00020"

[theme.dark]
paper = "#00131f"
sheet = "#002233"
ink = "#e6f7ff"
muted = "#9fc3d6"
line = "#0d3b52"
edge = "#6fa3bd"
accent = "#ffd54f"
on_accent = "#1a1400"
signal = "#ff8a9a"
"""

WORDS = """
[wordings.en]
join_heading = "Join <us> & friends"
join_lead = "News from your street, in a few lines."
consent = "I want to hear from my street, and know that I can leave."
confirm = "We are glad that you found us."
welcome = "See you on Tuesday at seven!"
footer = "A registered charity, no. 0000000"

[wordings.cy]
join_heading = "Ymunwch â ni"
"""


def wear(home: Path, look: str = LOOK, words: str = WORDS) -> Community:
    """The community of tests in another look, as its `community.toml` in this folder says."""
    (home / "brand").mkdir(parents=True, exist_ok=True)
    (home / "brand" / "mark.svg").write_text(MARK, "utf-8")
    path = home / "community.toml"
    path.write_text(COMMUNITY[: COMMUNITY.index("[theme]")] + look + words, "utf-8")
    community, faults = read_community(path)
    assert faults == []
    return community


def dress(house: House) -> House:
    """The same house in the second look, started again."""
    community = wear(house.config.home)
    config, letters = replace(house.config, community=community), Letters(community, house.resources.links)
    return House(replace(house.resources, config=config, letters=letters), house.relay)


def colours(look: str) -> set[str]:
    """All colours that a look gives."""
    theme = tomllib.loads(look)["theme"]
    return {*theme["light"].values(), *theme["dark"].values()}


OURS = colours(SAMPLE)
THEIRS = colours(LOOK)
