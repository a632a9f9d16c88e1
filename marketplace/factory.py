"""Join the parts: the only place where settings, database, rooms and templates meet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from inspect import iscoroutinefunction
from pathlib import Path

from flask import Flask, url_for
from flask_wtf.csrf import CSRFProtect
from htmx_flask.requests import HtmxAwareRequest
from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemBytecodeCache, FileSystemLoader, PackageLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import logs, remembered
from marketplace.access.doors import current_actor
from marketplace.accounts import passwords
from marketplace.accounts import session as browser
from marketplace.accounts.routes import accounts
from marketplace.cycles.routes import cycles
from marketplace.database import db, make_engine
from marketplace.demand.routes import demand, stop
from marketplace.families.routes import families
from marketplace.families.routes import on_need as sharing_on_need
from marketplace.history.routes import history
from marketplace.home.routes import home
from marketplace.introductions.routes import introductions
from marketplace.matches import finder, uncounted
from marketplace.matches.finder import Encoder
from marketplace.matches.routes import matches
from marketplace.needs.routes import needs
from marketplace.notices.routes import notices
from marketplace.opendata import api as open_data_faces
from marketplace.opendata.api import open_data_api
from marketplace.opendata.routes import open_data
from marketplace.organisations.routes import organisations
from marketplace.passports import queries as standings
from marketplace.passports.routes import passports
from marketplace.picture.routes import picture
from marketplace.questions.routes import on_need, questions
from marketplace.reviews.routes import reviews
from marketplace.settings import PROJECT, Settings
from marketplace.succession.routes import succession
from marketplace.technologies.routes import technologies
from marketplace.web import kept, navigation, problems, security
from marketplace.web.about import about
from marketplace.web.health import health
from marketplace.web.limits import Turns

BUILD = Path(__file__).resolve().parent / "web" / "static" / "build"


class FrontEndMissingError(RuntimeError):
    """The style sheet and scripts have not been built."""


def read_manifest(build: Path = BUILD) -> dict[str, str]:
    """Return plain file name to hashed name, or say how to build what is missing."""
    try:
        manifest: dict[str, str] = json.loads((build / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        raise FrontEndMissingError("The style sheet and scripts are not built yet. Run: make setup") from None
    return manifest


def create_app(
    settings: Settings | None = None, encoder: Encoder | None = None, before: Sequence[Encoder] = ()
) -> Flask:
    """Return the service, ready to serve. Reads the environment when no settings are given.

    Tests give an ``encoder`` of their own, and those of ``before``; the model of the settings is loaded at first use.
    """
    settings = settings or Settings()
    logs.configure(settings.log_level)
    app = Flask(__name__, template_folder=str(PROJECT / "templates"), static_folder=str(BUILD))
    app.extensions["settings"] = settings
    _configure(app, settings)
    _templates(app)
    logs.init(app)
    kept.init(app)
    remembered.init(app)
    app.config["SQLALCHEMY_ENGINES"] = {}
    db.init_app(app)
    # There are no async sessions here; closing none of them would start an event loop after every request.
    app.teardown_appcontext_funcs[:] = [
        close for close in app.teardown_appcontext_funcs if not iscoroutinefunction(close)
    ]
    _connect(app, settings)
    browser.init(app)
    forms_of_ours = CSRFProtect(app)  # after the person is known: a stale form is answered by who sent it
    forms_of_ours.exempt(stop)  # mail programs press this button, and its address is signed
    finder.init(app, settings, encoder, before)
    uncounted.init(app)
    app.extensions["search_turns"] = Turns(settings.searches_each_minute)
    app.extensions["encoder_state"] = lambda: app.extensions["finders"].state.value
    app.extensions["index_state"] = finder.told
    passwords.init(app, memory_kib=settings.password_memory_kib, rounds=settings.password_rounds)
    security.init(app, secure=not settings.demo)
    problems.init(app)
    open_data_faces.init(app)
    # A technology shows its passports and a need its questions, whose rooms lie above: they meet here.
    app.extensions["questions_on_need"] = on_need
    app.extensions["sharing_on_need"] = sharing_on_need
    app.extensions["passport_standing"] = standings.best_standing
    app.extensions["passport_in_force"] = standings.in_force
    for room in (
        home,
        introductions,
        questions,
        families,
        reviews,
        accounts,
        notices,
        organisations,
        history,
        succession,
        about,
        health,
        needs,
        demand,
        cycles,
        matches,
        technologies,
        passports,
        open_data,
        open_data_api,
        picture,
    ):
        app.register_blueprint(room)
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's documented way
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    return app


class LimitedRequest(HtmxAwareRequest):
    """A request that knows htmx (``request.htmx``) and whose form parts are limited."""

    max_form_parts = 1000


def _configure(app: Flask, settings: Settings) -> None:
    limit = settings.body_limit_kib * 1024
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=limit,
        MAX_FORM_MEMORY_SIZE=limit,
        SESSION_COOKIE_NAME="demand_signal" if settings.demo else "__Host-demand_signal",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.demo,
        PERMANENT_SESSION_LIFETIME=timedelta(minutes=settings.session_idle_minutes),
        TRUSTED_HOSTS=[host.strip() for host in settings.trusted_hosts.split(",") if host.strip()] or None,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        WTF_CSRF_SSL_STRICT=True,
    )
    app.request_class = LimitedRequest


def _connect(app: Flask, settings: Settings) -> None:
    engine = make_engine(settings.database_url)
    app.extensions["engine"] = engine
    with app.app_context():
        # Our own engine, not one that the extension makes from a URL: it carries SQLite's settings.
        db.sessionmaker.configure(bind=engine)


def _templates(app: Flask) -> None:
    # Before any extension touches app.jinja_env: the design system's macros are slow to compile.
    cache = PROJECT / ".cache" / "jinja"
    cache.mkdir(parents=True, exist_ok=True)
    app.jinja_options = {
        "undefined": ChainableUndefined,  # the design system's macros rely on it
        "bytecode_cache": FileSystemBytecodeCache(str(cache)),
        "autoescape": True,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(str(PROJECT / "templates")), PackageLoader("nhsuk_frontend_jinja")]
    )
    manifest = read_manifest()
    known: set[str] = set()

    @app.context_processor
    def shared() -> dict[str, object]:
        settings: Settings = app.extensions["settings"]
        if not known:
            known.update(rule.endpoint for rule in app.url_map.iter_rules())
        actor = current_actor()
        return {
            "asset": lambda name: url_for("static", filename=manifest.get(name, name)),
            "actor": actor,
            "navigation": navigation.items(actor, known),
            "footer_links": navigation.footer(mailbox=settings.mailbox),
            "demo": settings.demo,
            "nhs_logo": settings.nhs_logo,
        }
