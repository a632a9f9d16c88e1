"""The shape of every public record: what is published, and nothing else, in the words of the published schema.

Each field is named here and filled by hand from what the public pages show, so that a new column of a table is never
published by itself. The same shapes make the schema (`openapi`), the JSON and the columns of the CSV files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from marketplace.needs.rounds import Standing as NeedStanding
from marketplace.needs.signing import Unchecked
from marketplace.organisations.models import Kind
from marketplace.organisations.rules import Change
from marketplace.passports.rules import Standing
from marketplace.vocabulary import (
    CareSetting,
    ClinicalArea,
    EvidenceType,
    FundingState,
    Readiness,
    Shift,
    Timing,
)

Moment = Annotated[datetime, AfterValidator(lambda when: when.astimezone(UTC))]
Whole = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]
Address = Annotated[str, Field(json_schema_extra={"format": "uri"})]


class Register(StrEnum):
    """What the register of technologies has for a need."""

    FITS = "fits"
    NOTHING = "nothing"
    NOT_LOOKED = "not-looked"


class FamilyState(StrEnum):
    """Where a family stands."""

    SUGGESTED = "suggested"
    SETTLED = "settled"
    DISSOLVED = "dissolved"
    MERGED = "merged"


class Shape(BaseModel):
    """The base of everything that is published."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Record(Shape):
    """What every record has. A thing that was withdrawn stays in the list, without what its page no longer shows."""

    id: str
    """Names the record within its collection, for ever."""
    updated_at: Moment
    """When the record last changed. Records are listed in this order, the earliest first."""
    withdrawn_at: Moment | None = None
    """When the thing was withdrawn: most other fields are then empty. Empty for what is still there."""
    page: Address | None = None
    """The address of the page for people, where there is one."""


class OrganisationRecord(Record):
    """A region, integrated care system, trust or health innovation network. Its id is the code of its address.

    Withdrawn: the Organisation Data Service has given it another code, and `replaced_by` is its record now.
    """

    name: str
    kind: Kind
    """`icb` stands for the integrated care system, which acts through its board."""
    replaced_by: str | None = None
    """The id of the record that took the place of this one."""
    ods_code: str | None = None
    """The code of the NHS Organisation Data Service. Health innovation networks may have none."""
    region: str | None = None
    """The id of the NHS England region."""
    parent: str | None = None
    """The id of the integrated care system that a trust belongs to."""
    closed_on: date | None = None
    """The day on which the organisation closed, or will close."""
    patch: list[str] = []
    """Of a health innovation network: the ids of what it covers. An integrated care system stands for its trusts."""


class CycleRecord(Record):
    """A round in which organisations name their top three needs. Listed from the day it opens.

    Withdrawn: it was cancelled. What other records say of it goes with it: priorities, answers and co-signatures.
    """

    withdrawn_reason: str | None = None
    """Why it was cancelled."""
    name: str
    opens_on: date | None = None
    locks_on: date | None = None
    """The last day on which organisations may change their top three."""
    closes_on: date | None = None


class CoveragePart(Shape):
    """How many organisations of one kind in one region were asked, and how many have answered."""

    kind: Kind
    region: str | None
    """The id of the NHS England region; empty for organisations in no single one."""
    answered: Whole
    """How many have named at least one need."""
    asked: Whole


class CoverageRecord(Record):
    """How many organisations have answered in a cycle. Its id is that of the cycle. Withdrawn with the cycle.

    Organisations are counted as they are today, or as they were on the last day of a cycle that has closed.
    """

    cycle: str
    """The id of the cycle."""
    answered: Whole | None = None
    """How many organisations have named at least one need."""
    asked: Whole | None = None
    parts: list[CoveragePart] = []
    """The same by kind and region. Their sums are those of the whole."""


class AnswerRecord(Record):
    """Whether one organisation has answered in one cycle. Withdrawn: it closed before the cycle was over."""

    cycle: str
    """The id of the cycle."""
    organisation: str
    """The id of the organisation."""
    organisation_name: str
    kind: Kind
    region: str | None
    """The id of the NHS England region."""
    named: Annotated[int, Field(ge=0, le=3)] | None
    """How many needs it has named, with those that it co-signs."""
    answered: bool | None
    """Whether it has named at least one."""


class SuccessionLinkRecord(Shape):
    """One organisation goes to another."""

    predecessor: str
    """The id of the organisation that changes."""
    predecessor_name: str
    successor: str
    """The id of the organisation that follows. In a change of name it is the same one."""
    successor_name: str
    share: Annotated[int, Field(ge=1, le=100)] | None
    """Which part of it goes there, in percent, where it goes to several."""


class SuccessionRecord(Record):
    """Organisations merge, split or get another name on a day, recorded before or after it. Withdrawn: taken back."""

    kind: Change | None = None
    effective_on: date | None = None
    """The day from which it holds."""
    links: list[SuccessionLinkRecord] = []
    old_name: str | None = None
    new_name: str | None = None
    source: str | None = None
    """Where it is known from."""
    source_date: date | None = None
    handed_over_at: Moment | None = None
    """When the needs went to the successors. Until then they are shown with the organisation that has closed."""


