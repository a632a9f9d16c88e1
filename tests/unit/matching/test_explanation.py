"""Reasons: which passage speaks for a must-have, how surely, and where in it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching import glossary
from matching.documents import quotable, technology_document
from matching.explanation import MustHave, Typed, explain, nearest
from matching.requirements import Asking
from matching.text import stems
from matching.types import Answer, Passage, Reason

ASKING = Asking(glossary.load(0.5), lambda _: 3.0)


def must(text: str) -> MustHave:
    """Return a must-have without a vector."""
    return MustHave(text, ASKING.asked(text))


def reason(text: str, *passages: Passage, context: float = 0.0) -> Reason:
    """Return what passages say of one must-have, by their words."""
    return explain([must(text)], passages, None, ASKING.told, context)[0]


def summary(text: str) -> Passage:
    return Passage("summary", text)


def test_the_passage_that_says_it_is_quoted_and_marked_where_it_does() -> None:
    other, said = summary("It is blue."), summary("Wards report that it reduces length of stay by a day.")
    found = reason("Reduces length of stay", other, said)
    assert (found.answer, found.passage) == (Answer.ANSWERS, said)
    assert [said.text[start:end] for start, end in found.marks] == ["reduces length of stay"]


def test_nothing_is_found_where_nothing_bears_on_it_however_fitting_the_product() -> None:
    found = reason("Linked to the meal ordering system", summary("It is blue."), context=9.0)
    assert (found.answer, found.passage, found.marks) == (Answer.NOTHING_FOUND, None, ())


def test_a_standard_that_is_not_named_is_never_taken_as_met() -> None:
    near = summary("An app for people with anorexia and their families.")
    assert reason("MEED aligned", near, context=9.0).answer is Answer.NOTHING_FOUND


def test_a_sentence_that_denies_it_is_not_quoted_for_it() -> None:
    denial = summary("It does not measure circulation.")
    assert reason("Measures circulation", denial, context=9.0).answer is Answer.NOTHING_FOUND


def test_an_amount_beyond_the_one_asked_for_answers_in_part_at_most() -> None:
    assert (
        reason("Result under 5 minutes", summary("The result comes in four minutes.")).answer
        is Answer.ANSWERS
    )
    assert (
        reason("Result under 5 minutes", summary("The result comes in 40 minutes.")).answer is Answer.PARTLY
    )


def test_a_list_of_settings_answers_in_part_at_most() -> None:
    assert reason("Hospice use", summary("Made for hospice use.")).answer is Answer.ANSWERS
    assert reason("Hospice use", Passage("settings", "Hospice"), context=3.0).answer is Answer.PARTLY


def test_the_same_sentence_counts_for_more_in_a_product_that_fits() -> None:
    sentence = summary("It shortens journeys a little.")
    assert (
        reason("Fewer transport vehicle journeys booked", sentence, context=-4.0).answer
        is Answer.NOTHING_FOUND
    )
    assert (
        reason("Fewer transport vehicle journeys booked", sentence, context=3.0).answer
        is not Answer.NOTHING_FOUND
    )


def test_meaning_counts_by_how_far_it_stands_above_what_is_usual_for_the_must_have() -> None:
    vector = np.array([1.0, 0.0], dtype=np.float32)
    passages, rows = [summary("It warms the cot.")], np.array([[0.6, 0.8]], dtype=np.float32)
    hub = MustHave("Thermal comfort", ASKING.asked("Thermal comfort"), vector, (0.6, 0.1))
    telling = MustHave("Thermal comfort", ASKING.asked("Thermal comfort"), vector, (0.0, 0.1))
    assert explain([hub], passages, rows, ASKING.told)[0].answer is Answer.NOTHING_FOUND
    assert explain([telling], passages, rows, ASKING.told)[0].answer is Answer.PARTLY


def test_there_is_one_reason_for_each_must_have_in_order_even_without_passages() -> None:
    wanted = [must("First"), must("Second")]
    assert [one.requirement for one in explain(wanted, (), None, ASKING.told)] == ["First", "Second"]


AWKWARD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "ab .,\n\u0301\u200b\u200d\u202e\u2066\u00ad\ufe0f\U0001f469\U0001f3fd\u05d0\u0627\u0639éß"
        ),
        st.sampled_from("skin tone works record"),
    ),
    max_size=80,
)
WORDED = st.lists(
    st.one_of(
        AWKWARD, st.sampled_from(["every skin tone", "under 3 minutes", "does not", "EPR", "two-minute."])
    ),
    max_size=8,
).map(" ".join)


@given(WORDED, WORDED)
def test_a_quotation_is_the_listings_own_text_with_its_marks_inside_in_order_and_apart(
    text: str, asked: str
) -> None:
    listing = technology_document(id="T1", name="Name", summary=text, claims=[asked])
    passages = quotable(listing)
    written = {passage.source: passage.text for passage in listing.passages}
    typed = Typed(asked, dict.fromkeys(stems(asked), 1.0), None)
    told = explain([must(asked), must("All skin tones")], passages, None, ASKING.told, 3.0)
    for found in (
        *told,
        nearest(typed, passages, None, lambda one: dict.fromkeys(stems(one), 1.0), 0.01),
    ):
        if found.passage is None:
            assert found.marks == ()
            continue
        assert found.passage.text in written[found.passage.source]
        end = -1
        for start, stop in found.marks:
            assert end < start < stop <= len(found.passage.text)
            end = stop
