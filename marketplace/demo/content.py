"""Read the demo content and check that it holds together.

The YAML beside this module is made up, on real NHS organisations. Dates in it are whole days from today, so that
the demo never ages: negative is past. Nothing here writes to the database; loading goes through the same actions
as the pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated

import yaml
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from marketplace.organisations import reference
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


@cache
def load() -> DemoContent:
    """Read all demo content. Raises `ContentError`, or pydantic's `ValidationError` with the place of a mistake."""
    content = DemoContent(
        needs=needs(),
        suppliers=suppliers(),
        technologies=technologies(),
        passports=passports(),
        introductions=introductions(),
        people=people(),
        need_drafts=need_drafts(),
        need_edits=need_edits(),
        technology_drafts=technology_drafts(),
        co_signatures=co_signatures(),
        searches=searches(),
        withdrawals=withdrawals(),
        questions=questions(),
        settlements=settlements(),
        cycle=cycle(),
        past_cycles=past_cycles(),
        carried=carried(),
    )
    for problem in problems_in(content):
        raise ContentError(problem)
    return content


def needs() -> tuple[DemoNeed, ...]:
    """Read the needs in the order of the file."""
    return TypeAdapter(tuple[DemoNeed, ...]).validate_python(_section("needs.yaml", "needs"))


def suppliers() -> tuple[DemoSupplier, ...]:
    """Read the suppliers in the order of the file."""
    return TypeAdapter(tuple[DemoSupplier, ...]).validate_python(_section("technologies.yaml", "suppliers"))


def technologies() -> tuple[DemoTechnology, ...]:
    """Read the technologies in the order of the file."""
    return TypeAdapter(tuple[DemoTechnology, ...]).validate_python(
        _section("technologies.yaml", "technologies")
    )


def passports() -> tuple[DemoPassport, ...]:
    """Read the passports in the order of the file."""
    return TypeAdapter(tuple[DemoPassport, ...]).validate_python(_section("passports.yaml", "passports"))


def introductions() -> tuple[DemoIntroduction, ...]:
    """Read the introductions in the order of the file."""
    return TypeAdapter(tuple[DemoIntroduction, ...]).validate_python(
        _section("introductions.yaml", "introductions")
    )


def people() -> tuple[DemoPerson, ...]:
    """Read the people in the order of the file."""
    return TypeAdapter(tuple[DemoPerson, ...]).validate_python(_section("people.yaml", "people"))


def need_drafts() -> tuple[DemoNeedDraft, ...]:
    """Read the needs that are being written, in the order of the file."""
    return TypeAdapter(tuple[DemoNeedDraft, ...]).validate_python(_section("needs.yaml", "drafts"))


def need_edits() -> tuple[DemoEdit, ...]:
    """Read the new versions of needs, in the order of the file."""
    return TypeAdapter(tuple[DemoEdit, ...]).validate_python(_section("needs.yaml", "edits"))


def technology_drafts() -> tuple[DemoTechnologyDraft, ...]:
    """Read the technologies that are being written, in the order of the file."""
    return TypeAdapter(tuple[DemoTechnologyDraft, ...]).validate_python(
        _section("technologies.yaml", "drafts")
    )


def searches() -> tuple[DemoSearch, ...]:
    """Read which searches people keep, in the order of the file."""
    return TypeAdapter(tuple[DemoSearch, ...]).validate_python(_section("people.yaml", "searches"))


def co_signatures() -> tuple[DemoCoSignature, ...]:
    """Read which organisations share others' needs, in the order of the file."""
    return TypeAdapter(tuple[DemoCoSignature, ...]).validate_python(_section("needs.yaml", "co_signatures"))


def withdrawals() -> tuple[DemoWithdrawal, ...]:
    """Read which needs were withdrawn, in the order of the file."""
    return TypeAdapter(tuple[DemoWithdrawal, ...]).validate_python(_section("needs.yaml", "withdrawals"))


