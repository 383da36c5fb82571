"""`coalition form`, and the snippets that other sites paste."""

from xml.etree.ElementTree import Element

import html5lib

from coalition.languages import OWN_NAMES, language
from coalition.services import wordings
from tests.cli.shell import Shell

WORDING = "I would like news about housing, by e-mail."


def _parsed(fragment: str) -> Element:
    page = f"<!doctype html><html lang=en><head><title>A site</title></head><body>{fragment}</body></html>"
    found = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    assert isinstance(found, Element)
    return found


def test_forms_are_added_changed_shown_and_listed(shell: Shell) -> None:
    shell.run(
        *["form", "add", "partner", "--topic", "housing", "--topic", "events", "--topic", "housing"],
        *["--wording", f"  {WORDING}\n", "--cadence", "monthly", "--origin", "https://WWW.example.org/"],
        *["--thanks-url", "https://www.example.org/thanks"],
    )

    facts = shell.run("form", "show", "partner", "--json").json[0]
    assert facts["topics"] == ["housing", "events"]
    assert facts["wording"] == WORDING
    assert (facts["cadence"], facts["locale"]) == ("monthly", "en")
    assert facts["origins"] == ["https://www.example.org"]
    assert facts["thanks_url"] == "https://www.example.org/thanks"
    assert len(facts["wording_sha256"]) == 64

    changed = ["--topic", "tools", "--wording", WORDING + " Really.", "--no-origins", "--thanks-url", ""]
    shell.run("form", "edit", "partner", *changed)
    again = shell.run("form", "show", "partner", "--json").json[0]
    assert (again["topics"], again["origins"], again["thanks_url"]) == (["tools"], [], None)
    assert again["wording_version"] != facts["wording_version"]
    assert [row["slug"] for row in shell.run("form", "list", "--json").json] == ["main", "partner"]
    assert "partner" in shell.run("form", "list").out
    assert WORDING in shell.run("form", "show", "partner").out
    assert shell.audit() == [("form add", "partner"), ("form edit", "partner")]


def test_a_form_without_a_cadence_takes_the_communitys(shell: Shell) -> None:
    shell.run("form", "add", "plain", "--topic", "housing", "--wording", WORDING)

    assert shell.run("form", "show", "plain", "--json").json[0]["cadence"] == "weekly"


def test_a_form_without_a_wording_takes_ours_and_speaks_every_language(shell: Shell) -> None:
    shell.run("form", "add", "all", "--topic", "housing", "--locale", "de")
    facts = shell.run("form", "show", "all", "--json").json[0]

    assert facts["languages"] == list(OWN_NAMES)
    assert (facts["locale"], facts["wording"]) == ("de", language("de").gettext(wordings.OURS))
    assert facts["wording_version"] is not None
    shell.run("form", "edit", "all", "--wording", WORDING)
    assert shell.run("form", "show", "all", "--json").json[0]["languages"] == ["de"]
    shell.run("form", "edit", "all", "--wording", "")
    assert shell.run("form", "show", "all", "--json").json[0] == facts


ADD = ["add", "partner", "--topic", "housing", "--wording", WORDING]


WRONG: list[tuple[list[str], str]] = [
    (["add", "main", *ADD[2:]], "There is a form main already."),
    (["add", "Partner!", *ADD[2:]], "small letters"),
    (["add", "partner", "--topic", "nowhere", "--wording", WORDING], "There is no such topic"),
    (["add", "partner", "--topic", "housing", "--wording", "short"], "wording"),
    ([*ADD, "--locale", "pt"], "Coalition does not speak pt: choose one of en, cy, fr, de, es, ar."),
    ([*ADD, "--locale", "en-<b>"], "does not speak"),
    ([*ADD, "--origin", "www.example.org"], "origin"),
    ([*ADD, "--origin", "https://www.example.org/page"], "origin"),
    ([*ADD, "--origin", "https://www.example.org; script-src *"], "origin"),
    ([*ADD, "--origin", "https://*.example.org"], "origin"),
    ([*ADD, "--origin", "https://[::1"], "origin"),
    ([*ADD, "--origin", "https://www.example.org:99999"], "origin"),
    ([*ADD, "--origin", "null"], "origin"),
    ([*ADD, "--origin", ""], "origin"),
    ([*ADD, "--thanks-url", "http://www.example.org"], "thank-you"),
    ([*ADD, "--thanks-url", "javascript:alert(1)"], "thank-you"),
    ([*ADD, "--thanks-url", "https://[::1"], "thank-you"),
    ([*ADD, "--thanks-url", "https://www.example.org/a b"], "thank-you"),
    (["edit", "nowhere", "--topic", "housing"], "no such form"),
    (["edit", "main", "--topic", "nowhere"], "There is no such topic"),
    (["show", "nowhere"], "no such form"),
    (["snippet", "nowhere"], "no such form"),
    (["snippet", "main", "--lang", "cy"], "The form main does not speak cy, but en."),
    (["snippet", "main", "--lang", "pt"], "does not speak pt"),
]


