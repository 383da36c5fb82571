"""Errors as pages of ours: plain, kind, and silent about what went wrong inside."""

import logging
import traceback

from flask import Flask, Response, make_response, render_template
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from coalition.errors import JournalError, SpoolFull, TooMany

log = logging.getLogger(__name__)

_KNOWN = {400, 403, 404, 405, 408, 413, 415, 429, 500, 503}


def attach(app: Flask) -> None:
    """Show every error on a page."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(TooMany, _too_many)
    for gone in (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, JournalError, SpoolFull):
        app.register_error_handler(gone, _away)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    response = _page(status)
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
    return response


def _too_many(error: TooMany) -> Response:
    response = _page(429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _away(error: Exception) -> Response:
    log.error("the database, the journal or the spool can't be used: %s", type(error).__name__)
    response = _page(503)
    response.headers["Retry-After"] = "60"
    return response


def _unexpected(error: Exception) -> Response:
    # The traceback names lines of code; the message of an error from below could carry an address, so it stays out.
    log.error("an unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return _page(500)


def _page(status: int) -> Response:
    shown = status if status in _KNOWN else (400 if status < 500 else 500)
    return make_response(render_template("pages/error.html", status=shown, switch=[]), status)