class EvidenceWanted(Shape):
    """A type of evidence that an organisation wants to see, and what exactly."""

    type: EvidenceType
    detail: str


class NeedText(Shape):
    """What an organisation says of its need. All of it is empty once the need was withdrawn."""

    problem: str | None = None
    who_affected: str | None = None
    how_many: Whole | None = None
    """How many people are affected."""
    how_many_note: str | None = None
    """What the number counts."""
    pathway_today: str | None = None
    outcome: str | None = None
    measure: str | None = None
    baseline: str | None = None
    target: str | None = None
    must: list[str] = []
    """What a solution must do."""
    evidence_wanted: list[EvidenceWanted] = []
    clinical_area: ClinicalArea | None = None
    care_setting: CareSetting | None = None
    shift: Shift | None = None
    """The shift of the 10 Year Health Plan that the need supports."""
    timing: Timing | None = None
    funding_state: FundingState | None = None


class FormerOwner(Shape):
    """An organisation that a need belonged to before organisations changed."""

    organisation: str
    """The id of the organisation."""
    until: Moment


class Signed(Record):
    """Who signed a version off. All of it is empty for versions from before there was sign-off."""

    approved_at: Moment | None = None
    """When a sponsor of the organisation approved it."""
    checked_at: Moment | None = None
    """When a health innovation network checked it: before it was published, or later."""
    checked_by: str | None = None
    """The id of that network."""
    unchecked: Unchecked | None = None
    """Why it was published before any network had checked it: `own` is a network's own need, `no-hin` one of an
    organisation that no network covers here, and `silent` one whose network did not answer in time."""


class NeedHead(Signed):
    """Whose need it is and how it stands."""

    withdrawn_reason: str | None = None
    """Why the need was withdrawn."""
    organisation: str
    """The id of the organisation."""
    organisation_name: str
    published_at: Moment
    """When the need was first published."""
    version: Number | None = None
    """The number of the version that stands now."""
    version_published_at: Moment | None = None
    standing: NeedStanding | None = None
    """`current` has a place in the latest cycle. `to-confirm` had one in the cycle before, and its organisation can
    still confirm it. `lapsed` was not confirmed in time."""
    cycle: str | None = None
    """The id of the cycle in which it last had a place."""
    register_has: Register | None = None
    """Whether any listed technology fits the need well: `fits`, `nothing`, or `not-looked` where the matching has not
    looked yet. Empty for a need that is not on the board. Which ones fit is shown to those concerned alone."""
    formerly: list[FormerOwner] = []
    """The organisations that it belonged to before, the earliest first."""
    title: str


class NeedRecord(NeedText, NeedHead):
    """A need as it stands now. Its id is the reference of its address."""


class VersionHead(Signed):
    """Which version of which need it is."""

    need: str
    """The id of the need."""
    organisation: str
    organisation_name: str
    number: Number
    published_at: Moment | None = None
    change_note: str | None = None
    """What changed since the version before."""
    title: str | None = None


class NeedVersionRecord(NeedText, VersionHead):
    """A version of a need as it was published. It never changes, except that it goes when the need is withdrawn."""


class PriorityRecord(Record):
    """The top three of one organisation in one cycle. A place that is not taken is empty."""

    organisation: str
    organisation_name: str
    cycle: str
    """The id of the cycle."""
    first: str | None
    """The id of the need in first place."""
    second: str | None
    third: str | None


class HeldRecord(Record):
    """Which needs a top three held from a moment on. The board of a past day follows from these and from dates."""

    organisation: str
    """The id of the organisation."""
    cycle: str
    """The id of the cycle."""
    since: Moment
    """From when on, until the next of the same organisation and cycle."""
    first: str | None
    """The id of the need in first place."""
    second: str | None
    third: str | None


class FamilyMember(Shape):
    """A need of a family."""

    need: str
    """The id of the need."""
    organisation: str
    """The id of its organisation."""
    checked: bool
    """Whether a health innovation network has put it there or left it there; otherwise our matching suggests it."""
    standing: bool
    """Whether it is on the board. A need that a network put there stays when it is withdrawn or lapses."""


class Wording(Shape):
    """What one need says."""

    need: str
    """The id of the need."""
    text: str


class JointMust(Shape):
    """Must-haves of several needs that mean the same, as our matching brought them together; it can be wrong."""

    text: str
    """The wording that stands nearest to all of them."""
    needs: list[str]
    """The ids of the needs that ask for it."""
    wordings: list[Wording]


