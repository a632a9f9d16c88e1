from __future__ import annotations

import numpy as np
import pytest

from matching.adapters.numpy_index import NumpyIndex
from matching.alike import Alike, limits
from matching.background import SIGNALS, compared
from matching.documents import need_document, technology_document
from matching.matcher import Matcher, build_finder
from matching.types import Document, Kind
from matching.usual import Usual, length_of
from tests.fakes.matching import DamagedEncoder, HashEncoder


def need(id: str, title: str, statement: str, *musts: str) -> Document:
    return need_document(id=id, title=title, statement=statement, requirements=musts)


FALLS = need("F1", "Falls at night", "Patients fall between bed and toilet at night and nobody sees it.")
FALLS_TOO = need(
    "F2", "Inpatient falls unseen", "Nobody sees patients fall at night on the way from bed to toilet."
)
PUMPS = need("P1", "Pumps cannot be found", "Infusion pumps are lost and porters search every store room.")
PUMPS_TOO = need(
    "P2", "Where are the infusion pumps", "Nurses search store rooms for lost infusion pumps every shift."
)
BEDS = need("B1", "Night-time noise", "Patients cannot sleep at night because of noise beside the bed.")
ALL = [FALLS, FALLS_TOO, PUMPS, PUMPS_TOO, BEDS]


def finder(*documents: Document, encoder: HashEncoder | None = None) -> Matcher:
    encoder = encoder or HashEncoder(256)
    made = build_finder(Kind.NEED, encoder=encoder, index=NumpyIndex(encoder.dimension))
    made.add(made.encode(documents))
    return made


def test_the_likest_need_comes_first_and_the_asker_never() -> None:
    found = finder(*ALL).similar(FALLS, 5)
    assert found.matches[0].id == "F2"
    assert "F1" not in [match.id for match in found.matches]
    assert [match.rank for match in found.matches] == list(range(1, len(found.matches) + 1))
    assert not found.degraded


def test_a_need_that_is_not_registered_finds_its_like() -> None:
    draft = need("NEW", "Lost pumps", "Porters search store rooms for infusion pumps that are lost.")
    assert {match.id for match in finder(*ALL).similar(draft, 2).matches} == {"P1", "P2"}


def test_only_those_that_may_be_shown_are_found() -> None:
    found = finder(*ALL).similar(FALLS, 5, among=["P1", "B1"])
    assert {match.id for match in found.matches} <= {"P1", "B1"}


def test_a_pair_has_one_chance_whoever_asks() -> None:
    near = finder(*ALL).alike.neighbours()
    chances = {(key, hit.id): hit.score for key, hits in near.items() for hit in hits}
    assert chances
    for (one, other), chance in chances.items():
        assert chances.get((other, one), chance) == chance


def test_the_chance_of_a_pair_does_not_change_with_what_else_is_registered() -> None:
    few = finder(FALLS, FALLS_TOO).similar(FALLS, 1).matches[0]
    many = finder(*ALL).similar(FALLS, 1).matches[0]
    assert (few.id, few.score, few.chance) == (many.id, many.score, many.chance)


def test_pairs_that_are_asked_about_have_the_chances_of_the_list() -> None:
    made = finder(*ALL)
    near = {hit.id: hit.score for hit in made.alike.neighbours(["F1"])["F1"]}
    others = sorted(near)
    assert made.alike.chances("F1", others) == [near[other] for other in others]


def test_what_two_needs_share_is_told_in_words_for_people() -> None:
    shared = finder(*ALL).similar(PUMPS, 1).matches[0].shared
    assert "infusion" in " ".join(shared)
    assert not {"and", "the", "every"} & set(shared)


def test_a_shared_abbreviation_is_told_by_its_meaning() -> None:
    one = need("A", "DNA rate", "DNA rates in clinic appointments are high.")
    other = need("B", "Missed slots", "Many did not attend their clinic appointments.")
    assert "did not attend" in finder(one, other).similar(one, 1).matches[0].shared


def test_without_a_model_words_go_on_and_say_so() -> None:
    made = finder(*ALL, encoder=DamagedEncoder(256))
    found = made.similar(FALLS, 3)
    assert found.degraded
    assert found.matches[0].id == "F2"


