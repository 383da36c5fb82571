"""The public archive and its feeds."""

from flask import Blueprint, Response, abort
from markupsafe import Markup

from coalition.clock import utcnow
from coalition.errors import NotFound
from coalition.mail import markdown
from coalition.models import Issue, Topic
from coalition.services import archive, editions, topics
from coalition.web.atom import feed
from coalition.web.shared import page, resources, spoken, staff

pages = Blueprint("archive", __name__)


@pages.get("/archive")
def every() -> tuple[str, int]:
    """All issues that were sent, where the community shows them."""
    _require_public()
    with resources().database.reading() as session:
        found = [(archive.name_of(issue), issue) for issue in archive.issues(session, utcnow())]
        return page("archive", issues=found, topics=topics.all_of(session), subject_of=_subject_of)


@pages.get("/archive/<name>")
def one(name: str) -> tuple[str, int]:
    """One issue. Where the archive is not public, only what was too long for the letter."""
    public = resources().config.community.public_archive
    with resources().database.reading() as session:
        try:
            issue = archive.issue(session, name, utcnow())
        except NotFound:
            abort(404)
        chapters = archive.chapters(session, issue, only_over_cap=not public)
        if not chapters and not public:
            abort(404)
        return page(
            "archived",
            issue=issue,
            subject_of=_subject_of,
            chapters=chapters,
            public=public,
            html=lambda text, heading="h4": Markup(markdown.to_html(text, heading)),  # noqa: S704  # cleaned there
        )


@pages.get("/archive.atom")
def atom() -> Response:
    """All news, as a feed."""
    _require_public()
    return _feed(None)


@pages.get("/topics/<slug>.atom")
def topic_atom(slug: str) -> Response:
    """The news of one topic, as a feed."""
    _require_public()
    with resources().database.reading() as session:
        try:
            topic = topics.get(session, slug)
        except NotFound:
            abort(404)
    return _feed(topic)


def _subject_of(issue: Issue) -> str:
    """What an issue is called: as staff called it, or in the language of the page."""
    if issue.subject:
        return staff(issue.subject)
    return editions.subject_of(resources().letters, issue, spoken().code)


def _require_public() -> None:
    if not resources().config.community.public_archive:
        abort(404)


def _feed(topic: Topic | None) -> Response:
    held = resources()
    name = held.config.community.name
    with held.database.reading() as session:
        entries = archive.newest(session, topic)
    url = held.links.topic_feed(topic.slug) if topic else held.links.feed()
    title = f"{name}: {topic.name}" if topic else name
    body = feed(held.links, title, held.config.community.locale, url, entries, utcnow())
    return Response(body, mimetype="application/atom+xml")
