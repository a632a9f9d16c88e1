"""The rules of OCDS 1.1 for packages of planning releases, stated as a JSON Schema of our own.

What the standard's release and release package schemas demand of the parts that we use: which fields have to be
there, their types, the closed codelists, formats, and that lists hold no thing twice. Fields that the standard does
not know are refused, so that a misspelt one is found. What a schema cannot say is in `test_ocds.py`.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
MOMENT = {"type": "string", "format": "date-time"}
ADDRESS = {"type": "string", "format": "uri", "pattern": "^https?://"}


def thing(required: list[str], **properties: Any) -> dict[str, Any]:
    """Return an object with these fields alone."""
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def some(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a list of different things."""
    return {"type": "array", "items": items, "uniqueItems": True} | more


IDENTIFIER = thing(["scheme", "id"], scheme=TEXT, id=TEXT, legalName=TEXT, uri=ADDRESS)
ROLE = {
    "enum": [
        "buyer",
        "procuringEntity",
        "supplier",
        "tenderer",
        "funder",
        "enquirer",
        "payer",
        "payee",
        "reviewBody",
        "interestedParty",
    ]
}
PARTY = thing(
    ["id", "name", "roles"], id=TEXT, name=TEXT, identifier=IDENTIFIER, roles=some(ROLE, minItems=1)
)
REFERENCE = thing(["id", "name"], id=TEXT, name=TEXT)
DOCUMENT = thing(
    ["id"],
    id=TEXT,
    documentType={
        "enum": ["needsAssessment", "marketStudies", "procurementPlan", "plannedProcurementNotice"]
    },
    title=TEXT,
    description=TEXT,
    url=ADDRESS,
    datePublished=MOMENT,
    dateModified=MOMENT,
    format={"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
    language={"type": "string", "pattern": "^[a-z]{2}$"},
)
PLANNING = thing([], rationale=TEXT, documents=some(DOCUMENT))
TENDER = thing(
    ["id"],
    id=TEXT,
    title=TEXT | {"maxLength": 150},
    description=TEXT,
    status={"enum": ["planning", "planned", "active", "cancelled", "unsuccessful", "complete", "withdrawn"]},
)
RELEASE = thing(
    ["ocid", "id", "date", "tag", "initiationType"],
    ocid={"type": "string", "pattern": "^ocds-[a-z0-9]{6}-.+$"},
    id={"type": "string", "pattern": "^[^#]+$"},
    date=MOMENT,
    tag=some({"enum": ["planning", "planningUpdate"]}, minItems=1),
    initiationType={"enum": ["tender"]},
    language={"type": "string", "pattern": "^[a-z]{2}$"},
    parties=some(PARTY),
    buyer=REFERENCE,
    planning=PLANNING,
    tender=TENDER,
)
PACKAGE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **thing(
        ["uri", "version", "publishedDate", "publisher", "releases"],
        uri=ADDRESS,
        version={"const": "1.1"},
        extensions=some(ADDRESS),
        publishedDate=MOMENT,
        publisher=thing(["name"], name=TEXT, scheme=TEXT, uid=TEXT, uri=ADDRESS),
        license=ADDRESS,
        publicationPolicy=ADDRESS,
        releases=some(RELEASE, minItems=1),
        links=thing([], next=ADDRESS, prev=ADDRESS),
    ),
}
