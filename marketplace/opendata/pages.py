"""The page about open data for people, made from the same declarations as the data."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from marketplace.opendata import ocds, openapi, rules
from marketplace.opendata.catalogue import ANSWERS, COLLECTIONS, FAMILIES, NEEDS, PASSPORTS, Collection
from marketplace.opendata.limits import WHOLE_FILE
from marketplace.opendata.rules import Parameter
from marketplace.settings import Settings
from marketplace.web.pages import Link, Page


@dataclass(frozen=True, slots=True)
class Listed:
    """A collection with its links, and how it can be narrowed."""

    title: str
    about: str
    links: tuple[Link, ...]
    narrowed_by: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """An address that can be opened, and what it gives."""

    words: str
    href: str


@dataclass(frozen=True, kw_only=True)
class OpenDataPage(Page):
    """What is published, how to read it, and what is promised."""

    template = "opendata/explained.html"

    title: str = "Open data"
    collections: tuple[Listed, ...]
    examples: tuple[Example, ...]
    start: str
    document: str
    licence: str
    limit_usual: int
    limit_most: int
    per_minute: int
    whole_file: int
    overlap_seconds: int
    ocds: str
    prefix: str
    prefix_is_placeholder: bool

    @classmethod
    def build(cls) -> OpenDataPage:
        """Build it."""
        settings: Settings = current_app.extensions["settings"]
        return cls(
            collections=tuple(_listed(one) for one in COLLECTIONS.values()),
            examples=_examples(),
            start=openapi.address("/"),
            document=openapi.address("/openapi.json"),
            licence=rules.LICENCE,
            limit_usual=rules.LIMIT_USUAL,
            limit_most=rules.LIMIT_MOST,
            per_minute=settings.open_data_per_minute,
            whole_file=WHOLE_FILE,
            overlap_seconds=rules.OVERLAP.seconds,
            ocds=openapi.address(f"/{ocds.RELEASES.name}"),
            prefix=settings.ocid_prefix,
            prefix_is_placeholder=settings.ocid_prefix == Settings.model_fields["ocid_prefix"].default,
        )


def _examples() -> tuple[Example, ...]:
    def at(collection: Collection, query: str, kind: str = "") -> str:
        return openapi.address(f"/{collection.name}{kind}") + (f"?{query}" if query else "")

    return (
        Example(
            "All needs, for a spreadsheet, without those that were withdrawn",
            at(NEEDS, "withdrawn=leave-out", ".csv"),
        ),
        Example(
            "The needs about mental health, ten to a page", at(NEEDS, "clinical_area=mental-health&limit=10")
        ),
        Example(
            "What was added, changed or withdrawn since the beginning of 2026",
            at(NEEDS, "updated_since=2026-01-01T00:00:00Z"),
        ),
        Example(
            "Families of needs that a health innovation network has settled", at(FAMILIES, "state=settled")
        ),
        Example(
            "Who has answered in each cycle and who has not, for a spreadsheet",
            at(ANSWERS, "withdrawn=leave-out", ".csv"),
        ),
        Example("All passports that may be relied on and do not end soon", at(PASSPORTS, "standing=valid")),
        Example("A feed of needs about wound care", at(NEEDS, "clinical_area=wound-care", ".atom")),
    )


def _listed(collection: Collection) -> Listed:
    links = [
        Link("JSON", openapi.address(f"/{collection.name}")),
        Link("CSV", openapi.address(f"/{collection.name}.csv")),
    ]
    if collection.feed:
        links.append(Link("Atom feed", openapi.address(f"/{collection.name}.atom")))
    return Listed(
        collection.title,
        collection.about,
        tuple(links),
        tuple((one.parameter.name, _words(one.parameter)) for one in collection.filters),
    )


def _words(parameter: Parameter) -> str:
    choices = parameter.schema.get("enum", ())
    return f"{parameter.about} One of: {', '.join(choices)}." if choices else parameter.about
