"""What demo content is made of: needs, suppliers, people and what they do, as the YAML beside this module tells it.

Dates are whole days from today, so that the demo never ages: negative is past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from marketplace.vocabulary import (
    CareSetting,
    ClinicalArea,
    EvidenceType,
    FundingState,
    Readiness,
    Shift,
    Timing,
)

_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True, str_min_length=1)

Key = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Short = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=1500)]
#: Answers that a draft may lack.
MaybeShort = Annotated[str, Field(min_length=0, max_length=200)]
MaybeText = Annotated[str, Field(min_length=0, max_length=1500)]
DemoEmail = Annotated[str, Field(pattern=r"^[a-z0-9.-]+@[a-z0-9-]+\.example$")]
PastDay = Annotated[int, Field(le=0)]

# Ten working days to answer: an introduction that is older and unanswered has timed out.
DAYS_TO_ANSWER = 14
DAYS_BEFORE_EXPIRY = 90


class ContentError(ValueError):
    """Demo content that contradicts itself; the message names the entry."""


class Role(StrEnum):
    """What a demo person may do, by membership of an organisation."""

    NEED_LEAD = "need-lead"
    INNOVATOR = "innovator"
    ASSESSOR = "assessor"
    BROKER = "broker"
    ADMINISTRATOR = "administrator"
    SPONSOR = "sponsor"


class PassportState(StrEnum):
    """The standing that a passport has today."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class IntroductionState(StrEnum):
    """Where an introduction has got to today."""

    PROPOSED = "proposed"
    NEED_ACCEPTED = "need-accepted"
    SUPPLIER_ACCEPTED = "supplier-accepted"
    BOTH_ACCEPTED = "both-accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, config=_STRICT)
class EvidenceWanted:
    """A kind of evidence that a need asks for."""

    type: EvidenceType
    detail: Short


@dataclass(frozen=True, config=_STRICT)
class DemoNeed:
    """A need of an NHS organisation; `organisation` is an ODS code or a HIN slug, `rank` is 1 to 3.

    `owner` is the need lead who wrote it, where that is not the organisation's first.
    """

    key: Key
    organisation: str
    rank: Annotated[int, Field(ge=1, le=3)]
    title: Annotated[str, Field(max_length=100)]
    problem: Text
    who_affected: Short
    how_many: Annotated[int, Field(gt=0)]
    how_many_note: Short
    pathway_today: Text
    outcome: Text
    measure: Short
    baseline: Short
    target: Short
    must: Annotated[tuple[Short, ...], Field(min_length=2, max_length=8)]
    evidence_wanted: Annotated[tuple[EvidenceWanted, ...], Field(min_length=1)]
    clinical_area: ClinicalArea
    care_setting: CareSetting
    shift: Shift
    timing: Timing
    funding_state: FundingState
    owner: Key | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoReturn:
    """A new version that was returned on a day (days from today), with comments by the field that they are about."""

    day: PastDay
    comments: Mapping[str, Text]
    note: MaybeText = ""


@dataclass(frozen=True, config=_STRICT)
class DemoEdit:
    """A new version of a published need, with what became of it; days are from today.

    Without `approved` it waits for the sponsor; without `checked`, for the HIN.
    """

    need: Key
    note: Short
    changes: Mapping[str, Text]
    submitted: PastDay
    approved: PastDay | None = None
    checked: PastDay | None = None
    returned: DemoReturn | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoNeedDraft:
    """A need that is still being written, since the day `begun`; questions without an answer are left out."""

    key: Key
    organisation: str
    begun: PastDay
    title: Annotated[str, Field(max_length=100)]
    problem: MaybeText = ""
    who_affected: MaybeShort = ""
    how_many: Annotated[int, Field(gt=0)] | None = None
    how_many_note: MaybeShort = ""
    pathway_today: MaybeText = ""
    outcome: MaybeText = ""
    measure: MaybeShort = ""
    baseline: MaybeShort = ""
    target: MaybeShort = ""
    must: tuple[Short, ...] = ()
    evidence_wanted: tuple[EvidenceWanted, ...] = ()
    clinical_area: ClinicalArea | None = None
    care_setting: CareSetting | None = None
    shift: Shift | None = None
    timing: Timing | None = None
    funding_state: FundingState | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoCycle:
    """A round in which needs are published; all are days from today."""

    opened: PastDay
    reminds: int
    locks: int
    closes: int


@dataclass(frozen=True, config=_STRICT)
class DemoCarried:
    """An organisation whose needs come from an earlier cycle: published `back` cycles before the current one.

    `kept` holds, for each cycle since, the keys of those of which it said that they are still true.
    """

    organisation: str
    back: Annotated[int, Field(gt=0)]
    kept: tuple[tuple[Key, ...], ...]


@dataclass(frozen=True, config=_STRICT)
class DemoCoSignature:
    """An organisation co-signs another's need: on which day from today, and what it says of itself."""

    organisation: str
    need: Key
    day: PastDay
    how_many: Annotated[int, Field(gt=0)]
    note: Annotated[str, Field(max_length=600)]


@dataclass(frozen=True, config=_STRICT)
class DemoWithdrawal:
    """An organisation withdraws a need on a day (days from today), with the reason that everybody reads."""

    need: Key
    day: PastDay
    reason: Annotated[str, Field(max_length=500)]


