"""The privacy notice."""

from flask import Blueprint

from coalition.services import retention
from coalition.web.shared import page

pages = Blueprint("privacy", __name__)


@pages.get("/privacy")
def notice() -> tuple[str, int]:
    """Who holds what, why, for how long, and what a person can do about it."""
    return page("privacy", periods=retention.PERIODS)
