"""Check that the demo content holds together: every key known, every code real, every date in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from marketplace.demo.shapes import (
    DAYS_BEFORE_EXPIRY,
    DAYS_TO_ANSWER,
    DemoContent,
    DemoIntroduction,
    DemoNeed,
    DemoPassport,
    DemoPerson,
    DemoTechnology,
    IntroductionState,
    PassportState,
    Role,
)
from marketplace.organisations import reference


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


def _twice(keys: Iterable[str]) -> list[str]:
    return [key for key, count in Counter(keys).items() if count > 1]


def _words(text: str) -> int:
    return len(text.split())
