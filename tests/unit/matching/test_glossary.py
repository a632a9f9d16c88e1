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


def read_as(text: str, form: str) -> list[str]:
    """Return how one abbreviation is read in a text."""
    found = words(text)
    return [
        mention.entry.concept
        for mention in BOOK.mentions(found)
        if mention.short and found[mention.first].text == form
    ]


def test_it_is_large_enough_to_be_called_a_glossary() -> None:
    assert len(BOOK.entries) >= 1400
    assert sum(len(entry.forms) for entry in BOOK.entries) >= 5000


TWO_READINGS = [
    # form, a text, its reading there, another text, its reading there
    ("DNA", "DNA rates in clinic", "did not attend", "DNA sequencing of genes", "deoxyribonucleic acid"),
    ("AF", "AF found by a pulse check", "atrial fibrillation", "AF veterans", "armed forces community"),
    ("PE", "PE after a positive D-dimer", "pulmonary embolism", "PE survey, FFT", "patient experience"),
    ("MS", "MS relapse clinic", "multiple sclerosis", "MS on echo, a valve", "mitral stenosis"),
    ("PR", "PR waits in COPD", "pulmonary rehabilitation", "PR suppository", "per rectum"),
    ("CT", "CT of the chest", "computed tomography", "CT on the rota", "core trainee"),
    ("ED", "ED crowding", "emergency department", "ED with bulimia", "eating disorder"),
    (
        "OT",
        "OT home visit",
        "occupational therapist",
        "OT network malware",
        "operational technology security",
    ),
    ("PD", "PD on the renal ward", "home dialysis", "PD with tremor", "parkinson's disease"),
    (
        "RA",
        "RA flare of the joints",
        "inflammatory arthritis",
        "RA flag for autism",
        "reasonable adjustments",
    ),
    ("LD", "LD easy read", "learning disability", "LD of vancomycin", "loading dose"),
    (
        "SCR",
        "SCR viewed by crews",
        "shared care record",
        "SCR on child neglect",
        "child safeguarding practice review",
    ),
    (
        "PID",
        "PID after chlamydia",
        "pelvic inflammatory disease",
        "PID in the data",
        "patient identifiable data",
    ),
    ("CP", "CP and spastic posture", "cerebral palsy", "CP alerts safeguarding", "child protection"),
    ("ECT", "ECT in depression", "brain stimulation therapy", "ECT on dabigatran", "ecarin clotting time"),
    ("BM", "BM before lunch", "capillary blood glucose", "BM for neonates, milk", "breast milk"),
    ("BM", "BM before lunch", "capillary blood glucose", "BM in leukaemia", "bone marrow"),
    ("AD", "AD with itch", "eczema", "AD and memory", "alzheimer's disease"),
    ("PT", "PT gait exercises", "physiotherapist", "PT on warfarin", "prothrombin time"),
    ("DN", "DN visits", "district nurse", "DN and egfr", "diabetic kidney disease"),
    ("HV", "HV checks of toddlers", "health visitor", "HV substation", "electrical supply and resilience"),
    ("MH", "MH wards", "mental health", "MH under anaesthetic", "malignant hyperthermia"),
    ("MAU", "MAU take", "acute assessment unit", "MAU for pregnant women", "maternity assessment unit"),
    ("PICU", "PICU seclusion", "psychiatric intensive care", "PICU for infants", "paediatric intensive care"),
    (
        "CAT",
        "CAT in COPD",
        "breathlessness and asthma score",
        "CAT of the literature",
        "critically appraised topic",
    ),
    ("CPR", "CPR training", "cardiopulmonary resuscitation", "CPR and neglect", "child protection plan"),
    ("MI", "MI and troponin", "heart attack", "MI coaching", "motivational interviewing"),
    ("PCT", "PCT in sepsis", "procalcitonin", "the former PCT", "clinical commissioning group"),
    ("DPN", "DPN, numb feet", "neuropathic pain", "DPN on discharge", "discharge planning nurse"),
    ("TOE", "TOE for endocarditis", "advanced heart imaging", "TOE pressure of the foot", "toe"),
    ("ICD", "ICD shock", "implanted heart device", "ICD codes", "international classification of diseases"),
    ("IOL", "IOL for labour", "induction of labour", "IOL after cataract", "cataract surgery"),
    ("OD", "OD or BD tablets", "dosing frequency", "OD of paracetamol", "overdose"),
    ("OD", "OD or BD tablets", "dosing frequency", "OD visual acuity", "eye examination"),
    ("CSU", "CSU sent to the lab", "urine sample", "CSU procurement", "commissioning support unit"),
    ("CF", "CF sputum", "cystic fibrosis", "CF responder", "community first responder"),
    ("HF", "HF readmissions", "heart failure", "HF in pregnancy", "hyperemesis"),
    ("BP", "BP cuff", "blood pressure", "BP blisters", "bullous pemphigoid"),
    (
        "HAP",
        "HAP after stroke",
        "hospital acquired pneumonia",
        "HAP, learning disability",
        "health action plan",
    ),
    ("IPF", "IPF lung scarring", "interstitial lung disease", "IPF from bed", "inpatient falls"),
    (
        "HIT",
        "HIT with heparin",
        "low molecular weight heparin",
        "HIT therapists",
        "psychological wellbeing practitioner",
    ),
    (
        "DASH",
        "DASH with MARAC",
        "domestic abuse risk checklist",
        "DASH of the shoulder",
        "joint and back outcome score",
    ),
    ("NOF", "NOF in theatre", "hip fracture", "NOF segment three", "nhs oversight framework"),
    ("FBC", "FBC shows anaemia", "full blood count", "FBC for capital", "business case"),
    ("MCA", "MCA and consent", "mental capacity act", "MCA blister packs", "medicines compliance aid"),
]


@pytest.mark.parametrize(("form", "one", "its_reading", "other", "other_reading"), TWO_READINGS)
def test_a_form_with_two_meanings_is_read_by_its_context(
    form: str, one: str, its_reading: str, other: str, other_reading: str
) -> None:
    assert read_as(one, form) == [f"§{its_reading}"]
    assert read_as(other, form) == [f"§{other_reading}"]


@pytest.mark.parametrize("form", ["SOB", "NBM"])
def test_a_form_with_one_meaning_is_read_so(form: str) -> None:
    meant = {"SOB": "§breathlessness", "NBM": "§nil by mouth"}
    assert read_as(f"{form} on the respiratory ward", form) == [meant[form]]


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
