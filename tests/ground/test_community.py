"""`community.toml`: the sample loads clean, and each wrong value is told by its place."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from coalition.community import SAMPLE, Community, Limits, read_community
from coalition.tables import flat
from tests.themes import WORDS


def _read(tmp_path: Path, text: str, sender: str = "") -> tuple[Community, list[str]]:
    path = tmp_path / "community.toml"
    path.write_text(text, "utf-8")
    return read_community(path, sender)


def test_the_sample_loads_clean(tmp_path: Path) -> None:
    community, faults = _read(tmp_path, SAMPLE)

    assert faults == []
    assert community.is_sample
    assert community.name == "Coalition of Collaborators"
    assert (community.cadence, community.weekday, community.hour) == ("weekly", 0, 8)
    assert community.limits == Limits()


def test_a_missing_file_is_the_sample_and_an_empty_one_too(tmp_path: Path) -> None:
    sample, _ = _read(tmp_path, SAMPLE)

    assert read_community(tmp_path / "none.toml") == (sample, [])
    assert _read(tmp_path, "") == (sample, [])


def test_an_identity_of_ones_own_is_no_sample(tmp_path: Path) -> None:
    ours = SAMPLE.replace("coalition.example", "example.org").replace("Exampleton", "Oldtown")

    community, faults = _read(tmp_path, ours)

    assert (faults, community.is_sample, community.mail_domain) == ([], False, "example.org")
    assert _read(tmp_path, ours.replace("hello@example.org", "hello@coalition.example"))[0].is_sample


def test_the_environments_sender_stands_above_the_files(tmp_path: Path) -> None:
    community, faults = _read(tmp_path, SAMPLE, "news@EXAMPLE.org")

    assert (faults, community.sender.written) == ([], "news@example.org")
    assert _read(tmp_path, SAMPLE, "nobody")[1] == ["community.toml: community.from is not an e-mail address."]


WRONG = {
    "community.name": [
        '""',
        '"  "',
        "3",
        '"a\\nb"',
        '"a\\u202eb"',
        '"a\\u0000"',
        '"=?utf-8?q?x?="',
        '["a"]',
        f'"{"x" * 501}"',
    ],
    "community.tagline": ['""', "true"],
    "community.from": ['"hello"', '"Us <hello@example.org>"', '""', "1"],
    "community.reply_to": ['"hello@"', '"a@example.org, b@example.org"'],
    "community.controller": ['""'],
    "community.postal_address": ['""', '"a\\r\\nb"'],
    "community.list_id": [
        '"news"',
        '"News.example.org"',
        '"news.example.org>"',
        '"news example.org"',
        '"é.example.org"',
    ],
    "community.bounce_domain": ['"bounces"', '"b@example.org"'],
    "bounces.authserv_id": ['"mx.example.org; dkim=pass"', '"MX"', "1"],
    "bounces.spam_reporters": ['"arf.example.org"', "[1]", '["arf"]', '["ARF.example.org"]'],
    "community.locale": ['"english"', '"e"', '""', '"en_GB"', '"pt"', '"en-"'],
    "community.timezone": ['"Mars/Base"', '""', '"../etc/passwd"', '"Europe"', "1"],
    "digest.cadence": ['"yearly"', "1", '""', "[]"],
    "digest.weekday": ['"Monday"', "0"],
    "digest.hour": ["24", "-1", '"8"', "8.0", "true", "1970-01-01"],
    "limits.network_10_minutes": ["-1", '"5"', "5.5", "true", "10000000000"],
    "limits.form_seconds": ["-1"],
}


@pytest.mark.parametrize(("place", "value"), [(place, value) for place, values in WRONG.items() for value in values])
def test_a_wrong_value_is_told_by_its_place_and_becomes_the_samples(place: str, value: str, tmp_path: Path) -> None:
    table, key = place.split(".")
    sample, _ = _read(tmp_path, SAMPLE)

    community, faults = _read(tmp_path, f"[{table}]\n{key} = {value}\n")

    assert len(faults) == 1
    assert faults[0].startswith(f"community.toml: {place} is not ")
    assert faults[0].isprintable()
    assert community == sample


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[communty]\nname = 'x'\n", "community.toml: [communty] is not a table of Coalition."),
        ("name = 'x'\n", "community.toml: [name] is not a table of Coalition."),
        ("community = 3\n", "community.toml: [community] is not a table of Coalition."),
        ("[[community]]\nname = 'x'\n", "community.toml: [community] is not a table of Coalition."),
        ("[community]\nnmae = 'x'\n", "community.toml: community.nmae is not a setting."),
        ("[limits.deep]\nx = 1\n", "community.toml: [limits.deep] is not a table of Coalition."),
    ],
)
def test_a_typing_error_in_a_name_is_told(text: str, told: str, tmp_path: Path) -> None:
    assert _read(tmp_path, text)[1] == [told]


@pytest.mark.parametrize("text", ["[community\nname = 'x'\n", "name = \nx = 1\n", "a = 1\na = 2\n", "\x00"])
def test_what_is_no_toml_is_told_with_its_line(text: str, tmp_path: Path) -> None:
    community, [fault] = _read(tmp_path, text)

    assert fault.startswith("community.toml: ")
    assert "line" in fault
    assert community.is_sample


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"[community]\nname = 'Caf\xe9'\n")
    (tmp_path / "folder.toml").mkdir()

    assert read_community(tmp_path / "latin.toml")[1] == ["latin.toml can't be read."]
    assert read_community(tmp_path / "folder.toml")[1] == ["folder.toml can't be read."]


def test_every_setting_of_the_sample_can_be_changed_alone(tmp_path: Path) -> None:
    for table, values in flat(tomllib.loads(SAMPLE)).items():
        assert isinstance(values, dict)
        for key, value in values.items():
            written = json.dumps(value)  # what TOML reads too: texts, numbers, true and false, lists
            assert _read(tmp_path, f"[{table}]\n{key} = {written}\n")[1] == []


def test_words_of_ones_own_stand_in_their_language_only(tmp_path: Path) -> None:
    community, faults = _read(tmp_path, WORDS)

    assert faults == []
    assert community.wording("join_heading", "en") == "Join <us> & friends"
    assert community.wording("join_heading", "en-GB") == "Join <us> & friends"
    assert community.wording("join_heading", "cy") == "Ymunwch â ni"
    assert [community.wording("join_heading", code) for code in ("fr", "de", "es", "ar", "eo")] == [""] * 5
    assert community.wording("footer", "cy") == ""


def test_a_word_that_there_is_no_place_for_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        read_community(Path("none.toml"))[0].wording("fotter", "en")


def test_the_sample_shows_every_wording_and_each_of_its_examples_loads(tmp_path: Path) -> None:
    examples = re.sub(r"^# (?=[a-z_]+ = )", "", SAMPLE, flags=re.MULTILINE)
    community, faults = _read(tmp_path, examples)

    assert faults == []
    assert {key for _, key in community.wordings} == {*tomllib.loads(WORDS)["wordings"]["en"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[wordings.en]\nfotter = 'x'\n", "wordings.en.fotter is not a setting."),
        ("[wordings.eo]\nfooter = 'x'\n", "[wordings.eo] is not a table of Coalition."),
        ("[wordings]\nfooter = 'x'\n", "wordings.footer is not a setting."),
        ("[wordings.en]\nfooter = 3\n", "wordings.en.footer is not one line of text."),
        ('[wordings.en]\nfooter = "a\\nb"\n', "wordings.en.footer is not one line of text."),
        ('[wordings.en]\nfooter = "a\\uE000preferences\\uE001"\n', "wordings.en.footer is not one line of text."),
        ("[wordings.en]\nconsent = 'Yes.'\n", "wordings.en.consent is too short to say what people agree to."),
    ],
)
def test_a_wrong_wording_is_told(text: str, told: str, tmp_path: Path) -> None:
    assert _read(tmp_path, text)[1] == [f"community.toml: {told}"]


def test_no_address_is_shown_by_accident(tmp_path: Path) -> None:
    assert "hello@" not in repr(_read(tmp_path, SAMPLE)[0])


@pytest.mark.parametrize("key", ["name", "controller", "postal_address"])
def test_l14_who_answers_has_to_stand_in_the_file_itself(tmp_path: Path, key: str) -> None:
    without = re.sub(rf"^{key} = .*$", "", SAMPLE, flags=re.MULTILINE)

    assert _read(tmp_path, SAMPLE)[0].unsaid == ()
    assert _read(tmp_path, without)[0].unsaid == (key,)