@dataclass(frozen=True, config=_STRICT)
class DemoQuestion:
    """An innovator asks about a need; without `answer` it waits. Days are from today."""

    need: Key
    person: Key
    asked: PastDay
    text: Annotated[str, Field(max_length=600)]
    answered: PastDay | None = None
    answer: Annotated[str, Field(max_length=2000)] | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoSettlement:
    """A broker settles the family that these needs are in, once the matcher has suggested it."""

    broker: Key
    needs: Annotated[tuple[Key, ...], Field(min_length=2)]


@dataclass(frozen=True, config=_STRICT)
class Contact:
    """A person at a supplier. Fictional."""

    name: Short
    email: DemoEmail


@dataclass(frozen=True, config=_STRICT)
class DemoSupplier:
    """A company that offers technologies. Fictional."""

    key: Key
    name: Short
    about: Text
    contact: Contact


@dataclass(frozen=True, config=_STRICT)
class DemoEvidence:
    """An evidence item; `issued` and `expires` are days from today."""

    type: EvidenceType
    number: Short | None
    issuer: Short
    scope: Short
    issued: PastDay
    expires: int | None
    summary: Text


@dataclass(frozen=True, config=_STRICT)
class DemoTechnology:
    """A technology of a supplier. Fictional. It holds at most one evidence item of each type."""

    key: Key
    supplier: Key
    name: Annotated[str, Field(max_length=100)]
    summary: Text
    intended_use: Text
    settings: Annotated[tuple[CareSetting, ...], Field(min_length=1)]
    clinical_areas: Annotated[tuple[ClinicalArea, ...], Field(min_length=1)]
    replaces: Text
    claims: Annotated[tuple[Text, ...], Field(min_length=1, max_length=5)]
    readiness: Readiness
    evidence: tuple[DemoEvidence, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class DemoTechnologyDraft:
    """A technology that is still being written, since the day `begun`; unanswered questions are left out."""

    key: Key
    supplier: Key
    begun: PastDay
    name: Annotated[str, Field(max_length=100)]
    summary: MaybeText = ""
    intended_use: MaybeText = ""
    settings: tuple[CareSetting, ...] = ()
    clinical_areas: tuple[ClinicalArea, ...] = ()
    replaces: MaybeText = ""
    claims: Annotated[tuple[Text, ...], Field(max_length=5)] = ()
    readiness: Readiness | None = None


@dataclass(frozen=True, config=_STRICT)
class DatedReason:
    """Something that was done on a day (days from today) for a reason."""

    day: PastDay
    reason: Text


@dataclass(frozen=True, config=_STRICT)
class DemoPassport:
    """A passport for a technology; `evidence` names the types of the technology's items that it relies on."""

    technology: Key
    issuer: str
    assessor: Key
    scope: Text
    conditions: tuple[Text, ...]
    issued: PastDay
    expires: int
    evidence: Annotated[tuple[EvidenceType, ...], Field(min_length=1)]
    state: PassportState
    suspended: DatedReason | None = None
    revoked: DatedReason | None = None


@dataclass(frozen=True, config=_STRICT)
class Answer:
    """What one side said, by whom (a person's key) and on which day (days from today)."""

    by: Key
    day: PastDay
    accepted: bool
    reason: Text | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoIntroduction:
    """An introduction that a broker proposed `proposed` days from today."""

    key: Key
    need: Key
    technology: Key
    broker: Key
    note: Text
    proposed: PastDay
    state: IntroductionState
    need_side: Answer | None = None
    supplier_side: Answer | None = None
    withdrawn: DatedReason | None = None


@dataclass(frozen=True, config=_STRICT)
class DemoSearch:
    """A search that a person saves: on which day from today, and the part of its address after the question mark."""

    person: Key
    name: Short
    query: str
    frequency: Annotated[str, Field(pattern="^(daily|weekly|none)$")]
    day: PastDay


@dataclass(frozen=True, config=_STRICT)
class DemoPerson:
    """Someone with an account. Fictional.

    `organisation` is an ODS code, a HIN slug or a supplier's key; None for the administrator. One person of each
    kind is `shown` on the sign-in page of the demo. `left` is the day on which somebody left the organisation.
    """

    key: Key
    name: Short
    email: DemoEmail
    job_title: Short
    role: Role
    organisation: str | None = None
    shown: bool = False
    left: PastDay | None = None


@dataclass(frozen=True)
class DemoContent:
    """All of the demo, checked."""

    needs: tuple[DemoNeed, ...]
    suppliers: tuple[DemoSupplier, ...]
    technologies: tuple[DemoTechnology, ...]
    passports: tuple[DemoPassport, ...] = field(default=())
    introductions: tuple[DemoIntroduction, ...] = field(default=())
    people: tuple[DemoPerson, ...] = field(default=())
    need_drafts: tuple[DemoNeedDraft, ...] = field(default=())
    technology_drafts: tuple[DemoTechnologyDraft, ...] = field(default=())
    co_signatures: tuple[DemoCoSignature, ...] = field(default=())
    searches: tuple[DemoSearch, ...] = field(default=())
    need_edits: tuple[DemoEdit, ...] = field(default=())
    withdrawals: tuple[DemoWithdrawal, ...] = field(default=())
    questions: tuple[DemoQuestion, ...] = field(default=())
    settlements: tuple[DemoSettlement, ...] = field(default=())
    cycle: DemoCycle | None = None
    past_cycles: tuple[DemoCycle, ...] = field(default=())
    carried: tuple[DemoCarried, ...] = field(default=())
