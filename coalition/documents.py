"""Documents for staff that leave the program: pages that stand alone, and JSON."""

import json
from datetime import datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from coalition.paths import TEMPLATES


def to_page(template: str, **facts: object) -> str:
    """A page that loads nothing from anywhere, from one of `templates/preview`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "preview"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(facts)


def to_json(facts: object) -> str:
    """Facts for a script, or for people who take theirs along; times as RFC 3339 has them."""
    return json.dumps(facts, default=_plain, indent=2, ensure_ascii=False)


def _plain(moment: datetime) -> str:
    return moment.isoformat()
