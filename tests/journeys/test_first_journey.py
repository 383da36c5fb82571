"""The whole way of a reader, over HTTP and real mail alone: in, choices, a digest, out, and back."""

from coalition.models import Base
from coalition.services import subscriptions
from tests.house import House, heading, html_of, link, links_in, text_of


def test_a_visitor_signs_up_confirms_chooses_reads_and_leaves_with_one_click(house: House) -> None:
    house.publish("housing", "Rents fall", "They really do.")
    house.publish("tools", "A better hammer", "It is lighter.")

    sent = house.sign_up("ada@example.org", ("housing", "events"))
    assert sent.status_code == 303
    house.drain()
    [confirm] = house.letters_to("ada@example.org")
    assert "Housing" in text_of(confirm)
    confirmed = house.confirm("ada@example.org")
    assert heading(confirmed) == "You are in. Welcome!"
    house.drain()
    welcome = house.letters_to("ada@example.org")[-1]

    preferences = link(welcome, "/preferences/")
    choices = {"action": "save", "topics": ["1", "3"], "format": "html"}
    cadences = {f"cadence-{number}": "weekly" for number in (1, 2, 3)}
    assert house.press(preferences, **choices, **cadences).status_code == 303
    assert "Your choices are saved." in house.browser.get(f"{preferences}?done=saved").text

    house.send(house.plan())
    house.drain()
    digest = house.letters_to("ada@example.org")[-1]
    assert "Rents fall" in text_of(digest)
    assert "A better hammer" in html_of(digest)

    one_click = digest["List-Unsubscribe"].strip("<>")
    left = house.browser.post(one_click, data={"List-Unsubscribe": "One-Click"})
    assert (left.status_code, heading(left)) == (200, "You have left")
    house.publish("housing", "More", "And more.")
    assert house.person("ada@example.org").state.value == "left"


def test_leaving_can_be_undone_and_goes_on_where_it_stood(house: House) -> None:
    house.publish("housing", "First")
    house.join("ada@example.org")
    issue = house.plan()
    welcome = house.letters_to("ada@example.org")[-1]

    left = house.press(link(welcome, "/unsubscribe/"), action="all")
    house.send(issue)
    assert house.drain() == []
    undo = left.text.split('name="undo" value="')[1].split('"')[0]
    back = house.browser.post(link(welcome, "/unsubscribe/"), data={"action": "undo", "undo": undo})

    assert heading(back) == "Good to have you back"
    with house.database.reading() as session:
        [again] = subscriptions.current(session, house.person("ada@example.org").id)
    assert again.cursor == 0


def test_looking_at_every_link_of_every_letter_changes_nothing(house: House) -> None:
    house.publish("housing", "First")
    house.join("ada@example.org", ("housing", "events"))
    house.browser.post("/preferences", data={"email": "ada@example.org"})
    house.send(house.plan())
    house.drain()
    letters = house.letters_to("ada@example.org")
    assert len(letters) == 4
    before = _every_row(house)

    for letter in letters:
        for url in links_in(letter):
            for _ in range(3):
                assert house.browser.head(url).status_code in {200, 404}
                assert house.browser.get(url).status_code in {200, 404}
                house.browser.options(url)

    assert _every_row(house) == before


def _every_row(house: House) -> dict[str, list[tuple[object, ...]]]:
    with house.database.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(table.select().order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }
