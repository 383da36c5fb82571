"""The log of visits: which page, by its pattern, and how it was answered. A path could hold a token: it stays out."""

import logging

from flask import Flask, Response, request

log = logging.getLogger(__name__)

_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}


def attach(app: Flask) -> None:
    """Log every answer, also those to what is no page of ours."""
    app.after_request(_note)


def _note(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "(other)"
    page = request.url_rule.rule if request.url_rule else "(no page)"
    log.info("%s %s %s", method, page, response.status_code)
    return response
