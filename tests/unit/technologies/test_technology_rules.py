from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.errors import DomainError
from marketplace.technologies import rules
from marketplace.technologies.rules import EvidenceState, TechnologyContent, evidence_state
from marketplace.vocabulary import EvidenceType
from tests.factories.technologies import evidence_content, technology_content

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("days_left", "state"),
    [
        (-1, EvidenceState.EXPIRED),
        (0, EvidenceState.EXPIRING),
        (90, EvidenceState.EXPIRING),
        (91, EvidenceState.CURRENT),
    ],
)
def test_evidence_holds_on_its_last_day_and_is_expiring_in_its_last_ninety(
    days_left: int, state: EvidenceState
) -> None:
    assert evidence_state(TODAY + timedelta(days=days_left), None, on=TODAY) is state


def test_evidence_without_an_expiry_date_stays_current() -> None:
    assert evidence_state(None, None, on=TODAY) is EvidenceState.CURRENT


def test_withdrawn_evidence_is_withdrawn_whatever_its_dates_say() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert evidence_state(TODAY + timedelta(days=500), moment, on=TODAY) is EvidenceState.WITHDRAWN
    assert not EvidenceState.WITHDRAWN.holds


def refusal(**changes: object) -> tuple[str, str]:
    with pytest.raises(DomainError) as caught:
        rules.check_evidence(evidence_content(issued_on=date(2026, 3, 1), **changes), today=TODAY)
    return caught.value.field, caught.value.message


def test_evidence_cannot_expire_before_it_was_issued() -> None:
    assert refusal(expires_on=date(2026, 2, 28)) == (
        "expires_on",
        "Expiry date must be the same as or after the date of issue",
    )


def test_evidence_may_expire_on_the_day_of_its_issue() -> None:
    rules.check_evidence(
        evidence_content(issued_on=date(2026, 3, 1), expires_on=date(2026, 3, 1)), today=TODAY
    )


def test_evidence_cannot_be_issued_tomorrow_but_today() -> None:
    rules.check_evidence(evidence_content(issued_on=TODAY, expires_on=None), today=TODAY)
    with pytest.raises(DomainError, match="Date of issue must be today or in the past"):
        rules.check_evidence(evidence_content(issued_on=TODAY + timedelta(days=1)), today=TODAY)


def test_an_expiry_date_a_lifetime_away_is_taken_for_a_slip() -> None:
    rules.check_evidence(
        evidence_content(issued_on=date(2026, 3, 1), expires_on=date(2051, 3, 1)), today=TODAY
    )
    assert refusal(expires_on=date(2051, 3, 2))[0] == "expires_on"


def test_a_certificate_needs_its_number_and_a_study_does_not() -> None:
    assert refusal(number="")[0] == "number"
    rules.check_evidence(
        evidence_content(type=EvidenceType.CLINICAL_STUDY, number="", issued_on=date(2026, 3, 1)), today=TODAY
    )


def test_a_term_that_begins_on_29_february_ends_on_the_28th() -> None:
    assert rules.years_after(date(2024, 2, 29), 5) == date(2029, 2, 28)
    assert rules.years_after(date(2024, 2, 29), 4) == date(2028, 2, 29)


def test_an_unfinished_listing_is_refused_with_what_is_missing_in_order() -> None:
    with pytest.raises(rules.Incomplete) as caught:
        rules.check_listing(TechnologyContent(name="Hearthview", settings=()), None, "")
    assert caught.value.missing == (
        "summary",
        "intended_use",
        "replaces",
        "claims",
        "settings",
        "clinical_areas",
        "readiness",
    )


def test_a_new_version_needs_a_change_and_a_note_about_it() -> None:
    current = technology_content()
    with pytest.raises(DomainError, match="You have not changed any answer"):
        rules.check_listing(current, current, "Nothing")
    changed = technology_content(name="Hearthview 2")
    with pytest.raises(DomainError, match="what has changed") as caught:
        rules.check_listing(changed, current, "")
    assert caught.value.field == "change_note"
    rules.check_listing(changed, current, "A new name")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"summary": "x" * 1501}, "summary"),
        ({"claims": tuple(f"Claim {number}" for number in range(9))}, "claims"),
        ({"claims": ("x" * 301,)}, "claims"),
        ({"claims": ("The same", "The same")}, "claims"),
    ],
)
def test_answers_have_limits(changes: rules.TechnologyChanges, field: str) -> None:
    with pytest.raises(DomainError) as caught:
        rules.with_changes(TechnologyContent(), changes)
    assert caught.value.field == field


def test_answers_at_their_limits_are_taken() -> None:
    claims = tuple(f"{number}{'x' * 299}" for number in range(8))
    changed = rules.with_changes(TechnologyContent(), {"name": "x" * 100, "claims": claims})
    assert (changed.name, changed.claims) == ("x" * 100, claims)


def test_references_hold_no_characters_that_are_mistaken_for_others() -> None:
    letters = set("".join(rules.new_ref() for _ in range(500)))
    assert letters & set("01ilo") == set()
    assert {len(rules.new_ref()) for _ in range(20)} == {8}
