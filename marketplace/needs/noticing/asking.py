"""Rules about what is left for a reader to guess: evidence and abbreviations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketplace.needs.noticing.naming import NAMED, RECORD
from marketplace.needs.noticing.reading import PLACEHOLDER, Hit, Reading, rule, told, whole, words_of

#: A detail of these words alone asks for nothing in particular.
_ANY_EVIDENCE = words_of(
    """
    any some good strong robust quality high evidence proof data that it works work of benefit benefits
    whatever you have got
    can show something relevant appropriate suitable the a an and is are effective effectiveness results
    result to support
    available everything anything impact your product solution safe clear solid convincing best reliable
    enough sufficient
    useful we will consider please provide
    """
)


@rule(
    "evidence",
    "Asks for no evidence in particular",
    why="A supplier who knows what would convince you can show it, or tell you that it is not there yet.",
    bad=[
        ("evidence_wanted", "Any evidence"),
        ("evidence_wanted", "Proof that it works"),
        ("evidence_wanted", "TBC"),
    ],
    good=[
        ("evidence_wanted", "Results from at least 10 care homes"),
        ("evidence_wanted", "How people without a smartphone were reached"),
    ],
)
def no_evidence(reading: Reading) -> Iterator[Hit]:
    """Look for details of evidence that ask for nothing, or are missing."""
    for passage in reading.all_of("evidence_wanted"):
        if told(passage.text) <= _ANY_EVIDENCE or PLACEHOLDER.search(passage.text):
            yield whole(passage, "What would convince you: which result, in how many people, and where?")


#: Letters that the public knows, those of this service's own organisations, and names of standards and bodies that
#: suppliers know by their letters.
_KNOWN = words_of(
    """
    NHS GP A&E UK US USA EU UN IT AI HIV AIDS DNA MRI CT COVID BBC ID OK TV PC PDF SMS GPS USB ADHD BMI CPR
    CCTV PIN QR CD DVD
    FAQ URL VAT HR CEO NI IVF PPE DIY MP RAF WHO IQ PE AM PM GCSE MOT LED LCD SIM VIP UV KPI API WIFI ECG R&D
    TBC TBD TBA NA
    ICB ICS HIN
    NICE MHRA CQC FHIR HL7 ISO IEC DTAC DSPT DCB CE UKCA GDPR SNOMED WCAG AA AAA SQL XML JSON DICOM UKAS CSV
    EQ-5D ICD
    """
)
_LETTERS = re.compile(r"(?<![\w&-])[a-z]?[A-Z0-9](?:[A-Za-z0-9&]|-(?=[A-Z0-9])){1,6}(?![\w-])")
#: Roman numbers with the classes of devices, numbered standards, and words that begin with a number.
_NO_LETTERS = re.compile(r"^[IVX]+[ab]?$|^(?:DCB|ISO|EN|BS|ICD|IEC)[\d-]+$|^\d+\w?$|^\d+\w{1,2}$")
_SMALL = "(?:of|and|the|to|in|for|with|or|a|an|on|at|by)"


def _abbreviations(text: str) -> Iterator[re.Match[str]]:
    named = [match.span() for match in NAMED.finditer(text)]
    for match in _LETTERS.finditer(text):
        letters = match[0].removesuffix("s")
        capitals = sum(letter.isupper() for letter in letters)
        if capitals < 2 or capitals * 2 < len(letters) or letters in _KNOWN:
            continue
        if _NO_LETTERS.match(letters) or RECORD.match(letters):
            continue
        # "BI" in "Power BI" is part of a name.
        if not any(start <= match.start() < end for start, end in named):
            yield match


def _is_spelled_out(letters: str, text: str) -> bool:
    """Tell whether the words stand in the text: beside it in brackets, or anywhere with these first letters."""
    escaped = re.escape(letters)
    if re.search(rf"\b{escaped} \((?:\w[\w’-]*\W+)+\w+\W*\)|\w\w+ \w[\w ’-]+\({escaped}s?\)", text):
        return True
    firsts = [letter for letter in letters.removesuffix("s").lower() if letter.isalpha()]
    between = rf"[\w’]*[\W_]+(?:{_SMALL}[\W_]+)*"
    return re.search(rf"\b{between.join(firsts)}\w{{2,}}", text, re.IGNORECASE) is not None


@rule(
    "abbreviation",
    "Abbreviation that is not spelled out",
    why="Innovators and the public read this, and the same letters mean different things in two hospitals.",
    bad=[("title", "Fewer DTOCs"), ("pathway_today", "The CNS rings the patient.")],
    good=[
        (
            "problem",
            "Chronic obstructive pulmonary disease (COPD) brings people back: COPD is our first cause.",
        ),
        ("pathway_today", "The clinical nurse specialist rings the patient. The CNS then writes to the GP."),
        ("must", "Have a UKCA or CE mark"),
        ("title", "Fewer people leave A&E before they are seen"),
    ],
)
def an_abbreviation(reading: Reading) -> Iterator[Hit]:
    """Look for the first use of each abbreviation that the need does not spell out and the public does not know."""
    passages = list(reading.passages())
    everything = "\n".join(passage.text for passage in passages)
    asked: set[str] = set()
    for passage in passages:
        for match in _abbreviations(passage.text):
            letters = match[0].removesuffix("s")
            if letters in asked or _is_spelled_out(match[0], everything):
                continue
            asked.add(letters)
            meant = " or ".join(reading.meanings(match[0], passage.text))
            question = (
                f"Does “{match[0]}” mean {meant} here?" if meant else f"What does “{match[0]}” stand for?"
            )
            yield Hit(passage, *match.span(), f"{question} Readers elsewhere may not know.")
