"""Needs as planning releases of the Open Contracting Data Standard (OCDS) 1.1: one release for each version.

A need is a planning process that may or may not lead to contracts. Nothing is said of money, methods or dates of a
tender, because nobody has decided them. When a need is withdrawn its releases give way to a last one that says so:
what was withdrawn is not shown any more, here as on the pages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from flask import current_app
from sqlalchemy import ColumnElement, Select, false, or_

from marketplace.needs.models import Need, NeedVersion
from marketplace.opendata import rules
from marketplace.opendata.catalogue import NEED_VERSIONS, Collection
from marketplace.opendata.queries import needs
from marketplace.opendata.queries.moments import Changed
from marketplace.opendata.records import Address, Moment, Shape
from marketplace.organisations.models import Organisation
from marketplace.settings import Settings
from marketplace.web.links import public_link

#: The list of codes of the NHS Organisation Data Service on org-id.guide.
SCHEME: Literal["GB-NHS"] = "GB-NHS"
WITHDRAWN = "withdrawn"


class Identifier(Shape):
    """The code of an organisation, in a list of org-id.guide."""

    scheme: Literal["GB-NHS"]
    id: str
    legalName: str  # noqa: N815 - the standard's name


class OrganisationReference(Shape):
    """An organisation by the id that it has among the parties."""

    id: str
    name: str


class Party(Shape):
    """An organisation that takes part."""

    id: str
    name: str
    identifier: Identifier | None = None
    roles: list[Literal["buyer"]]


class Document(Shape):
    """A page about the need."""

    id: str
    documentType: Literal["needsAssessment"]  # noqa: N815 - the standard's name
    title: str
    url: Address
    datePublished: Moment  # noqa: N815 - the standard's name
    format: Literal["text/html"]
    language: Literal["en"]


class Planning(Shape):
    """Why something may be bought."""

    rationale: str
    documents: list[Document]


class Tender(Shape):
    """What can be said before there is a tender."""

    id: str
    title: str
    description: str | None = None
    status: Literal["planning", "withdrawn"]


class Release(Shape):
    """A version of a need, as a release of OCDS 1.1."""

    ocid: str
    """Names the planning process. Its prefix is a setting; the usual one is a placeholder and not registered."""
    id: str
    date: Moment
    tag: list[Literal["planning", "planningUpdate"]]
    initiationType: Literal["tender"]  # noqa: N815 - the standard's name
    language: Literal["en"]
    parties: list[Party]
    buyer: OrganisationReference
    planning: Planning
    tender: Tender


class Publisher(Shape):
    """Who publishes the package."""

    name: str
    uri: Address


class Links(Shape):
    """Where the list goes on."""

    next: Address | None = None


class Package(Shape):
    """A package of releases, as OCDS 1.1 has it, with the address of the next one."""

    uri: Address
    version: Literal["1.1"]
    publishedDate: Moment  # noqa: N815 - the standard's name
    publisher: Publisher
    license: Address
    publicationPolicy: Address  # noqa: N815 - the standard's name
    releases: list[Release]
    links: Links


def _prefix() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.ocid_prefix


def public_releases() -> Select[int]:
    """Select the versions that are released: all of a need that stands, and the last of one that was withdrawn."""
    return needs.public_need_versions().where(
        or_(Need.withdrawn_at.is_(None), NeedVersion.number == Need.version)
    )


def releases(changed: Changed) -> list[Release]:
    """Return the releases of some versions."""
    found = needs.versions_by_id(changed)
    return [_release(found[row]) for row in changed if row in found]


def _release(version: NeedVersion) -> Release:
    need, gone = version.need, version.need.withdrawn_at
    ocid = f"{_prefix()}-{need.ref}"
    party = _party(need.organisation)
    page = public_link("needs.need", ref=need.ref)
    rationale = (
        f"This need was withdrawn. Reason: {need.withdrawn_reason}"
        if gone
        else f"{version.problem}\n\nWanted outcome: {version.outcome}"
    )
    return Release(
        ocid=ocid,
        id=f"{ocid}-{WITHDRAWN if gone else version.number}",
        date=gone or version.published_at,
        tag=["planning" if version.number == 1 and not gone else "planningUpdate"],
        initiationType="tender",
        language="en",
        parties=[party],
        buyer=OrganisationReference(id=party.id, name=party.name),
        planning=Planning(
            rationale=rationale,
            documents=[
                Document(
                    id="need",
                    documentType="needsAssessment",
                    title=version.title,
                    url=page if gone else public_link("needs.version", ref=need.ref, number=version.number),
                    datePublished=version.published_at,
                    format="text/html",
                    language="en",
                )
            ],
        ),
        tender=Tender(
            id=f"{ocid}-tender",
            title=version.title,
            description=None if gone else "\n".join(("A solution must:", *version.must)),
            status="withdrawn" if gone else "planning",
        ),
    )


def _party(organisation: Organisation) -> Party:
    code = organisation.ods_code
    return Party(
        id=f"{SCHEME}-{code}" if code else f"demand-signal-{organisation.code}",
        name=organisation.name,
        identifier=Identifier(scheme=SCHEME, id=code, legalName=organisation.name) if code else None,
        roles=["buyer"],
    )


def _named(name: str) -> ColumnElement[bool]:
    rest = name.removeprefix(f"{_prefix()}-")
    ref, _, number = rest.rpartition("-")
    if rest == name or not ref:
        return false()
    if number == WITHDRAWN:
        return (Need.ref == ref) & Need.withdrawn_at.is_not(None)
    return NEED_VERSIONS.named(rest) & Need.withdrawn_at.is_(None)


RELEASES = Collection(
    name="ocds/releases",
    title="Planning releases",
    about="Needs as planning releases of the Open Contracting Data Standard 1.1: one for each version of a need.",
    record=Release,
    rows=public_releases,
    changed=needs.version_changed,
    fill=releases,
    named=_named,
    withdrawn=lambda: Need.withdrawn_at,
    filters=NEED_VERSIONS.filters,
)


def package(found: list[Release], *, uri: str, following: str | None, published: datetime) -> Package:
    """Return releases as a package. The standard wants at least one in it."""
    return Package(
        uri=uri,
        version="1.1",
        publishedDate=published,
        publisher=Publisher(name="Demand Signal", uri=public_link("home.start")),
        license=rules.LICENCE,
        publicationPolicy=public_link("open_data.explained"),
        releases=found,
        links=Links(next=following),
    )
