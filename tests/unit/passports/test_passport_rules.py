from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.errors import DomainError
from marketplace.passports import rules
from marketplace.passports.rules import PassportContent, Standing, standing_of

TODAY = date(2026, 11, 22)
MOMENT = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
BEGIN, END = date(2026, 1, 1), date(2027, 12, 31)

CONTENT = PassportContent(
    scope="Adults on virtual wards", valid_from=TODAY, valid_to=date(2028, 11, 21), evidence=("abc",)
)


def standing(on: date, *, suspended: bool = False, revoked: bool = False) -> Standing:
    return standing_of(
        BEGIN,
        END,
        suspended_at=MOMENT if suspended else None,
        revoked_at=MOMENT if revoked else None,
        on=on,
    )


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (BEGIN - timedelta(days=1), Standing.NOT_YET_VALID),
        (BEGIN, Standing.VALID),
        (END - timedelta(days=91), Standing.VALID),
        (END - timedelta(days=90), Standing.EXPIRING),
        (END, Standing.EXPIRING),
        (END + timedelta(days=1), Standing.EXPIRED),
    ],
)
def test_a_passport_is_valid_from_its_first_to_its_last_day(on: date, expected: Standing) -> None:
    assert standing(on) is expected


def test_a_suspended_passport_expires_and_a_revoked_one_stays_revoked() -> None:
    assert standing(BEGIN, suspended=True) is Standing.SUSPENDED
    assert standing(END, suspended=True) is Standing.SUSPENDED
    assert standing(END + timedelta(days=1), suspended=True) is Standing.EXPIRED
    assert standing(END, suspended=True, revoked=True) is Standing.REVOKED
    assert standing(END + timedelta(days=1), revoked=True) is Standing.REVOKED


def test_only_valid_and_expiring_passports_may_be_relied_on() -> None:
    assert [one for one in Standing if one.in_force] == [Standing.VALID, Standing.EXPIRING]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": ""}, "scope"),
        ({"scope": "x" * 1001}, "scope"),
        ({"conditions": "x" * 2001}, "conditions"),
        ({"evidence": ()}, "evidence"),
        ({"valid_from": TODAY - timedelta(days=367)}, "valid_from"),
        ({"valid_from": TODAY + timedelta(days=367)}, "valid_from"),
        ({"valid_to": TODAY}, "valid_to"),
        ({"valid_from": TODAY - timedelta(days=9), "valid_to": TODAY - timedelta(days=1)}, "valid_to"),
        ({"valid_to": date(2031, 11, 23)}, "valid_to"),
    ],
)
def test_a_passport_that_makes_no_sense_is_refused_beside_its_field(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        rules.check_passport(replace(CONTENT, **change), today=TODAY)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_passport_may_run_for_five_years_to_the_day() -> None:
    rules.check_passport(replace(CONTENT, valid_to=date(2031, 11, 22)), today=TODAY)


def test_numbers_are_random_and_hold_no_characters_that_are_mistaken_for_others() -> None:
    numbers = {rules.new_number(2026) for _ in range(500)}
    assert len(numbers) == 500
    assert all(number.startswith("DS-2026-") and len(number) == 14 for number in numbers)
    assert set("".join(number[8:] for number in numbers)) & set("01ILO") == set()


@pytest.mark.parametrize(
    ("typed", "tidy"),
    [
        ("DS-2026-7K3M2Q", "DS-2026-7K3M2Q"),
        (" ds 2026 7k3m2q ", "DS-2026-7K3M2Q"),
        ("20267K3M2Q", "DS-2026-7K3M2Q"),
        ("DS-2026-7K3M2", ""),
        ("DS-2026-7K3M20", ""),
        ("Hearthview", ""),
        ("", ""),
    ],
)
def test_a_number_is_recognised_as_people_type_it(typed: str, tidy: str) -> None:
    assert rules.tidy_number(typed) == tidy


@pytest.mark.parametrize("reason", ["", "x" * 501])
def test_a_reason_is_needed_and_limited(reason: str) -> None:
    with pytest.raises(DomainError) as caught:
        rules.check_reason(reason)
    assert caught.value.field == "reason"
