"""What must-haves ask for and sentences say: other words, names, amounts, and what is denied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import glossary
from matching.documents import quotable, technology_document
from matching.requirements import Asking, aspects, cover, places, quantities

ASKING = Asking(glossary.load(0.5), lambda _: 3.0)


def covered(must: str, sentence: str) -> float:
    """Return which share of a must-have a sentence says."""
    return cover(ASKING.asked(must), ASKING.told(sentence)).share


@pytest.mark.parametrize(
    ("must", "says_so", "does_not"),
    [
        ("Usable by HCSWs", "Any member of staff can put it on.", "A consultant puts it on in theatre."),
        ("Vendor neutral", "It reads scans of any manufacturer.", "It reads scans of the chest."),
        ("24/7 cover", "Calls are taken day and night.", "Calls are taken by a nurse."),
        ("Works offline", "It keeps working when there is no signal.", "It sends a signal to the ward."),
        ("Audit trail", "Every change is logged and time-stamped.", "Every patient is weighed and measured."),
        ("Human in the loop", "A clinician approves each letter.", "Each letter is posted at night."),
    ],
)
def test_a_must_have_is_known_in_a_listings_own_words(must: str, says_so: str, does_not: str) -> None:
    assert covered(must, says_so) > 0.3
    assert covered(must, does_not) == 0.0


def test_the_very_words_say_all_of_it_and_filling_words_little() -> None:
    assert covered("Reduces length of stay", "It reduces length of stay.") == 1.0
    assert covered("EPR compatible", "It is compatible with every phone.") < 0.3


def test_what_a_sentence_denies_is_not_said() -> None:
    asked = ASKING.asked("Measures circulation")
    denied = cover(asked, ASKING.told("It includes no equipment and does not measure circulation."))
    assert denied.share == 0.0
    assert denied.denied == 1.0
    assert cover(asked, ASKING.told("It needs no gel, but measures circulation.")).share == 1.0


def test_a_must_have_that_asks_for_none_of_it_is_answered_by_there_being_none() -> None:
    assert covered("No cameras in bathrooms", "There are no cameras, in bathrooms or elsewhere.") == 1.0


@pytest.mark.parametrize(
    ("sentence", "share", "broken"),
    [
        ("A two-minute test at the bedside.", 1.0, False),
        ("Results in 90 seconds.", 1.0, False),
        ("Clips are read within the hour, or in 1 hour at night.", 0.5, True),
        ("A test at the bedside.", 0.0, False),
        ("A 24-week programme.", 0.0, False),
    ],
)
def test_an_amount_that_is_asked_for_is_kept_broken_or_not_told(
    sentence: str, share: float, broken: bool
) -> None:
    found = cover(ASKING.asked("Under 3 minutes"), ASKING.told(sentence))
    assert (found.share, found.broken) == (share, broken)


def test_amounts_are_read_in_words_and_digits() -> None:
    text = "Half an hour, two-minute, < 3 min and at least 250 kg as it has been"
    assert [(one.kind, one.amount, one.bound) for one in quantities(text)] == [
        ("time", 1800.0, 0),
        ("time", 120.0, 0),
        ("time", 180.0, -1),
        ("weight", 250.0, 1),
    ]


def test_a_name_has_to_be_named() -> None:
    asked = ASKING.asked("MDR compliant")
    assert asked.only_named
    assert cover(asked, ASKING.told("It follows good practice for every device.")).unnamed
    assert not cover(asked, ASKING.told("UKCA and CE marked under the MDR.")).unnamed


def test_evidence_that_is_held_names_what_a_standard_asks_for() -> None:
    listing = technology_document(
        id="T1",
        name="A",
        summary="It helps.",
        evidence=[("dtac", "DTAC (digital technology assessment criteria).")],
    )
    told = {passage.source: ASKING.told(passage.text) for passage in quotable(listing)}
    asked = ASKING.asked("DTAC compliant")
    assert not cover(asked, told["evidence:dtac"]).unnamed
    assert cover(asked, told["summary"]).unnamed


def test_places_are_those_of_the_sentence_as_it_was_written() -> None:
    text = "Wörks – on every\u200b ski\u0323n tone \N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}."
    found = places(ASKING.asked("All skin tones"), ASKING.told(text))
    assert [text[start:end] for start, end in found] == ["tone"]


def test_every_row_of_the_table_of_aspects_can_be_asked_for() -> None:
    for entry in aspects().entries:
        assert ASKING.asked(entry.forms[0]).slots
        assert entry.related, f"{entry.concept}: no way of saying it"


@given(st.text(alphabet="0123456789,. -mıinuteſsKkgh\u0131\u017f\u212a٣", max_size=40))
def test_no_letter_that_looks_like_another_makes_a_unit_that_is_not_known(text: str) -> None:
    for found in (
        quantities(text),
        quantities(f"works in 5 {text}"),
        quantities("in 5 mın, 2 hourſ and 3 \u212ag"),
    ):
        assert all(one.amount >= 0 for one in found)