class FamilyRecord(Record):
    """Needs that say the same. Its id is the reference of its address, for ever. Withdrawn: dissolved or merged."""

    name: str | None = None
    """What a health innovation network calls it, or the title of its oldest need."""
    state: FamilyState
    """`suggested` by our matching, `settled` by a health innovation network, `dissolved` by one, or `merged` into
    another family."""
    settled_by: str | None = None
    """The id of the health innovation network that settled it last."""
    settled_by_name: str | None = None
    settled_at: Moment | None = None
    merged_into: str | None = None
    """The id of the family that it went into."""
    needs: list[FamilyMember] = []
    organisations: list[str] = []
    """The ids of the organisations that share it: by a need of their own that stands, or by co-signing one."""
    people: Whole | None = None
    """How many people are affected: the sum of what organisations gave, each for itself. Some are counted twice."""
    people_given_by: Whole = 0
    """How many of the organisations gave a number."""
    must: list[JointMust] = []
    """What solutions must do, together: what most ask for first."""


class ThemePart(Shape):
    """A theme in one region."""

    region: str | None
    """The id of the NHS England region; empty for organisations in none, such as most networks."""
    organisations: Whole
    """How many organisations share it there, by a need of their own or by co-signing one."""
    needs: Whole
    fits: Whole
    """For how many of the needs something on the register fits well."""
    nothing: Whole
    """For how many nothing does. The others were not looked at yet."""


class ThemeRecord(Record):
    """A field of need that families form, named by our matching. Withdrawn: no need is in it at present."""

    name: str
    needs: list[str] = []
    """The ids of its needs on the board."""
    parts: list[ThemePart] = []
    """Who shares it, by region."""


class CoSignatureRecord(Record):
    """An organisation has taken another's need for one of its own top three. Withdrawn: it ended, or its need did."""

    need: str
    """The id of the need."""
    organisation: str
    """The id of the organisation that co-signs it."""
    organisation_name: str
    cycle: str | None = None
    """The id of the cycle."""
    note: str | None = None
    how_many: Whole | None = None
    """How many people are affected there."""
    signed_at: Moment | None = None


class EvidenceRecord(Shape):
    """Evidence that a supplier names. Check it by its number with its issuer."""

    type: EvidenceType
    number: str
    issuer: str
    scope: str
    summary: str
    issued_on: date
    expires_on: date | None
    withdrawn_on: date | None


class TechnologyRecord(Record):
    """A technology in its supplier's words, which we have not checked. Withdrawn means taken off the register."""

    name: str | None = None
    supplier: str | None = None
    """The name of the company."""
    summary: str | None = None
    intended_use: str | None = None
    replaces: str | None = None
    claims: list[str] = []
    settings: list[CareSetting] = []
    clinical_areas: list[ClinicalArea] = []
    readiness: Readiness | None = None
    version: Number | None = None
    version_listed_at: Moment | None = None
    evidence: list[EvidenceRecord] = []


class TechnologyVersionRecord(Record):
    """A version of a technology as it was listed: passports name the one that was assessed."""

    technology: str
    """The id of the technology."""
    number: Number
    listed_at: Moment | None = None
    change_note: str | None = None
    """What changed since the version before."""
    name: str | None = None
    summary: str | None = None
    intended_use: str | None = None
    replaces: str | None = None
    claims: list[str] = []
    settings: list[CareSetting] = []
    clinical_areas: list[ClinicalArea] = []
    readiness: Readiness | None = None


class ReliedOnRecord(Shape):
    """Evidence that a passport relies on."""

    type: EvidenceType
    number: str
    issuer: str
    scope: str
    issued_on: date
    expires_on: date | None
    withdrawn_on: date | None


class PassportRecord(Record):
    """A passport on this service's register, which is not the official one. Its id is its number."""

    standing: Standing
    """How it stands today. Only `valid` and `expiring` may be relied on."""
    reason: str | None
    """Why it was suspended or revoked."""
    technology: str
    """The id of the technology."""
    technology_name: str
    """The name in the version that was assessed."""
    technology_version: Number
    supplier: str
    issuer: str
    """The id of the organisation that issued it."""
    issuer_name: str
    scope: str
    conditions: str | None
    issued_at: Moment
    valid_from: date
    valid_to: date
    """The last day on which it is valid."""
    evidence: list[ReliedOnRecord]


class QuestionRecord(Record):
    """A question about a need with its public answer. Nobody is told who asked. Gone when the need is withdrawn."""

    need: str
    """The id of the need."""
    question: str | None = None
    answer: str | None = None
    answered_at: Moment | None = None
    corrected_at: Moment | None = None
    """When the answer was last corrected."""


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    parameter: str | None = None
    """The part of the address that is meant, where there is one."""


def columns(record: type[Record]) -> tuple[str, ...]:
    """Return the header row of a CSV file: the same fields as in JSON, in the order of the schema."""
    return tuple(record.model_fields)


def plain(records: Sequence[Shape]) -> list[dict[str, Any]]:
    """Return records as JSON has them."""
    return [record.model_dump(mode="json") for record in records]
