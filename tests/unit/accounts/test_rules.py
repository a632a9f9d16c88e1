"""Decisions about addresses, telephone numbers and passwords."""

from __future__ import annotations

import pytest

from marketplace.accounts import rules
from marketplace.errors import DomainError


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada+nhs@example.co.uk", "ada+nhs@example.co.uk"),
        ("ａda@example.com", "ada@example.com"),
    ],
)
def test_an_address_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert rules.checked_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a da@example.com",
        "ada@exam ple.com",
        "a\n@example.com",
        "аda@example.com",
        "ada@example.com,b@example.com",
        "ada@[127.0.0.1]",
        f"{'a' * 250}@example.com",
    ],
)
def test_what_is_no_address_is_told_at_its_field(typed: str) -> None:
    with pytest.raises(DomainError) as caught:
        rules.checked_email(typed)
    assert caught.value.field == "email"


@pytest.mark.parametrize(
    "number", ["", "01632 960001", "+44 1632 960 001", "(01632) 960-001", "01632 960001 ext 12"]
)
def test_telephone_numbers_are_taken_as_people_write_them(number: str) -> None:
    rules.check_telephone(number)


@pytest.mark.parametrize("number", ["123", "call me", "01632 96000l", "------", "+44 (0)1632 960001 " * 3])
def test_what_is_no_telephone_number_is_told(number: str) -> None:
    with pytest.raises(DomainError, match="Enter a telephone number"):
        rules.check_telephone(number)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("elevenchars", "12 characters or more"),
        ("x" * 129, "128 characters or fewer"),
        ("Password12345", "harder to guess"),
        ("aaaabbbbaaaa", "harder to guess"),
        ("AdaLovelace99", "name or e-mail"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        rules.check_password(password, email="adalovelace@example.com", name="Ada")


def test_three_random_words_are_a_good_password() -> None:
    rules.check_password("paper lantern orchard", email="ada@example.com", name="Ada Lovelace")
