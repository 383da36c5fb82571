"""For any WSGI server: `gunicorn wsgi:app`. Configuration comes from the environment (README)."""

from coalition.app import create_app

app = create_app()
