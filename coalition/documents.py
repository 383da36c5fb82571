"""Documents for staff that leave the program: pages that stand alone, and JSON."""

import json
from datetime import datetime

from coalition.templating import environment


def to_page(template: str, **facts: object) -> str:
    """A page that loads nothing from anywhere, from one of `templates/preview`."""
    return environment("preview").get_template(template).render(facts)


def to_json(facts: object) -> str:
    """Facts for a script, or for people who take theirs along; times as RFC 3339 has them."""
    return json.dumps(facts, default=_plain, indent=2, ensure_ascii=False)


def _plain(moment: datetime) -> str:
    return moment.isoformat()
