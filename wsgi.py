"""The WSGI entry point, for gunicorn or waitress."""

from marketplace.factory import create_app
from marketplace.matches.finder import warm_beside

app = create_app()
warm_beside(app)  # in the worker itself: the model must not be loaded before a fork