def test_what_cannot_be_done_is_told_and_nothing_is_written(shell: Shell) -> None:
    before = shell.run("form", "list", "--json").json

    for words, told in WRONG:
        assert told in shell.refused("form", *words)

    assert shell.run("form", "list", "--json").json == before
    assert shell.audit() == []


def test_a_snippet_is_valid_html_that_posts_to_the_form(shell: Shell) -> None:
    shell.run("topic", "edit", "housing", "--name", 'Homes & "rents" <b>')

    page = _parsed(shell.run("form", "snippet", "main").out)

    [form] = page.iter("form")
    assert (form.attrib["method"], form.attrib["action"]) == ("post", "http://localhost/join/main")
    fields = {each.attrib.get("name"): each for each in page.iter("input")}
    assert {"lang", "email", "topics", "homepage"} == set(fields)
    assert [each.attrib["value"] for each in page.iter("input") if each.attrib.get("name") == "topics"] == [
        "housing",
        "events",
        "tools",
    ]
    assert not [each for each in page.iter("input") if "checked" in each.attrib]
    assert 'Homes & "rents" <b>: ' in "".join(page.itertext())
    assert not [each for each in page.iter() if each.tag in {"script", "style", "link", "img"}]
    labels = {each.attrib.get("for") for each in page.iter("label")}
    assert fields["email"].attrib["id"] in labels
    assert [each.attrib["href"] for each in page.iter("a")] == ["http://localhost/privacy"]


def test_what_is_pasted_works_from_any_site(shell: Shell) -> None:
    [form] = _parsed(shell.run("form", "snippet", "main").out).iter("form")

    page = shell.house.browser.post(
        form.attrib["action"],
        data={"email": "ada@example.org", "topics": ["events"], "homepage": ""},
        headers={"Origin": "https://anywhere.example"},
    )

    assert page.status_code in {200, 303}
    assert "Set-Cookie" not in page.headers


def test_a_snippet_of_one_topic_has_no_boxes_and_a_closed_topic_is_not_offered(shell: Shell) -> None:
    shell.run("topic", "close", "tools")
    shell.run("topic", "close", "events")

    page = _parsed(shell.run("form", "snippet", "main").out)

    assert [each for each in page.iter("input") if each.attrib.get("type") == "checkbox"] == []


def test_a_frame_snippet_shows_our_page(shell: Shell) -> None:
    page = _parsed(shell.run("form", "snippet", "main", "--frame").out)

    [frame] = page.iter("iframe")
    assert frame.attrib["src"] == "http://localhost/embed/main"
    assert "Coalition of Collaborators" in frame.attrib["title"]
    assert "allow-scripts" not in frame.attrib["sandbox"]
    assert shell.house.browser.get(frame.attrib["src"]).status_code == 200


def test_a_frame_that_no_site_may_show_yet_says_what_to_do(shell: Shell) -> None:
    shell.run("form", "edit", "main", "--no-origins")
    before = shell.run("form", "snippet", "main", "--frame")
    shell.run("form", "edit", "main", "--origin", "https://www.example.org")
    after = shell.run("form", "snippet", "main", "--frame")

    assert before.err == (
        "No site may show this frame yet: coalition form edit main --origin https://www.example.org\n"
    )
    assert (after.out, after.err) == (before.out, "")
    assert shell.run("form", "snippet", "main").err == ""


def test_a_snippet_speaks_each_language_of_its_form(shell: Shell) -> None:
    shell.run("form", "add", "all", "--topic", "housing", "--topic", "events", "--locale", "cy")

    for code in OWN_NAMES:
        page = _parsed(shell.run("form", "snippet", "all", "--lang", code).out)
        [form] = page.iter("form")
        assert (form.attrib["lang"], form.attrib["dir"]) == (code, "rtl" if code == "ar" else "ltr")
        assert [each.attrib["value"] for each in form.iter("input") if each.attrib.get("name") == "lang"] == [code]
        assert language(code).gettext(wordings.OURS) in "".join(form.itertext())
        [frame] = _parsed(shell.run("form", "snippet", "all", "--frame", "--lang", code).out).iter("iframe")
        assert frame.attrib["src"] == "http://localhost/embed/all" + ("" if code == "cy" else f"?lang={code}")
    assert shell.run("form", "snippet", "all").out == shell.run("form", "snippet", "all", "--lang", "cy").out
