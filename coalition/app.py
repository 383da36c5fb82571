"""The web application, put together: pages attached, headers on every answer, errors told on a page of ours."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from coalition import logs, web
from coalition.config import read_config
from coalition.paths import STATIC, TEMPLATES
from coalition.resources import Resources, open_resources


def create_app(resources: Resources | None = None) -> Flask:
    """A WSGI application. Without resources it reads the environment (README) and opens them itself."""
    if resources is None:
        config = read_config()
        logs.set_up(config.log)
        resources = open_resources(config)
    app = Flask("coalition", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(
        MAX_CONTENT_LENGTH=16 * 1024,
        MAX_FORM_MEMORY_SIZE=8 * 1024,
        MAX_FORM_PARTS=64,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    if resources.config.proxies:
        hops = resources.config.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]  # Flask's way
    web.attach(app, resources)
    return app
