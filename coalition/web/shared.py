"""What every page needs: the resources, and the few facts that its layout shows."""

from flask import current_app, g, render_template

from coalition.resources import Resources


def resources() -> Resources:
    """What this Coalition holds."""
    found = current_app.extensions["coalition"]
    if not isinstance(found, Resources):
        raise TypeError("the application was made without its resources")
    return found


def context() -> dict[str, object]:
    """Facts for every template."""
    held = resources()
    return {"community": held.config.community, "links": held.links}


def page(template: str, status: int = 200, **facts: object) -> tuple[str, int]:
    """A rendered page with its status."""
    return render_template(f"pages/{template}.html", **facts), status


def allow(origins: list[str] | None, thanks_url: str | None) -> None:
    """Let these sites show the present answer in a frame, and let its form end on the form's own thank-you page."""
    g.frame_origins, g.thanks_url = origins, thanks_url
