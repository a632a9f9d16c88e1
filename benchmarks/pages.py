"""The board and a match page with 20 results against a bare Flask page of the same size, over HTTP on this machine.

There are two bare pages, each an application without database, session or access, of the same size and behind the
same server: one returns the same bytes; the other draws a page of the design system with 20 items from constants.
Queries are counted at two sizes of the database: the number must not grow with the data. Times are those of the
processor, client and server together, which other work on the machine changes little.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask import Flask
from jinja2 import ChainableUndefined, PackageLoader
from sqlalchemy.orm import Session

from benchmarks.serving import Client, medians, served
from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.accounts.models import Membership, User
from marketplace.factory import create_app
from marketplace.matches import finder
from marketplace.matches.answers import Answers
from marketplace.needs.models import Need
from marketplace.settings import Settings
from matching.types import Kind

NEED = f"{0:012x}"
QUESTION = "falls at night in care homes"


def bare(body: bytes) -> Flask:
    """Return an application with one page."""
    app = Flask("bare")

    @app.get("/")
    def page() -> bytes:
        return body

    return app


DRAWN = """{% extends "nhsuk/template.jinja" %}
{% from "nhsuk/components/header/macro.jinja" import header %}
{% from "nhsuk/components/tag/macro.jinja" import tag %}
{% block header %}{{ header({"navigation": {"items": links}}) }}{% endblock %}
{% block content %}<h1>Bare</h1><ol>
{% for item in items %}<li><h3><a href="/">{{ item.title }}</a></h3><p>{{ item.by }}</p>
{% for label in item.tags %}{{ tag({"text": label}) }}{% endfor %}<p>{{ item.text }}</p></li>{% endfor %}
</ol>{% endblock %}"""


def drawn(size: int) -> Flask:
    """Return an application that draws 20 items from constants into a page of about the given size in bytes."""
    app = Flask("drawn")
    app.jinja_loader = PackageLoader("nhsuk_frontend_jinja")
    app.jinja_env.undefined = ChainableUndefined
    template = app.jinja_env.from_string(DRAWN)
    links = [{"text": f"Link {number}", "href": "/"} for number in range(6)]

    def body(length: int) -> str:
        item = {"title": "A title of usual length", "by": "An organisation", "tags": ["One", "Two", "Three"]}
        return template.render(items=[item | {"text": "x" * length}] * 20, links=links)

    length = max(0, (size - len(body(0))) // 20)

    @app.get("/")
    def page() -> str:
        return body(length)

    return app


def lead_cookie(app: Flask) -> str:
    """Sign in a lead of the organisation whose need is looked at, and return the cookie."""
    with app.app_context():
        with Session(app.extensions["engine"]) as session:
            session.connection(execution_options={"writes": True})
            user = session.scalar(sa.select(User).where(User.email == "lead@benchmark.example"))
            if user is None:
                organisation_id = session.scalars(
                    sa.select(Need.organisation_id).where(Need.ref == NEED)
                ).one()
                user = User(
                    email="lead@benchmark.example",
                    name="Benchmark Lead",
                    password_hash="",
                    created_at=clock.now(),
                )
                session.add(user)
                session.flush()
                session.add(
                    Membership(
                        user_id=user.id,
                        organisation_id=organisation_id,
                        role=Role.NEED_LEAD,
                        started_on=clock.today(),
                    )
                )
            session.commit()
            user_id = user.id
        token = accounts.start(user_id, limits=accounts.Limits(5, 50, 12))
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined] # Flask's own
        value = serializer.dumps(
            {"sign_in": token, "_user_id": str(user_id), "_fresh": True, "_permanent": True}
        )
    return f"{app.config['SESSION_COOKIE_NAME']}={value}"


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that the application sends."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    sa.event.listen(app.extensions["engine"], "before_cursor_execute", note)
    yield sent
    sa.event.remove(app.extensions["engine"], "before_cursor_execute", note)


def measure(url: str, rounds: int = 60) -> dict[str, object]:
    """Return medians in milliseconds, ratios, sizes and query counts for one database."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    finder.warm(app)
    cookie = lead_cookie(app)
    found: dict[str, object] = {}
    again = f"/needs/{NEED}/matches"
    pages = {"board": "/demand", "match page": again, "match page, ranked anew": again}
    with served(app) as port:
        client = Client(port, cookie)
        for name, path in pages.items():

            def get(path: str = path, *, anew: bool = "anew" in name) -> bytes:
                if anew:
                    app.extensions["finders"].serving.answers = Answers()
                return client.get(path)

            body = get()
            with served(bare(body)) as bare_port, served(drawn(len(body))) as drawn_port:
                plain, made = Client(bare_port), Client(drawn_port)
                times = medians(
                    {
                        "page": get,
                        "bare": lambda plain=plain: plain.get("/"),
                        "drawn": lambda made=made: made.get("/"),
                    },
                    rounds,
                    time.process_time,
                )
            with counted(app) as sent:
                get()
            found[name] = {
                "bytes": len(body),
                "milliseconds": round(times["page"], 2),
                "bare_milliseconds": round(times["bare"], 2),
                "drawn_milliseconds": round(times["drawn"], 2),
                "ratio_to_same_bytes": round(times["page"] / times["bare"], 2),
                "ratio_to_drawn": round(times["page"] / times["drawn"], 2),
                "queries": len(sent),
            }
    found["match request"] = _match_request(app, rounds)
    app.extensions["engine"].dispose()
    return found


def _match_request(app: Flask, rounds: int) -> dict[str, object]:
    """Compare a search as typed, encoding included, with the bare encoding of the same text."""
    own = app.extensions["finders"]
    matcher = own.matchers[Kind.TECHNOLOGY]
    number = iter(range(10**9))
    with app.app_context():
        times = medians(
            {
                # Another text each time: repeated ones come from a cache and would flatter.
                "search": lambda: matcher.search(f"{QUESTION} {next(number)}", 20),
                "encode": lambda: own.encoder.encode_queries([f"{QUESTION} {next(number)}"]),
            },
            rounds,
        )
    return {
        "milliseconds": round(times["search"], 2),
        "bare_encode_milliseconds": round(times["encode"], 2),
        "ratio": round(times["search"] / times["encode"], 2),
    }
