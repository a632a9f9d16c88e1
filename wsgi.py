"""The WSGI entry point, for gunicorn or waitress."""

from marketplace.factory import create_app

app = create_app()
