"""What is held about a person, to see and to take along; through a fresh link only."""

from typing import Any

from flask import Blueprint, Response, abort, make_response

from coalition.documents import to_json
from coalition.languages import language
from coalition.services import consents, grievances, held, takeout
from coalition.web.shared import page, resources, spoken
from coalition.web.tokens import holder, read_key

pages = Blueprint("mydata", __name__)

Answer = tuple[str, int] | Response


@pages.get("/preferences/<token>/data")
def look(token: str) -> Answer:
    """Show it, and why they are on this list."""
    key = read_key(token)
    if key.is_sample:
        return page("sample", what="data")
    vault = resources().vault
    with resources().database.reading() as session:
        person = holder(session, key)
        if not key.fresh:
            return page("needs_fresh", 403, token=token)
        return page(
            "data",
            token=token,
            person=person,
            reads=language(person.locale),
            address=vault.open(person.address_sealed or b"", person.address_key or b"").written,
            former_addresses=held.former_addresses(session, vault, person),
            subscriptions=held.subscriptions(session, person),
            letters=[(each, each.why(spoken())) for each in held.letters(session, person)],
            history=consents.history(session, person.code),
            complaints=[
                (each, grievances.text_of(vault, each.grievance), grievances.answer_of(vault, each.grievance))
                for each in grievances.of_person(session, vault, person)
            ],
            looks=held.looks(session, person),
        )


@pages.get("/preferences/<token>/data.json")
def as_json(token: str) -> Answer:
    """All of it for another program."""
    document = to_json(_taken(token))
    return _file(document, "application/json", "my-data.json")


@pages.get("/preferences/<token>/data.csv")
def as_csv(token: str) -> Answer:
    """All of it for a spreadsheet."""
    # Spreadsheets take a table for UTF-8 only where it begins with this mark.
    return _file("\ufeff" + takeout.as_csv(_taken(token)), "text/csv", "my-data.csv")


def _taken(token: str) -> dict[str, Any]:
    key, made = read_key(token), resources()
    if key.is_sample:
        abort(make_response(page("sample", what="data")))
    with made.database.reading() as session:
        person = holder(session, key)
        if not key.fresh:
            abort(make_response(page("needs_fresh", 403, token=token)))
        return takeout.gather(session, made.vault, made.config.community, person, spoken())


def _file(text: str, mimetype: str, name: str) -> Response:
    response = make_response(text.encode("utf-8"))
    response.mimetype = mimetype
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
