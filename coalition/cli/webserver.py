"""The web server of `run` and `serve`, whose own refusals carry our headers too."""

import waitress
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask

from coalition.app import create_app
from coalition.config import Config
from coalition.errors import Misconfigured
from coalition.resources import Resources
from coalition.web import headers


def web_server(config: Config, resources: Resources) -> BaseWSGIServer:
    """A server that listens, ready to run. Raises Misconfigured where it can't listen there."""
    sockets: dict[int, object] = {}
    try:
        server = waitress.create_server(
            create_app(resources),
            map=sockets,
            host=config.host,
            port=config.port,
            threads=8,
            ident=None,
            max_request_body_size=64 * 1024,
            channel_timeout=30,
        )
    except OSError as error:
        raise Misconfigured(
            f"Port {config.port} on {config.host} is taken or can't be used: end the other program,"
            " or choose another with COALITION_BIND=127.0.0.1:8010."
        ) from error
    channel = _channel(config)
    for each in sockets.values():  # a name like localhost has two of them, IPv4 and IPv6
        if isinstance(each, BaseWSGIServer):
            each.channel_class = channel
    return server


def _channel(config: Config) -> type[HTTPChannel]:
    """What the server answers by itself (a body beyond all measure, no HTTP at all) never reaches the application."""

    class Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
        def execute(self) -> None:
            self.response_headers.extend(headers.of_a_refusal(config).items())
            super().execute()

    class Channel(HTTPChannel):  # type: ignore[misc]
        error_task_class = Refusal

    return Channel
