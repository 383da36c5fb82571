"""The pages: thin views that read a request, call one service and show a template."""

from flask import Flask
from jinja2 import StrictUndefined

from coalition.resources import Resources
from coalition.templating import COMPILED
from coalition.web import (
    access,
    archive,
    confirm,
    errors,
    forget,
    guards,
    headers,
    health,
    join,
    moving,
    mydata,
    preferences,
    privacy,
    shared,
    theme,
    unsubscribe,
)


def attach(app: Flask, resources: Resources) -> None:
    """Hang every page, guard and header on the application."""
    app.extensions["coalition"] = resources
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.bytecode_cache = COMPILED
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    shared.teach(app)
    # A mail program that leaves by RFC 8058 follows no redirect, so no address of ours answers with a tidier one.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.before_request(guards.require_our_host)
    app.before_request(guards.learn_first)
    app.after_request(headers.secure)
    access.attach(app)
    app.context_processor(shared.context)
    errors.attach(app)
    for room in (join, confirm, preferences, mydata, moving, forget, unsubscribe, archive, privacy, health, theme):
        app.register_blueprint(room.pages)