def questions() -> tuple[DemoQuestion, ...]:
    """Read what innovators have asked, in the order of the file."""
    return TypeAdapter(tuple[DemoQuestion, ...]).validate_python(_section("needs.yaml", "questions"))


def settlements() -> tuple[DemoSettlement, ...]:
    """Read which families brokers settle, in the order of the file."""
    return TypeAdapter(tuple[DemoSettlement, ...]).validate_python(_section("needs.yaml", "settlements"))


def cycle() -> DemoCycle:
    """Read the round in which the needs are published."""
    return TypeAdapter(DemoCycle).validate_python(_section("needs.yaml", "cycle"))


def past_cycles() -> tuple[DemoCycle, ...]:
    """Read the rounds before that one, the oldest first."""
    return TypeAdapter(tuple[DemoCycle, ...]).validate_python(_section("cycles.yaml", "past"))


def carried() -> tuple[DemoCarried, ...]:
    """Read whose needs come from an earlier round."""
    return TypeAdapter(tuple[DemoCarried, ...]).validate_python(_section("cycles.yaml", "carried"))


def passport_state(passport: DemoPassport) -> PassportState:
    """Work out the standing that the dates of a passport give it today."""
    if passport.revoked:
        return PassportState.REVOKED
    if passport.suspended:
        return PassportState.SUSPENDED
    if passport.expires < 0:
        return PassportState.EXPIRED
    if passport.expires <= DAYS_BEFORE_EXPIRY:
        return PassportState.EXPIRING
    return PassportState.VALID


def introduction_state(introduction: DemoIntroduction) -> IntroductionState:
    """Work out from the answers and days where an introduction has got to today."""
    sides = (introduction.need_side, introduction.supplier_side)
    if introduction.withdrawn:
        return IntroductionState.WITHDRAWN
    if any(side and not side.accepted for side in sides):
        return IntroductionState.DECLINED
    if all(sides):
        return IntroductionState.BOTH_ACCEPTED
    if introduction.proposed < -DAYS_TO_ANSWER:
        return IntroductionState.TIMED_OUT
    if introduction.need_side:
        return IntroductionState.NEED_ACCEPTED
    if introduction.supplier_side:
        return IntroductionState.SUPPLIER_ACCEPTED
    return IntroductionState.PROPOSED


