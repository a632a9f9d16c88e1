"""Abbreviations of the demo's needs and technologies are in the glossary, or it is said why not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import yaml

from matching.glossary import load
from matching.text import words

NOT_PROSE = {
    "key", "organisation", "supplier", "type", "settings", "clinical_area", "clinical_areas", "care_setting",
    "shift", "timing", "funding_state", "companies_house", "website", "number",
}  # fmt: skip
"""Cells that hold codes and keys, which nobody reads."""

ALLOWED = {
    "AA": "level of the accessibility guidelines, always beside WCAG",
    "HQ": "end of MSK-HQ, a questionnaire that is known as a whole",
    "IIa": "class of a medical device",
    "NHS": "stands in almost every text, so it tells nothing",
    "PDF": "kind of file",
    "PIN": "number that is typed to sign in",
    "R4": "release of FHIR, always beside it",
    "TakeHome": "product of the demo",
    "UK": "country",
    "VI": "type of skin",
}


def written(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for name, inner in found.items():
            if name not in NOT_PROSE:
                yield from written(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from written(inner)


def abbreviations() -> set[str]:
    """Return each word of the demo with a capital among two or more capitals and digits."""
    found = set()
    for name in ("needs.yaml", "technologies.yaml"):
        text = resources.files("marketplace.demo").joinpath(name).read_text(encoding="utf-8")
        for cell in written(yaml.safe_load(text)):
            found |= {word.text for word in words(cell) if looks_short(word.text)}
    return found


def looks_short(word: str) -> bool:
    capitals = sum(letter.isupper() for letter in word)
    return capitals > 0 and capitals + sum(letter.isdigit() for letter in word) >= 2


def test_every_abbreviation_of_the_demo_is_known_or_allowed() -> None:
    book = load()
    assert {
        one for one in abbreviations() if not book.knows(one) and one.removesuffix("s") not in ALLOWED
    } == set()


def test_what_is_allowed_is_still_there_and_still_unknown() -> None:
    book, found = load(), abbreviations()
    assert {one for one in ALLOWED if one not in found or book.knows(one)} == set()
