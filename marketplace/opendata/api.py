"""Open data over HTTP: JSON, CSV, Atom and OCDS for everybody's programs, without session or cookie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, g, request, stream_with_context
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.doors import public
from marketplace.opendata import catalogue, feeds, ocds, openapi, records, rules
from marketplace.opendata.catalogue import COLLECTIONS, Collection, Slice
from marketplace.opendata.limits import WHOLE_FILE, WINDOW, Limiter, Standing
from marketplace.opendata.records import Problem
from marketplace.opendata.rules import Asked, BadParameter
from marketplace.settings import Settings
from marketplace.web.cells import csv_rows
from marketplace.web.feeds import answer as answer_feed

open_data_api = Blueprint("open_data_api", __name__, url_prefix=openapi.PREFIX)

NAMES = f"any({', '.join(repr(name) for name in COLLECTIONS)})"
FEEDS = f"any({', '.join(repr(one.name) for one in COLLECTIONS.values() if one.feed)})"
PUBLISHED = "it holds only what the public pages show to everybody"
#: Records that are read from the database at a time for a whole file.
BATCH = 500
#: Within it a second change would have the same date in Last-Modified, which counts in seconds.
TOO_FRESH = timedelta(seconds=2)

#: What a program is told where the words of the pages would not help it.
WORDS = {
    400: ("Bad request", "The request cannot be read."),
    404: ("Not found", "There is nothing at this address. Ask /open/v1/ for what there is."),
    405: ("Method not allowed", "Open data can only be read. Use GET, HEAD or OPTIONS."),
    413: ("Too large", "Open data takes no body. Send the request without one."),
    500: ("Our fault", "Something went wrong on our side, and it was recorded. Try again in a few minutes."),
    503: ("Not available", "We cannot reach our database just now. Try again in a minute."),
}


def init(app: Flask) -> None:
    """Set up the limit and the words of refusals."""
    settings: Settings = app.extensions["settings"]
    app.extensions["open_data_limiter"] = Limiter(settings.open_data_per_minute)
    app.extensions["open_data_problem"] = told


# Before and after ------------------------------------------------------------------------------------------------


@open_data_api.before_request
def count() -> ResponseReturnValue | None:
    """Count the request against the limit of its address."""
    if request.method == "OPTIONS":
        return None
    whole = request.endpoint == "open_data_api.table" and not {"limit", "cursor"} & set(request.args)
    limiter: Limiter = current_app.extensions["open_data_limiter"]
    standing = limiter.count(request.remote_addr or "", WHOLE_FILE if whole else 1)
    g.open_data_standing = standing
    if standing.allowed:
        return None
    response = refused(
        429,
        "Too many requests",
        f"Your address may ask {standing.limit:,} times a minute, and a whole CSV file counts as {WHOLE_FILE}. "
        f"Go on in {standing.seconds} {'second' if standing.seconds == 1 else 'seconds'}.",
    )
    response.headers["Retry-After"] = str(max(1, standing.seconds))
    return response


@open_data_api.after_request
def add_headers(response: Response) -> Response:
    """Tell where the limit stands, and let pages of every website read the answer."""
    standing: Standing | None = g.get("open_data_standing")
    if standing is not None:
        response.headers["RateLimit-Policy"] = f'"open";q={standing.limit};w={WINDOW.seconds}'
        response.headers["RateLimit"] = f'"open";r={standing.left};t={standing.seconds}'
    return shared(response)


def shared(response: Response) -> Response:
    """Let pages of every website read the answer (CORS)."""
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = (
        "ETag, Last-Modified, Link, RateLimit, RateLimit-Policy, Retry-After"
    )
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
        headers["Access-Control-Max-Age"] = "86400"
    return response


def refused(status: int, title: str, detail: str, parameter: str | None = None) -> Response:
    """Return what went wrong, as RFC 9457 has it."""
    problem = Problem(title=title, status=status, detail=detail, parameter=parameter)
    body = problem.model_dump_json(exclude_none=True)
    return shared(Response(body, status, content_type="application/problem+json"))


def told(status: int, title: str, paragraphs: Sequence[str]) -> Response:
    """Return an error that was met outside of our views."""
    heading, words = WORDS.get(status, WORDS[400])
    response = refused(status, title or heading, " ".join(paragraphs) or words)
    if status == 503:
        response.headers["Retry-After"] = "10"
    return response


@open_data_api.errorhandler(BadParameter)
def bad_parameter(error: BadParameter) -> ResponseReturnValue:
    """Say which part of the address cannot be used, and why."""
    return refused(400, "This address cannot be used", error.detail, error.name)


# What there is ---------------------------------------------------------------------------------------------------


@open_data_api.get("/")
@public(PUBLISHED)
def index() -> ResponseReturnValue:
    """List the collections."""
    _asked(())
    return _kept(_json(openapi.index().model_dump(mode="json")))


@open_data_api.get("/openapi.json")
@public(PUBLISHED)
def document() -> ResponseReturnValue:
    """Publish the document."""
    _asked(())
    return _kept(_json(openapi.document(), "application/vnd.oai.openapi+json"))


@open_data_api.get(f"/<{NAMES}:name>")
@public(PUBLISHED)
def page(name: str) -> ResponseReturnValue:
    """Answer a page of a collection."""
    collection = COLLECTIONS[name]
    asked = _asked(collection.parameters)
    found = catalogue.page(collection, asked)
    following = _next(collection, asked, found)
    body = {
        "items": records.plain(found.records),
        "next": following,
        "changes": _changes(collection, asked, found),
        "licence": rules.LICENCE,
    }
    return _kept(_linked(_json(body), following), found.last or catalogue.last_change(collection))


@open_data_api.get(f"/<{NAMES}:name>/<record_id>")
@public(PUBLISHED)
def record(name: str, record_id: str) -> ResponseReturnValue:
    """Answer one record."""
    _asked(())
    found = catalogue.one(COLLECTIONS[name], record_id)
    if found is None:
        return refused(404, "Not found", f"There is no record with this id in {name}.")
    return _kept(_json(found.model_dump(mode="json")))


@open_data_api.get(f"/<{NAMES}:name>.csv")
@public(PUBLISHED)
def table(name: str) -> ResponseReturnValue:
    """Answer a whole collection as CSV, or a page of it."""
    collection = COLLECTIONS[name]
    asked = _asked(collection.parameters)
    if {"limit", "cursor"} & set(asked.values):
        found = catalogue.page(collection, asked)
        response = _csv(collection, _table(collection, [found.records]))
        response.add_etag()
        return _kept(
            _linked(response, _next(collection, asked, found, ".csv")),
            found.last or catalogue.last_change(collection),
        )
    changed = catalogue.everything(collection, asked)
    response = _csv(
        collection,
        stream_with_context(_table(collection, catalogue.batches(collection, changed, BATCH))),
    )
    # Of a file that is not made yet: which records it holds, when each last changed, and the day,
    # as what stands on it begins in London an hour before the moment that is told for it in summer.
    day = str(clock.today())
    told = json.dumps(
        [day, *catalogue.record_type(collection).model_fields, *changed, *map(str, changed.values())]
    )
    response.set_etag(hashlib.sha256(told.encode()).hexdigest()[:32], weak=True)
    return _kept(_linked(response), catalogue.last_change(collection))


@open_data_api.get(f"/<{FEEDS}:name>.atom")
@public(PUBLISHED)
def feed(name: str) -> ResponseReturnValue:
    """Answer what is new as Atom."""
    collection = COLLECTIONS[name]
    asked = _asked([one.parameter for one in collection.filters])
    return answer_feed(feeds.feed(collection, asked, _address(collection, dict(asked.lasting), ".atom")))


@open_data_api.get("/ocds/releases")
@public(PUBLISHED)
def releases() -> ResponseReturnValue:
    """Answer a page of planning releases."""
    asked = _asked(ocds.RELEASES.parameters)
    found = catalogue.page(ocds.RELEASES, asked)
    if found.newest is None:
        return refused(404, "No releases", "There are no releases for what you asked.")
    uri = _address(ocds.RELEASES, {name: text for name, text in request.args.items()})  # noqa: C416 - to a plain one
    following = _next(ocds.RELEASES, asked, found)
    last = found.last or catalogue.last_change(ocds.RELEASES)
    return _kept(_linked(_package(found, uri, following), following), last)


@open_data_api.get("/ocds/releases/<release_id>")
@public(PUBLISHED)
def release(release_id: str) -> ResponseReturnValue:
    """Answer one planning release, in a package of its own."""
    _asked(())
    found = catalogue.one(ocds.RELEASES, release_id)
    if not isinstance(found, ocds.Release):
        return refused(404, "Not found", "There is no release with this id.")
    uri = openapi.address(f"/{ocds.RELEASES.name}/{found.id}")
    return _kept(_package(Slice([found], None, found.date), uri, None))


# Helpers ---------------------------------------------------------------------------------------------------------


def _asked(parameters: Sequence[rules.Parameter]) -> Asked:
    return rules.read_address(list(request.args.items(multi=True)), parameters)


def _address(collection: Collection, values: dict[str, str], kind: str = "") -> str:
    query = urlencode(values)
    return openapi.address(f"/{collection.name}{kind}") + (f"?{query}" if query else "")


def _next(collection: Collection, asked: Asked, found: Slice, kind: str = "") -> str | None:
    if found.next is None:
        return None
    limit = {"limit": str(asked.limit)} if "limit" in asked.values else {}
    return _address(collection, {**asked.lasting, **limit, "cursor": found.next}, kind)


def _changes(collection: Collection, asked: Asked, found: Slice) -> str | None:
    if found.next is not None:
        return None
    since = {} if found.newest is None else {"updated_since": _a_little_before(found.newest)}
    limit = {"limit": str(asked.limit)} if "limit" in asked.values else {}
    return _address(collection, {**asked.lasting, **limit, **since})


def _a_little_before(moment: datetime) -> str:
    return rules.written_moment(moment - rules.OVERLAP)


def _json(body: Any, media: str = "application/json") -> Response:
    response = Response(json.dumps(body, ensure_ascii=False, separators=(",", ":")), content_type=media)
    response.add_etag()
    return response


def _package(found: Slice, uri: str, following: str | None) -> Response:
    listed = [one for one in found.records if isinstance(one, ocds.Release)]
    package = ocds.package(listed, uri=uri, following=following, published=found.newest or listed[-1].date)
    # The standard leaves out what is not known rather than calling it null.
    return _json(package.model_dump(mode="json", exclude_none=True))


def _csv(collection: Collection, body: Iterator[str]) -> Response:
    response = Response(body, content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="{collection.name}.csv"'
    return response


def _table(
    collection: Collection, parts: Iterator[Sequence[records.Shape]] | list[Sequence[records.Shape]]
) -> Any:
    names = records.columns(catalogue.record_type(collection))
    # Spreadsheets take a file for UTF-8 when it begins with this mark.
    yield "\ufeff" + csv_rows([names])
    for part in parts:
        yield csv_rows([row[name] for name in names] for row in records.plain(part))


def _linked(response: Response, following: str | None = None) -> Response:
    links = [f'<{rules.LICENCE}>; rel="license"', f'<{openapi.address("/openapi.json")}>; rel="service-desc"']
    response.headers["Link"] = ", ".join([f'<{following}>; rel="next"'] * bool(following) + links)
    return response


def _kept(response: Response, changed: datetime | None = None) -> Response:
    """Let caches keep the answer and ask each time whether it still holds: what is withdrawn is gone at once."""
    response.headers["Cache-Control"] = "public, no-cache"
    if changed is not None and clock.now() - changed > TOO_FRESH:
        response.last_modified = changed
    response.make_conditional(request)
    return response