def problems_in(content: DemoContent) -> Iterator[str]:
    """Yield every contradiction between entries, in plain English; nothing when all is well."""
    nhs = _nhs_codes()
    suppliers_by_key = {supplier.key for supplier in content.suppliers}
    people_by_key = {person.key: person for person in content.people}
    needs_by_key = {need.key: need for need in content.needs}
    technologies_by_key = {technology.key: technology for technology in content.technologies}

    for search in content.searches:
        if search.person not in {person.key for person in content.people}:
            yield f"Search {search.name}: there is no person {search.person}"
    for signature in content.co_signatures:
        if signature.need not in needs_by_key:
            yield f"Co-signature of {signature.organisation}: there is no need {signature.need}"
    for withdrawal in content.withdrawals:
        if withdrawal.need not in needs_by_key:
            yield f"The need {withdrawal.need}, which is withdrawn, is not there."
    for question in content.questions:
        if question.need not in needs_by_key:
            yield f"A question is about the unknown need {question.need}."
        asker = people_by_key.get(question.person)
        if asker is None or asker.role is not Role.INNOVATOR:
            yield f"A question about {question.need} is asked by {question.person}, who is no innovator."
        if (question.answer is None) is not (question.answered is None):
            yield f"A question about {question.need} has an answer or its day alone."
        if question.answered is not None and question.answered < question.asked:
            yield f"A question about {question.need} is answered before it was asked."
    for settlement in content.settlements:
        broker = people_by_key.get(settlement.broker)
        if broker is None or broker.role is not Role.BROKER:
            yield f"A family is settled by {settlement.broker}, who is no broker."
        for key in settlement.needs:
            if key not in needs_by_key:
                yield f"A family is settled with the unknown need {key}."
    for what, keys in (
        ("need", [need.key for need in content.needs] + [draft.key for draft in content.need_drafts]),
        ("supplier", [supplier.key for supplier in content.suppliers]),
        ("supplier name", [supplier.name for supplier in content.suppliers]),
        (
            "technology",
            [technology.key for technology in content.technologies]
            + [draft.key for draft in content.technology_drafts],
        ),
        (
            "technology name",
            [technology.name for technology in content.technologies]
            + [draft.name for draft in content.technology_drafts],
        ),
        ("introduction", [introduction.key for introduction in content.introductions]),
        ("person", [person.key for person in content.people]),
        ("e-mail address", [person.email for person in content.people]),
        ("pair of organisation and rank", [f"{need.organisation} {need.rank}" for need in content.needs]),
    ):
        yield from (f"The {what} {key} is there twice." for key in _twice(keys))

    for need in content.needs:
        if need.organisation not in nhs:
            yield f"The need {need.key} belongs to {need.organisation}, which is no known organisation."
        if not 60 <= _words(need.problem) <= 200:
            yield f"The problem of {need.key} has {_words(need.problem)} words, and 60 to 200 are wanted."
    for technology in content.technologies:
        if technology.supplier not in suppliers_by_key:
            yield f"The technology {technology.key} has the unknown supplier {technology.supplier}."
        if not 60 <= _words(technology.summary) <= 130:
            yield f"The summary of {technology.key} has {_words(technology.summary)} words, not 60 to 130."
        for kind in _twice([item.type for item in technology.evidence]):
            yield f"The technology {technology.key} has two evidence items of type {kind}."
        for item in technology.evidence:
            if item.expires is not None and item.expires <= item.issued:
                yield f"Evidence {item.type} of {technology.key} expires before it was issued."
    for passport in content.passports:
        yield from _passport_problems(passport, nhs, technologies_by_key, people_by_key)
    for one in content.carried:
        own = {need.key for need in content.needs if need.organisation == one.organisation}
        if one.back > len(content.past_cycles) or len(one.kept) != one.back:
            yield f"The needs of {one.organisation} come from a cycle that is not there."
        for key in (key for keys in one.kept for key in keys if key not in own):
            yield f"{one.organisation} kept the unknown need {key}."
    for introduction in content.introductions:
        yield from _introduction_problems(introduction, needs_by_key, technologies_by_key, people_by_key)
    for person in content.people:
        if person.role is Role.ADMINISTRATOR:
            continue
        known = suppliers_by_key if person.role is Role.INNOVATOR else nhs
        if person.organisation not in known:
            yield f"The person {person.key} belongs to {person.organisation}, which is not known."
    leads = {person.organisation for person in content.people if person.role is Role.NEED_LEAD}
    for need_draft in content.need_drafts:
        if need_draft.organisation not in leads:
            yield f"The draft {need_draft.key} belongs to {need_draft.organisation}, where nobody writes needs."
    sponsors = {person.organisation for person in content.people if person.role is Role.SPONSOR}
    for organisation in sorted({need.organisation for need in content.needs} - sponsors):
        yield f"Nobody at {organisation} can approve its needs."
    for need in content.needs:
        if need.owner is not None and (
            need.owner not in people_by_key or people_by_key[need.owner].organisation != need.organisation
        ):
            yield f"The need {need.key} is led by {need.owner}, who does not belong to {need.organisation}."
    for edit in content.need_edits:
        if edit.need not in needs_by_key:
            yield f"There is a new version of the unknown need {edit.need}."
        days = [edit.submitted, *(day for day in (edit.approved, edit.checked) if day is not None)]
        if days != sorted(days):
            yield f"The new version of {edit.need} is signed off in the wrong order."
    for draft in content.technology_drafts:
        if draft.supplier not in suppliers_by_key:
            yield f"The draft {draft.key} has the unknown supplier {draft.supplier}."


