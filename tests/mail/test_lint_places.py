from coalition.mail.lint import ItemSource, lint_source
from tests.mail.linting import HOST, about


def test_a_finding_names_the_line_it_stands_on() -> None:
    text = "Words.\n\n- a point\n- another\n  TODO more of it\n\n> quoted\n> [here](https://www.example.org/)\n"

    assert [(finding.name, finding.where) for finding in about(text=text)] == [
        ("placeholder-words", "item 7 “Rents fall” line 5"),
        ("vague-link-text", "item 7 “Rents fall” line 8"),
    ]


def test_findings_come_in_the_order_of_reading() -> None:
    items = [ItemSource(9, "First", "TODO"), ItemSource(4, "TODO", "Words.", "page.html")]

    found = lint_source("TODO", "Words\n\n[here](https://www.example.org/)\nTODO", items, HOST, 2026)

    assert [finding.where for finding in found] == [
        "subject",
        "intro line 3",
        "intro line 4",
        "item 9 “First” line 1",
        "item 4 “TODO”",
        "item 4 “TODO”",
    ]


def test_a_heading_with_nothing_under_it_is_named_with_its_line() -> None:
    found = about(intro="Words.\n\n## Dates\n")

    assert [(finding.where, finding.text) for finding in found] == [
        ("intro line 3", "There is nothing under the heading “Dates”: fill it or remove it.")
    ]


def test_a_long_title_is_cut_in_the_name_of_its_place() -> None:
    (found,) = about(title="A title of many words that goes on and on until nobody can take it in", text="TODO")

    assert found.where == "item 7 “A title of many words that goes on and …” line 1"
