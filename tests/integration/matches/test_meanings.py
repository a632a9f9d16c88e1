from __future__ import annotations

import pytest

from marketplace.matches.finder import meanings


@pytest.mark.parametrize(
    ("letters", "meaning"),
    [
        ("DTOCs", "delayed transfer of care"),
        ("CNS", "clinical nurse specialist"),
        ("MDM", None),
        ("QXZ", None),
    ],
)
def test_an_abbreviation_is_given_the_wording_that_has_its_letters(letters: str, meaning: str | None) -> None:
    assert meanings(letters, f"Fewer {letters} on the ward") == (() if meaning is None else (meaning,))


def test_the_words_around_it_settle_which_of_two_meanings_comes_alone() -> None:
    assert (
        meanings("PE", "A scan for PE in people with chest pain and a raised d-dimer")[0]
        == "pulmonary embolism"
    )
