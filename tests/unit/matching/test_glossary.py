"""NHS language: abbreviations, their readings in context, and the many ways of saying a thing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from matching.glossary import concepts, load, read
from matching.text import words

BOOK = load()
SETS = Path(__file__).parents[2] / "evaluation"


def concepts_of(text: str) -> set[str]:
    return set(concepts(BOOK, words(text)))


def test_it_is_large_enough_to_be_called_a_glossary() -> None:
    assert len(BOOK.entries) >= 700
    assert sum(len(entry.forms) for entry in BOOK.entries) >= 1000


@pytest.mark.parametrize(
    ("text", "meant", "not_meant"),
    [
        ("DNA rates in clinic", "§did not attend", "§deoxyribonucleic acid"),
        ("DNA sequencing of the gene panel", "§deoxyribonucleic acid", "§did not attend"),
        ("PE after a positive D-dimer", "§pulmonary embolism", "§patient experience"),
        ("PR waits for people with COPD", "§pulmonary rehabilitation", "§per rectum"),
        ("MS relapse clinic in neurology", "§multiple sclerosis", "§mitral stenosis"),
        ("PD on the renal ward", "§home dialysis", "§parkinson's disease"),
        ("HAP after stroke", "§hospital acquired pneumonia", "§health action plan"),
        ("HAP for people with a learning disability", "§health action plan", "§hospital acquired pneumonia"),
        ("IPFs on the wards", "§inpatient falls", "§interstitial lung disease"),
        ("AF case finding", "§atrial fibrillation", "§deoxyribonucleic acid"),
    ],
)
def test_a_form_with_two_meanings_is_read_by_its_context(text: str, meant: str, not_meant: str) -> None:
    found = concepts_of(text)
    assert meant in found
    assert not_meant not in found


def test_without_context_every_reading_counts_a_share() -> None:
    found = concepts(BOOK, words("DNA"))
    assert (found["§did not attend"], found["§deoxyribonucleic acid"]) == (0.5, 0.5)


def test_an_abbreviation_that_is_a_word_must_be_in_capitals() -> None:
    assert "§faecal immunochemical test" not in concepts_of("wheels that fit the chair")
    assert "§faecal immunochemical test" in concepts_of("FIT before colonoscopy")
    assert "§patient initiated follow-up" in concepts_of("pifu at scale")


def test_what_innovators_say_meets_what_the_nhs_says() -> None:
    assert "§take-home medicines" in concepts_of("TTOs are late") & concepts_of("tracks going-home medicines")
    assert "§oral health" not in concepts_of("TTOs are late")


def test_british_and_american_spelling_are_one() -> None:
    from matching.text import stems

    assert stems("anaesthetic haemoglobin paediatric oedema centre tumour programme organise fibre") == stems(
        "anesthetic hemoglobin pediatric edema center tumor program organize fiber"
    )


def test_brand_and_generic_name_are_one_concept() -> None:
    assert concepts_of("Mounjaro") & concepts_of("tirzepatide")


def test_an_abbreviation_is_spelled_out_once_for_the_encoder() -> None:
    assert BOOK.spell_out("TTO late, TTO lost") == "TTO (take-home medicines) late, TTO lost"


def test_a_row_without_meaning_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        read("section,forms,meaning,related,context\nx,ABC,,,\n")


def test_every_concept_is_named_once_or_by_forms_of_the_same_meaning() -> None:
    for entry in BOOK.entries:
        assert entry.concept.startswith("§")
        assert all(start == start.lower() for start in entry.context)


def test_abbreviations_of_the_development_needs_are_known() -> None:
    """Nine in ten of what looks like an abbreviation in real-sounding needs must be in the table."""
    unknown, total = set(), 0
    for line in (SETS / "dev" / "needs.jsonl").read_text(encoding="utf-8").splitlines():
        need = json.loads(line)
        text = " ".join([need["title"], need["statement"], *need["requirements"]])
        for short in set(re.findall(r"\b[A-Z][A-Za-z]*[A-Z][A-Za-z0-9]*\b", text)):
            total += 1
            if not BOOK.knows(short):
                unknown.add(short)
    assert total > 100
    assert len(unknown) <= total / 10, sorted(unknown)
