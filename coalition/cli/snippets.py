"""What to paste into a page of any web site."""

from collections.abc import Sequence

from coalition.community import Community
from coalition.languages import Language, language
from coalition.links import Links
from coalition.models import Form, Topic, Wording
from coalition.templating import environment


def plain_snippet(links: Links, community: Community, form: Form, topics: Sequence[Topic], wording: Wording) -> str:
    """A form of the site's own, in the language of its wording; our page asks for one more press.

    It works without script or cookie.
    """
    spoken = language(wording.locale)
    return _rendered(
        "plain.html",
        spoken,
        action=links.join(form.slug),
        topics=topics,
        wording=wording.text,
        privacy=_in(spoken, links.privacy(), community.locale),
    )


def frame_snippet(links: Links, community: Community, form: Form, spoken: Language) -> str:
    """A frame that shows our page, for the sites that the form allows."""
    # High enough for a phone of 320 pixels; without script the frame can't grow with what is in it.
    height = 760 + 95 * len(form.topics) if len(form.topics) > 1 else 620
    source = _in(spoken, links.embed(form.slug), form.locale)
    return _rendered("frame.html", spoken, source=source, name=community.name, height=height)


def _in(spoken: Language, url: str, locale: str) -> str:
    """The address of a page in a language; `locale` is what it speaks by itself."""
    return url if spoken == language(locale) else f"{url}?lang={spoken.code}"


def _rendered(template: str, spoken: Language, **facts: object) -> str:
    return environment("embed", spoken=spoken).get_template(template).render(language=spoken, **facts)