def _passport_problems(
    passport: DemoPassport,
    nhs: frozenset[str],
    technologies_by_key: dict[str, DemoTechnology],
    people_by_key: dict[str, DemoPerson],
) -> Iterator[str]:
    name = f"The passport of {passport.technology}"
    if passport.issuer not in nhs:
        yield f"{name} is issued by {passport.issuer}, which is no known organisation."
    technology = technologies_by_key.get(passport.technology)
    if technology is None:
        yield f"{name} is for an unknown technology."
    else:
        held = {item.type for item in technology.evidence}
        for missing in sorted(set(passport.evidence) - held):
            yield f"{name} relies on {missing}, which the technology does not hold."
        for item in technology.evidence:
            if item.type in passport.evidence and item.issued > passport.issued:
                yield f"{name} relies on {item.type}, which is younger than the passport."
    assessor = people_by_key.get(passport.assessor)
    if assessor is None or assessor.role is not Role.ASSESSOR or assessor.organisation != passport.issuer:
        yield f"{name} is signed by {passport.assessor}, who is no assessor of {passport.issuer}."
    if passport.expires <= passport.issued:
        yield f"{name} expires before it was issued."
    if passport_state(passport) is not passport.state:
        yield f"{name} says {passport.state} and its dates say {passport_state(passport)}."


def _introduction_problems(
    introduction: DemoIntroduction,
    needs_by_key: dict[str, DemoNeed],
    technologies_by_key: dict[str, DemoTechnology],
    people_by_key: dict[str, DemoPerson],
) -> Iterator[str]:
    name = f"The introduction {introduction.key}"
    need = needs_by_key.get(introduction.need)
    technology = technologies_by_key.get(introduction.technology)
    broker = people_by_key.get(introduction.broker)
    if need is None:
        yield f"{name} is about the unknown need {introduction.need}."
    if technology is None:
        yield f"{name} is about the unknown technology {introduction.technology}."
    if broker is None or broker.role is not Role.BROKER:
        yield f"{name} is proposed by {introduction.broker}, who is no broker."
    elif need and need.organisation not in _patch_of(broker.organisation):
        yield f"{name} is for a need outside the patch of {introduction.broker}."
    owners = (need and need.organisation, technology and technology.supplier)
    for side, owner in zip((introduction.need_side, introduction.supplier_side), owners, strict=True):
        if side is None:
            continue
        person = people_by_key.get(side.by)
        if person is None or person.organisation != owner:
            yield f"{name} is answered by {side.by}, who does not belong to {owner}."
        if side.day < introduction.proposed:
            yield f"{name} is answered before it was proposed."
    if introduction_state(introduction) is not introduction.state:
        yield f"{name} says {introduction.state} and its answers say {introduction_state(introduction)}."


@cache
def _nhs_codes() -> frozenset[str]:
    return frozenset(
        [
            *(icb.ods_code for icb in reference.icbs()),
            *(trust.ods_code for trust in reference.trusts()),
            *(hin.slug for hin in reference.hins()),
        ]
    )


@cache
def _patch_of(hin: str | None) -> frozenset[str]:
    boards = {patch.icb_code for patch in reference.demo_hin_patches() if patch.hin_slug == hin}
    trusts = {trust.ods_code for trust in reference.trusts() if trust.icb_code in boards}
    return frozenset(boards | trusts | ({hin} if hin else set()))


def _section(file_name: str, name: str) -> object:
    text = resources.files(__name__.rpartition(".")[0]).joinpath(file_name).read_text(encoding="utf-8")
    return yaml.safe_load(text)[name]


def _twice(keys: Iterable[str]) -> list[str]:
    return [key for key, count in Counter(keys).items() if count > 1]


def _words(text: str) -> int:
    return len(text.split())
