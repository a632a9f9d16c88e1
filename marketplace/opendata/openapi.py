"""The published document of open data (OpenAPI 3.1), made from the same declarations that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from marketplace.opendata import ocds, records, rules
from marketplace.opendata.catalogue import COLLECTIONS, Collection
from marketplace.opendata.feeds import TITLES
from marketplace.opendata.rules import Parameter
from marketplace.web.feeds import MEDIA_TYPE
from marketplace.web.links import public_link

VERSION = "1.0.0"
PREFIX = "/open/v1"
Json: TypeAlias = dict[str, Any]

ABOUT = (
    "Everything that is public on Demand Signal, to be read by programs and spreadsheets. Nothing of it names or "
    "describes a person. Lists come in pages: follow `next` until it is empty, then keep `changes` and ask there "
    "later for what was added, changed or withdrawn. A newer record with the same `id` replaces the one that you "
    "have. What was withdrawn stays in the list with `withdrawn_at` and without its content."
)


class CollectionAbout(records.Shape):
    """A collection and its addresses."""

    name: str
    title: str
    about: str
    json_address: records.Address
    csv_address: records.Address
    atom_address: records.Address | None


class Index(records.Shape):
    """What there is."""

    collections: list[CollectionAbout]
    ocds: records.Address
    """Needs as planning releases of the Open Contracting Data Standard."""
    openapi: records.Address
    explained: records.Address
    """The page for people."""
    licence: records.Address


def address(path: str) -> str:
    """Return the whole address of something below the prefix."""
    return public_link("open_data_api.index").rstrip("/") + path


def index() -> Index:
    """Return what there is."""
    return Index(
        collections=[
            CollectionAbout(
                name=one.name,
                title=one.title,
                about=one.about,
                json_address=address(f"/{one.name}"),
                csv_address=address(f"/{one.name}.csv"),
                atom_address=address(f"/{one.name}.atom") if one.feed else None,
            )
            for one in COLLECTIONS.values()
        ],
        ocds=address(f"/{ocds.RELEASES.name}"),
        openapi=address("/openapi.json"),
        explained=public_link("open_data.explained"),
        licence=rules.LICENCE,
    )


def document() -> Json:
    """Return the document."""
    paths: Json = {"/": _index_path(), "/openapi.json": _document_path()}
    for collection in COLLECTIONS.values():
        paths |= _collection_paths(collection)
    paths |= _release_paths()
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Demand Signal open data",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Open Government Licence v3.0", "url": rules.LICENCE},
        },
        "servers": [{"url": address("")}],
        "externalDocs": {"description": "The page for people", "url": public_link("open_data.explained")},
        "tags": [
            {"name": one.name, "description": one.about} for one in (*COLLECTIONS.values(), ocds.RELEASES)
        ],
        "paths": paths,
        "components": {"schemas": _schemas(), "headers": HEADERS, "responses": RESPONSES},
        "security": [],
    }


# Schemas ---------------------------------------------------------------------------------------------------------


def _schemas() -> Json:
    shapes: tuple[type[records.Shape], ...] = (
        *(collection.record for collection in COLLECTIONS.values()),
        ocds.Package,
        records.Problem,
        Index,
    )
    _, made = models_json_schema(
        [(shape, "serialization") for shape in dict.fromkeys(shapes)],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = made["$defs"]
    for collection in COLLECTIONS.values():
        schemas[_page_name(collection)] = _page_schema(collection)
    return schemas


def _page_name(collection: Collection) -> str:
    return f"{collection.record.__name__}Page"


def _page_schema(collection: Collection) -> Json:
    nullable = {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}]}
    return {
        "type": "object",
        "description": f"A page of: {collection.title.lower()}.",
        "properties": {
            "items": {"type": "array", "items": _schema(collection.record.__name__)},
            "next": nullable | {"description": "The address of the next page; empty on the last one."},
            "changes": nullable
            | {
                "description": "On the last page: the address at which to ask, later and again and again, for what "
                "has changed since. It goes back a little, so that nothing is missed."
            },
            "licence": {"type": "string", "format": "uri", "const": rules.LICENCE},
        },
        "required": ["items", "next", "changes", "licence"],
        "additionalProperties": False,
    }


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


# Responses -------------------------------------------------------------------------------------------------------

HEADERS: Json = {
    "ETag": {
        "description": "Names what was answered. Send it back in If-None-Match and get 304 while nothing changed.",
        "schema": {"type": "string"},
    },
    "LastModified": {
        "description": "When anything in the collection last changed.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": "The next page (rel=next) and the licence (rel=license).",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'What is left (r) of the limit for your address, and seconds until it is whole again (t): "'
        '`"open";r=299;t=60`.',
        "schema": {"type": "string"},
    },
    "RateLimitPolicy": {
        "description": 'How many requests (q) are allowed in how many seconds (w): `"open";q=300;w=60`.',
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
}


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


LIMITED = {"RateLimit": _header("RateLimit"), "RateLimit-Policy": _header("RateLimitPolicy")}


def _problem(words: str, headers: Mapping[str, Any] | None = None) -> Json:
    return {
        "description": words,
        "headers": dict(headers or {}),
        "content": {"application/problem+json": {"schema": _schema("Problem")}},
    }


RESPONSES: Json = {
    "NotChanged": {"description": "You have it already: nothing has changed.", "headers": LIMITED},
    "BadParameter": _problem("Something in the address cannot be used; the answer says what.", LIMITED),
    "NotFound": _problem("There is nothing with this id.", LIMITED),
    "TooMany": _problem(
        "Too many requests from your address. Wait as long as Retry-After says.",
        LIMITED | {"Retry-After": _header("RetryAfter")},
    ),
    "Away": _problem(
        "The service cannot reach its database just now.", {"Retry-After": _header("RetryAfter")}
    ),
}


def _responses(media: str, schema: Json, *also: str, listed: bool = False) -> Json:
    headers: Json = LIMITED | {"ETag": _header("ETag")}
    if listed:
        headers |= {"Link": _header("Link"), "Last-Modified": _header("LastModified")}
    refusals = {
        "304": "NotChanged",
        "400": "BadParameter",
        "404": "NotFound",
        "429": "TooMany",
        "503": "Away",
    }
    wanted = {"304", "400", "429", "503", *also}
    return {
        "200": {
            "description": "What was asked for.",
            "headers": headers,
            "content": {media: {"schema": schema}},
        },
        **{
            status: {"$ref": f"#/components/responses/{name}"}
            for status, name in refusals.items()
            if status in wanted
        },
    }


def _operation(name: str, tag: str, summary: str, parameters: Iterable[Json], responses: Json) -> Json:
    return {
        "get": {
            "operationId": name,
            "tags": [tag],
            "summary": summary,
            "parameters": list(parameters),
            "responses": responses,
        }
    }


def _query(parameter: Parameter) -> Json:
    made = {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }
    return made | ({"example": parameter.example} if parameter.example else {})


#: An id in an address: a slash or a NUL would make another address of it.
ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The `id` of the record.",
    "schema": {"type": "string", "minLength": 1, "maxLength": rules.TEXT_MOST, "pattern": "^[A-Za-z0-9-]+$"},
}


# Paths -----------------------------------------------------------------------------------------------------------


def _index_path() -> Json:
    answers = _responses("application/json", _schema("Index"))
    return {"get": {"operationId": "index", "summary": "What there is", "responses": answers}}


def _document_path() -> Json:
    answers = _responses("application/vnd.oai.openapi+json", {"type": "object"})
    return {"get": {"operationId": "openapi", "summary": "This document", "responses": answers}}


def _collection_paths(collection: Collection) -> Json:
    name, title = collection.name, collection.title
    own = name.replace("-", "_")
    page = _responses("application/json", _schema(_page_name(collection)), listed=True)
    table = _responses("text/csv", {"type": "string"}, listed=True)
    record = _responses("application/json", _schema(collection.record.__name__), "404")
    parameters = [_query(parameter) for parameter in collection.parameters]
    table_words = (
        f"{title} as CSV in UTF-8: the whole list in one file, or a page of it where `limit` or `cursor` is given. "
        "Columns are the fields of a record, lists are JSON, and an apostrophe stands before what a spreadsheet "
        "would run as a formula."
    )
    paths = {
        f"/{name}": _operation(own, name, f"{title}, page by page", parameters, page),
        f"/{name}.csv": _operation(f"{own}_csv", name, table_words, parameters, table),
        f"/{name}/{{id}}": _operation(f"{own}_record", name, f"{title}: one record", [ID], record),
    }
    if collection.feed:
        narrow = [_query(one.parameter) for one in collection.filters]
        feed = _responses(MEDIA_TYPE, {"type": "string"})
        paths[f"/{name}.atom"] = _operation(f"{own}_atom", name, f"{TITLES[name][0]}, as Atom", narrow, feed)
    return paths


def _release_paths() -> Json:
    name, words = ocds.RELEASES.name, "Needs as planning releases of OCDS 1.1"
    parameters = [_query(parameter) for parameter in ocds.RELEASES.parameters]
    return {
        f"/{name}": _operation(
            "ocds_releases",
            name,
            f"{words}, page by page; 404 where there are none, as a package holds at least one",
            parameters,
            _responses("application/json", _schema("Package"), "404", listed=True),
        ),
        f"/{name}/{{id}}": _operation(
            "ocds_release",
            name,
            f"{words}: a package with one",
            [ID],
            _responses("application/json", _schema("Package"), "404"),
        ),
    }