def test_technologies_are_compared_with_technologies() -> None:
    made = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder(256), index=NumpyIndex(256))
    listings = [
        technology_document(id="T1", name="Pump finder", summary="Tags that find infusion pumps."),
        technology_document(id="T2", name="Where is it", summary="Find infusion pumps with small tags."),
        technology_document(id="T3", name="Quiet ward", summary="Soft lids against noise at night."),
    ]
    made.add(made.encode(listings))
    assert made.similar(listings[0], 3).matches[0].id == "T2"


def test_an_asker_of_the_other_kind_is_refused() -> None:
    other = technology_document(id="T1", name="Pump finder", summary="Tags that find infusion pumps.")
    with pytest.raises(ValueError, match="only a need is like another need"):
        finder(*ALL).similar(other, 3)


def usual(mean: float = 0.0, meaning: float = 0.0, length: float = 0.0, longer: float = 0.0) -> Usual:
    short = np.tile(np.array([mean, 1.0], dtype=np.float32), (SIGNALS, 1))
    short[2, 0] = meaning
    long = short.copy()
    long[:, 0] += longer
    return Usual(short, long, length)


SAME_LENGTH = np.zeros(1, dtype=np.float32)


def test_of_two_directions_and_two_usuals_the_harsher_counts() -> None:
    alike: Alike = finder(FALLS).alike
    rows = np.array([[4.0, 2.0, 3.0, 5.0, 1.0]], dtype=np.float32)
    # Words 2 (weight 2), meaning 3 - 1 = 2 (weight 1), tokens 1 (weight 4).
    assert alike._scores(rows, usual(), SAME_LENGTH, [usual(meaning=1.0)]) == pytest.approx([10 / 7])
    unknown = np.array([[4.0, 2.0, 3.0, np.nan, np.nan]], dtype=np.float32)
    assert alike._scores(unknown, usual(), SAME_LENGTH, [usual(meaning=1.0)]) == pytest.approx([6 / 3])


def test_a_pair_is_held_against_what_is_usual_at_its_lengths() -> None:
    alike: Alike = finder(FALLS).alike
    rows = np.full((1, SIGNALS), 4.0, dtype=np.float32)
    halfway = np.array([0.5], dtype=np.float32)
    # The other is half-way to a long text, so half of what long texts have more counts as usual.
    assert alike._scores(rows, usual(longer=2.0), halfway, [usual()]) == pytest.approx([3.0])
    # And the asker is long itself, which is usual for the other.
    assert alike._scores(rows, usual(length=1.0), SAME_LENGTH, [usual(longer=2.0)]) == pytest.approx([2.0])


def test_a_need_as_long_as_five_shipped_ones_is_compared_with_five_read_as_one() -> None:
    shipped = np.mean([sum(len(one.text) for one in text.passages) for text in compared(Kind.NEED)])
    assert length_of(need("S", "Short", "Few words."), Kind.NEED) == 0.0
    assert length_of(need("L", "", "x" * round(5 * shipped)), Kind.NEED) == pytest.approx(1.0, abs=0.01)
    assert length_of(need("E", "", "x" * 20000), Kind.NEED) == pytest.approx(1.3)


def test_long_texts_say_more_of_anything_than_short_ones() -> None:
    made = finder(FALLS)
    found = made.alike.usual(made.register.records["F1"], None)
    assert found.long[0, 0] > found.short[0, 0] > 0
    assert found.long[2].tolist() == found.short[2].tolist()


def test_a_forgotten_need_is_no_longer_found() -> None:
    made = finder(*ALL)
    made.similar(FALLS, 3)
    made.forget(["F2"])
    assert "F2" not in [match.id for match in made.similar(FALLS, 5).matches]


def test_chances_rise_with_the_score_and_stay_within_nought_and_one() -> None:
    chances = [limits().chance(score, words_only=False) for score in (-1000.0, 0.0, 2.0, 4.0, 1000.0)]
    assert chances == sorted(chances)
    assert (chances[0], chances[-1]) == (0.0, 1.0)
