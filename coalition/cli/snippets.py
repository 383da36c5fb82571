"""What to paste into a page of any web site."""

from collections.abc import Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from coalition.links import Links
from coalition.models import Form, Topic, Wording
from coalition.paths import TEMPLATES

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES / "embed"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def plain_snippet(links: Links, form: Form, topics: Sequence[Topic], wording: Wording) -> str:
    """A form of the site's own. It works without script or cookie; our page asks for one more press."""
    return _ENVIRONMENT.get_template("plain.html").render(
        action=links.join(form.slug), topics=topics, wording=wording.text, privacy=links.privacy()
    )


def frame_snippet(links: Links, name: str, form: Form) -> str:
    """A frame that shows our page, for the sites that the form allows."""
    # High enough for a phone of 320 pixels; without script the frame can't grow with what is in it.
    height = 760 + 95 * len(form.topics) if len(form.topics) > 1 else 620
    return _ENVIRONMENT.get_template("frame.html").render(source=links.embed(form.slug), name=name, height=height)
