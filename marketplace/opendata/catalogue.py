"""What is published as open data: each collection is one declaration, from which everything else is made.

The addresses, the checks of what they ask for, the JSON, the CSV, the published schema and the page for people all
come from `COLLECTIONS`. To publish something new, write its record (`records`), how its rows are found (`queries`),
and one `Collection` here; the tests then walk it like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, null, select, tuple_, type_coerce

from marketplace import clock
from marketplace.database import Moment, db
from marketplace.families.models import CoSignature, Family, Theme
from marketplace.needs.models import Cycle, Need, NeedVersion, PlacesRecord
from marketplace.needs.rounds import Standing as NeedStanding
from marketplace.opendata import records, rules
from marketplace.opendata.queries import (
    co_signatures,
    coverage,
    cycles,
    families,
    needs,
    organisations,
    passports,
    priorities,
    questions,
    successions,
    technologies,
    themes,
)
from marketplace.opendata.queries.moments import Changed
from marketplace.opendata.records import Record, Shape
from marketplace.opendata.rules import Asked, Parameter
from marketplace.organisations.models import NEED_KINDS, Organisation, Succession
from marketplace.passports.models import Passport
from marketplace.passports.queries import stands
from marketplace.passports.rules import Standing
from marketplace.questions.models import Question
from marketplace.technologies.models import Technology, TechnologyVersion
from marketplace.vocabulary import CareSetting, ClinicalArea, FundingState, Readiness, Shift, Timing


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to narrow a collection: what stands in the address, and the condition that it means."""

    parameter: Parameter
    where: Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection of public records.

    ``rows`` selects the ids of the public rows, ``changed`` is when each last changed, and ``fill`` makes the records
    of some rows in a fixed number of queries. ``named`` is the condition for the record with an id, ``withdrawn`` the
    moment of a withdrawal where there is such a thing.
    """

    name: str
    title: str
    about: str
    record: type[Shape]
    rows: Callable[[], Select[int]]
    changed: Callable[[], ColumnElement[datetime]]
    fill: Callable[[Changed], Sequence[Shape]]
    named: Callable[[str], ColumnElement[bool]]
    withdrawn: Callable[[], Any] | None = None
    filters: tuple[Filter, ...] = ()
    feed: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return what may stand in the address of a page."""
        return (rules.LIMIT, rules.CURSOR, *self.lasting)

    @property
    def lasting(self) -> tuple[Parameter, ...]:
        """Return what decides what the whole list holds."""
        own = tuple(narrow.parameter for narrow in self.filters)
        shared = (rules.UPDATED_SINCE,) if self.withdrawn is None else (rules.UPDATED_SINCE, rules.WITHDRAWN)
        return (*shared, *own)


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of records: where the next begins, if there is one, and from when to ask again after the last.

    ``last`` is when anything in the whole collection changed last, where that was read too.
    """

    records: Sequence[Shape]
    next: str | None
    newest: datetime | None
    last: datetime | None = None


def page(collection: Collection, asked: Asked) -> Slice:
    """Return the page that was asked for, the records that changed earliest first; raise `BadParameter`."""
    statement = _ordered(collection, asked)
    if (cursor := asked.values.get("cursor")) is not None:
        moment, row = rules.read_cursor(cursor, asked)
        at, key, _ = statement.selected_columns
        statement = statement.where(tuple_(at, key) > tuple_(literal(moment, Moment()), literal(row)))
    found = db.session.execute(statement.limit(asked.limit + 1)).all()
    shown = found[: asked.limit]
    changed = {row: moment for moment, row, _ in shown}
    more = len(found) > len(shown)
    return Slice(
        collection.fill(changed),
        rules.write_cursor(shown[-1][0], shown[-1][1], asked) if more else None,
        shown[-1][0] if shown else None,
        shown[-1][2] if shown else None,
    )


def everything(collection: Collection, asked: Asked) -> Changed:
    """Return the ids of all rows that were asked for, each with its change, in order."""
    statement = _ordered(collection, asked)
    at, key, _ = statement.selected_columns
    return {row: moment for moment, row in db.session.execute(statement.with_only_columns(at, key))}


def batches(collection: Collection, changed: Changed, size: int) -> Iterator[Sequence[Shape]]:
    """Return the records of many rows bit by bit, holding neither the records nor the database in between."""
    rows = list(changed.items())
    for start in range(0, len(rows), size):
        yield collection.fill(dict(rows[start : start + size]))
        db.session.rollback()


def one(collection: Collection, name: str) -> Shape | None:
    """Return the record with an id, or None."""
    statement = _moments(collection).where(collection.named(name)).limit(1)
    changed = {row: moment for moment, row in db.session.execute(statement)}
    found = collection.fill(changed)
    return found[0] if found else None


def last_change(collection: Collection) -> datetime | None:
    """Return when anything in the collection last changed; None while it is empty."""
    moments = _moments(collection).subquery()
    found: datetime | None = db.session.scalar(select(func.max(moments.c.changed)))
    return found


def _moments(collection: Collection) -> Select[Any]:
    rows = collection.rows()
    (row,) = rows.selected_columns
    return rows.with_only_columns(collection.changed().label("changed"), row.label("row"))


def _ordered(collection: Collection, asked: Asked) -> Select[Any]:
    """Select change and row in order, and beside them the last change of the whole collection; NULL if narrowed.

    Working out when every row changed is most of the work of a page, so it is done once for both.
    """
    statement = _moments(collection)
    narrowing = {narrow.parameter.name: narrow.where for narrow in collection.filters}
    for name, value in asked.values.items():
        if name in narrowing:
            statement = statement.where(narrowing[name](value))
    if collection.withdrawn is not None and (wanted := asked.values.get("withdrawn", "include")) != "include":
        gone = collection.withdrawn()
        statement = statement.where(gone.is_not(None) if wanted == "only" else gone.is_(None))
    narrowed = bool(narrowing.keys() & asked.values.keys()) or "withdrawn" in asked.values
    found = statement.cte("found")
    last = null() if narrowed else select(func.max(found.c.changed)).scalar_subquery()
    outer = select(found.c.changed, found.c.row, type_coerce(last, Moment())).order_by(
        found.c.changed, found.c.row
    )
    if (since := asked.values.get("updated_since")) is not None:
        outer = outer.where(found.c.changed >= literal(since, Moment()))
    return outer


# Filters ---------------------------------------------------------------------------------------------------------


def _of_organisation(column: Any, name: str = "organisation", words: str = "") -> Filter:
    def where(value: str) -> ColumnElement[bool]:
        return column.in_(select(Organisation.id).where(Organisation.code == value))  # type: ignore[no-any-return] # any column

    return Filter(rules.code(name, words or "Of one organisation: the id of its record."), where)


def _of_need(column: Any) -> Filter:
    def where(value: str) -> ColumnElement[bool]:
        return column.in_(select(Need.id).where(Need.ref == value))  # type: ignore[no-any-return] # any column

    return Filter(rules.code("need", "About one need: the id of its record."), where)


def _term(name: str, words: str, terms: Any, column: Any, gone: Any) -> Filter:
    # What a thing was about is not told any more once it is withdrawn, so no filter finds it by that either.
    return Filter(rules.choice(name, words, terms), lambda value: (column == value) & gone.is_(None))


def _need_terms() -> tuple[Filter, ...]:
    return tuple(
        _term(name, words, terms, getattr(NeedVersion, name), Need.withdrawn_at)
        for name, words, terms in (
            ("clinical_area", "About one clinical area.", ClinicalArea),
            ("care_setting", "In one care setting.", CareSetting),
            ("shift", "That support one shift of the 10 Year Health Plan.", Shift),
            ("timing", "To start at one time.", Timing),
            ("funding_state", "With money, or without.", FundingState),
        )
    )


def _held(name: str, words: str, terms: Any, column: Any) -> Filter:
    return Filter(
        rules.choice(name, words, terms),
        lambda value: technologies.holds(column, value) & Technology.archived_at.is_(None),
    )


def _of_region(value: str) -> ColumnElement[bool]:
    region = select(Organisation.id).where(Organisation.code == value).scalar_subquery()
    return Organisation.region_id == region


def _top_three(name: str) -> ColumnElement[bool]:
    cycle, _, code = name.partition("-")
    return (Cycle.id == _number(cycle)) & (organisations.first_code() == code)


def _number(name: str) -> int:
    """Return the number that an id is, or 0, which no row has."""
    return int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0


def _cycle(name: str) -> ColumnElement[bool]:
    return Cycle.id == _number(name)


def _cycle_told(name: str) -> ColumnElement[bool]:
    return cycles.told_by_number(_number(name))


def _version(name: str) -> ColumnElement[bool]:
    ref, _, number = name.rpartition("-")
    return (Need.ref == ref) & (NeedVersion.number == _number(number))


def _technology_version(name: str) -> ColumnElement[bool]:
    ref, _, number = name.rpartition("-")
    return (Technology.ref == ref) & (TechnologyVersion.number == _number(number))


def _held_places(name: str) -> ColumnElement[bool]:
    return PlacesRecord.id == _number(name)


OF_CYCLE = Filter(rules.code("cycle", "Of one cycle: the id of its record.", "1"), _cycle)
REGION = Filter(rules.code("region", "In one NHS England region: the id of its record."), _of_region)


# The collections -------------------------------------------------------------------------------------------------

ORGANISATIONS = Collection(
    name="organisations",
    title="Organisations",
    about="NHS England regions, integrated care systems, trusts and health innovation networks.",
    record=records.OrganisationRecord,
    rows=organisations.public_organisations,
    changed=organisations.organisation_changed,
    fill=organisations.organisation_records,
    named=organisations.organisation_named,
    withdrawn=organisations.organisation_replaced,
    filters=(
        Filter(
            rules.choice("kind", "Of one kind.", organisations.NHS_KINDS),
            lambda value: Organisation.kind == value,
        ),
        REGION,
    ),
)

CYCLES = Collection(
    name="cycles",
    title="Cycles",
    about="The rounds in which organisations name their top three needs.",
    record=records.CycleRecord,
    rows=cycles.public_cycles,
    changed=cycles.told_changed,
    fill=cycles.cycle_records,
    named=_cycle_told,
    withdrawn=cycles.told_gone,
)

NEEDS = Collection(
    name="needs",
    title="Needs",
    about="What trusts, integrated care systems and health innovation networks need, as it stands now.",
    record=records.NeedRecord,
    rows=needs.public_needs,
    changed=needs.need_changed,
    fill=needs.need_records,
    named=lambda name: Need.ref == name,
    withdrawn=lambda: Need.withdrawn_at,
    filters=(
        _of_organisation(Need.organisation_id),
        REGION,
        Filter(
            rules.choice("standing", "That stand so today.", NeedStanding),
            lambda value: needs.stands_so(NeedStanding(value)),
        ),
        *_need_terms(),
    ),
    feed=True,
)

NEED_VERSIONS = Collection(
    name="need-versions",
    title="Versions of needs",
    about="Every version of a need as it was published, so that changes can be followed.",
    record=records.NeedVersionRecord,
    rows=needs.public_need_versions,
    changed=needs.version_changed,
    fill=needs.need_version_records,
    named=_version,
    withdrawn=lambda: Need.withdrawn_at,
    filters=(_of_need(NeedVersion.need_id), _of_organisation(Need.organisation_id)),
)

PRIORITIES = Collection(
    name="priorities",
    title="Priorities",
    about="The top three of each organisation in each cycle.",
    record=records.PriorityRecord,
    rows=priorities.public_priorities,
    changed=priorities.priority_changed,
    fill=priorities.priority_records,
    named=_top_three,
    filters=(
        _of_organisation(PlacesRecord.organisation_id),
        OF_CYCLE,
        REGION,
    ),
)

PLACES = Collection(
    name="places",
    title="Priorities over time",
    about="What each top three held, from when on: the open needs of a past day follow from it.",
    record=records.HeldRecord,
    rows=priorities.public_places,
    changed=priorities.places_changed,
    fill=priorities.place_records,
    named=_held_places,
    filters=(_of_organisation(PlacesRecord.organisation_id), OF_CYCLE),
)

FAMILIES = Collection(
    name="families",
    title="Families of needs",
    about="Needs that say the same: who shares them, and what they ask for together.",
    record=records.FamilyRecord,
    rows=families.public_families,
    changed=families.family_changed,
    fill=families.family_records,
    named=lambda name: Family.ref == name,
    withdrawn=families.family_ended,
    filters=(
        Filter(
            rules.choice("state", "In one state.", records.FamilyState),
            lambda value: families.in_state(records.FamilyState(value)),
        ),
        Filter(
            rules.code("need", "Of which one need is a member: the id of its record."), families.with_need
        ),
        Filter(
            rules.code("organisation", "With a need of one organisation: the id of its record."),
            families.with_organisation,
        ),
        Filter(rules.code("theme", "Of one theme: the id of its record."), families.with_theme),
    ),
)

THEMES = Collection(
    name="themes",
    title="Themes",
    about="The fields of need that families form, with who shares each and what the register has, by region.",
    record=records.ThemeRecord,
    rows=themes.public_themes,
    changed=themes.theme_changed,
    fill=themes.theme_records,
    named=lambda name: Theme.key == name,
    withdrawn=themes.theme_emptied,
)

COVERAGE = Collection(
    name="coverage",
    title="Coverage of cycles",
    about="How many organisations have answered in each cycle, by kind and region.",
    record=records.CoverageRecord,
    rows=coverage.public_coverage,
    changed=coverage.coverage_changed,
    fill=coverage.coverage_records,
    named=_cycle_told,
    withdrawn=cycles.told_gone,
)

ANSWERS = Collection(
    name="answers",
    title="Who has answered",
    about="Whether each organisation has answered in each cycle, and with how many needs.",
    record=records.AnswerRecord,
    rows=coverage.public_answers,
    changed=coverage.answer_changed,
    fill=coverage.answer_records,
    named=_top_three,
    withdrawn=coverage.answer_ended,
    filters=(
        _of_organisation(Organisation.id),
        OF_CYCLE,
        Filter(rules.choice("kind", "Of one kind.", NEED_KINDS), lambda value: Organisation.kind == value),
        REGION,
    ),
)

SUCCESSIONS = Collection(
    name="successions",
    title="Changes of organisations",
    about="Mergers, splits and new names of organisations, those that lie ahead included.",
    record=records.SuccessionRecord,
    rows=successions.public_successions,
    changed=successions.succession_changed,
    fill=successions.succession_records,
    named=lambda name: Succession.ref == name,
    withdrawn=lambda: Succession.cancelled_at,
    filters=(
        Filter(
            rules.code("organisation", "That one organisation is part of: the id of its record."),
            successions.of_organisation,
        ),
    ),
)

TECHNOLOGY_VERSIONS = Collection(
    name="technology-versions",
    title="Versions of technologies",
    about="Every version of a technology as it was listed: passports name the one that was assessed.",
    record=records.TechnologyVersionRecord,
    rows=technologies.public_technology_versions,
    changed=technologies.technology_version_changed,
    fill=technologies.technology_version_records,
    named=_technology_version,
    withdrawn=lambda: Technology.archived_at,
    filters=(
        Filter(
            rules.code("technology", "Of one technology: the id of its record."),
            lambda value: Technology.ref == value,
        ),
    ),
)

CO_SIGNATURES = Collection(
    name="co-signatures",
    title="Co-signatures",
    about="Which organisations share another's need, as one of their own top three.",
    record=records.CoSignatureRecord,
    rows=co_signatures.public_co_signatures,
    changed=co_signatures.co_signature_changed,
    fill=co_signatures.co_signature_records,
    named=lambda name: CoSignature.ref == name,
    withdrawn=co_signatures.co_signature_ended,
    filters=(_of_need(CoSignature.need_id), _of_organisation(CoSignature.organisation_id)),
)

TECHNOLOGIES = Collection(
    name="technologies",
    title="Technologies",
    about="What innovators have listed, in their own words, with the evidence that they name.",
    record=records.TechnologyRecord,
    rows=technologies.public_technologies,
    changed=technologies.technology_changed,
    fill=technologies.technology_records,
    named=lambda name: Technology.ref == name,
    withdrawn=lambda: Technology.archived_at,
    filters=(
        _held("clinical_area", "For one clinical area.", ClinicalArea, TechnologyVersion.clinical_areas),
        _held("care_setting", "For one care setting.", CareSetting, TechnologyVersion.settings),
        _term(
            "readiness", "Of one readiness.", Readiness, TechnologyVersion.readiness, Technology.archived_at
        ),
    ),
)

PASSPORTS = Collection(
    name="passports",
    title="Passports",
    about="The register of innovator passports that are recorded here. It is not the official register.",
    record=records.PassportRecord,
    rows=passports.public_passports,
    changed=passports.passport_changed,
    fill=passports.passport_records,
    named=lambda name: Passport.number == name,
    filters=(
        Filter(
            rules.choice("standing", "That stand so today.", Standing),
            lambda value: stands(Standing(value), clock.today()),
        ),
        _of_organisation(Passport.issuer_id, "issuer", "Issued by one organisation: the id of its record."),
        Filter(
            rules.code("technology", "For one technology: the id of its record."),
            lambda value: Technology.ref == value,
        ),
    ),
)

QUESTIONS = Collection(
    name="questions",
    title="Questions and answers",
    about="Questions that were answered in public. Who asked is told to nobody.",
    record=records.QuestionRecord,
    rows=questions.public_questions,
    changed=questions.question_changed,
    fill=questions.question_records,
    named=lambda name: Question.ref == name,
    withdrawn=lambda: Need.withdrawn_at,
    filters=(_of_need(Question.need_id), _of_organisation(Need.organisation_id)),
    feed=True,
)

#: In the order in which people read of them.
COLLECTIONS: Mapping[str, Collection] = {
    collection.name: collection
    for collection in (
        NEEDS,
        NEED_VERSIONS,
        PRIORITIES,
        PLACES,
        CO_SIGNATURES,
        FAMILIES,
        THEMES,
        CYCLES,
        COVERAGE,
        ANSWERS,
        ORGANISATIONS,
        SUCCESSIONS,
        TECHNOLOGIES,
        TECHNOLOGY_VERSIONS,
        PASSPORTS,
        QUESTIONS,
    )
}


def record_type(collection: Collection) -> type[Record]:
    """Return the shape of a collection's records; CSV needs its columns."""
    if not issubclass(collection.record, Record):
        raise TypeError(f"{collection.name} has no rows and columns")
    return collection.record
