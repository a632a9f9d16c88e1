"""The finder as the service uses it, with an encoder that needs no model."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from matching.documents import need_document, technology_document
from matching.matcher import Matcher, build_finder
from matching.settings import MatcherSettings
from matching.types import Answer, Document, Kind, Passage
from tests.fakes.matching import DamagedEncoder, HashEncoder

LISTED = {
    "wand": (
        "Luma Wand",
        "An optical probe estimates bilirubin in newborn babies in seconds. Works on every skin tone.",
    ),
    "sleeve": ("Glowwrap", "Blue light treatment for jaundice at home in a sleeping bag."),
    "robot": ("Picklane Robot", "A dispensary robot stores and labels medicine packs around the clock."),
    "badge": ("Guardbadge", "An identity badge with an alarm for nurses who visit alone."),
    "pump": ("Flowline", "An infusion pump with a drug library for wards."),
}


def technology(key: str, evidence: tuple[tuple[str, str], ...] = ()) -> Document:
    name, summary = LISTED[key]
    return technology_document(id=key, name=name, supplier="Northfell", summary=summary, evidence=evidence)


NEED = need_document(
    id="need",
    title="Newborn jaundice",
    statement="Babies with jaundice come back to hospital because bilirubin is judged by eye.",
    requirements=["Works on every skin tone", "Links with the maternity record"],
    evidence_wanted=["dtac", "clinical-study"],
)


def finder(encoder: HashEncoder | None = None) -> Matcher:
    made = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder() if encoder is None else encoder)
    made.add(made.encode([technology(key) for key in LISTED]))
    return made


def ids(found: object) -> list[str]:
    return [match.id for match in found.matches]  # type: ignore[attr-defined] - Results, kept short


def test_technologies_that_answer_a_need_come_first() -> None:
    found = finder().match(NEED, 10)
    assert set(ids(found)[:2]) == {"wand", "sleeve"}
    assert [match.rank for match in found.matches] == list(range(1, len(found.matches) + 1))
    assert [match.score for match in found.matches] == sorted((m.score for m in found.matches), reverse=True)
    assert not found.degraded


def test_each_must_have_gets_the_passage_that_answers_it_quoted_exactly() -> None:
    wand = next(match for match in finder().match(NEED, 10).matches if match.id == "wand")
    answered, missing = wand.reasons
    assert answered.answer is Answer.ANSWERS
    assert answered.passage is not None
    assert (answered.passage.source, answered.passage.text) == ("summary", "Works on every skin tone.")
    assert [answered.passage.text[start:end] for start, end in answered.marks] == ["Works", "every skin tone"]
    assert (missing.requirement, missing.answer, missing.passage) == (
        "Links with the maternity record",
        Answer.NOTHING_FOUND,
        None,
    )


def test_evidence_that_is_wanted_is_told_apart_by_what_is_held() -> None:
    made = finder()
    made.add(made.encode([technology("wand", evidence=(("dtac", "Passed DTAC."),))]))
    wand = next(match for match in made.match(NEED, 10).matches if match.id == "wand")
    assert (wand.evidence_met, wand.evidence_missing) == (("dtac",), ("clinical-study",))


def test_a_technology_finds_the_need_with_the_same_reasons() -> None:
    needs = build_finder(Kind.NEED, encoder=HashEncoder())
    needs.add(needs.encode([NEED]))
    (match,) = needs.match(technology("wand"), 5).matches
    assert match.id == "need"
    assert [reason.answer for reason in match.reasons] == [Answer.ANSWERS, Answer.NOTHING_FOUND]


def test_an_encoded_asker_is_ranked_as_its_document_without_encoding_again() -> None:
    made = finder()
    encoded = made.encode([NEED])[0]
    wanted = ids(made.match(NEED, 10))
    made.encode = DamagedEncoder().encode_documents  # type: ignore[method-assign] - must not be called
    assert ids(made.match(encoded, 10)) == wanted


def test_only_those_among_are_ranked_and_no_more_than_the_limit() -> None:
    made = finder()
    assert ids(made.match(NEED, 10, among=["robot", "pump", "unknown"])) != []
    assert set(ids(made.match(NEED, 10, among=["robot", "pump", "unknown"]))) <= {"robot", "pump"}
    assert ids(made.match(NEED, 10, among=[])) == []
    assert len(ids(made.match(NEED, 2))) == 2
    assert ids(made.match(NEED, 0)) == []


def test_a_new_listing_is_found_at_once_and_a_forgotten_one_is_not() -> None:
    made = finder()
    made.forget(["wand", "unknown"])
    assert "wand" not in ids(made.match(NEED, 10))
    made.add(made.encode([technology("wand")]))
    assert "wand" in ids(made.match(NEED, 10))[:2]
    assert len(made) == len(LISTED)


def test_an_edited_listing_is_found_by_its_new_text_only() -> None:
    made = finder()
    edited = technology_document(id="robot", name="Sunbed", summary="Phototherapy for newborn jaundice.")
    made.add(made.encode([edited]))
    assert "robot" in ids(made.search("phototherapy", 5))[:1]
    assert ids(made.search("dispensary", 5))[:1] != ["robot"]


@pytest.mark.parametrize("encoder", [None, DamagedEncoder()])
def test_without_a_model_words_still_find_and_the_result_says_so(encoder: HashEncoder | None) -> None:
    made = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    encoded = made.encode([technology(key) for key in LISTED])
    assert all(one.vectors is None for one in encoded)
    made.add(encoded)
    found = made.match(NEED, 10)
    assert found.degraded
    assert ids(found)[0] == "wand"
    assert made.search("infusion pump", 5).degraded
    assert ids(made.search("infusion pump", 5))[0] == "pump"


def test_documents_stored_without_vectors_are_found_beside_those_with() -> None:
    made = finder()
    late = build_finder(Kind.TECHNOLOGY).encode(
        [technology_document(id="late", name="Lamp", summary="Newborn jaundice and bilirubin.")]
    )
    made.add(late)
    found = made.match(NEED, 10)
    assert "late" in ids(found)[:3]
    assert not found.degraded


def test_an_empty_register_and_an_empty_search_find_nothing() -> None:
    empty = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder())
    assert empty.match(NEED, 5).matches == ()
    assert empty.match(NEED, 5).nothing_fits
    assert empty.search("jaundice", 5).matches == ()
    assert finder().search(" \u200b ", 5).matches == ()


def test_a_need_among_the_technologies_is_refused() -> None:
    made = finder()
    with pytest.raises(ValueError, match="need"):
        made.add(made.encode([NEED]))


def test_the_digest_is_known_without_encoding() -> None:
    made = finder()
    assert made.digest(NEED) == made.encode([NEED])[0].digest
    assert build_finder(Kind.TECHNOLOGY).digest(NEED) != made.digest(NEED)


def test_reading_goes_on_while_another_thread_adds_and_forgets() -> None:
    made = finder()
    extra = made.encode(
        [technology_document(id=f"x{n}", name="Extra", summary=f"Item {n}.") for n in range(50)]
    )
    failures: list[BaseException] = []
    stop = threading.Event()

    def change() -> None:
        try:
            while not stop.is_set():
                made.add(extra)
                made.forget([one.document.id for one in extra])
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(50):
            assert "wand" in ids(made.match(NEED, 10))
    finally:
        stop.set()
        writer.join()
    assert failures == []


def test_the_score_of_a_pair_does_not_change_when_somebody_else_lists_something() -> None:
    # Words alone are compared here: with vectors the register's mean moves scores, by very little.
    words = build_finder(Kind.TECHNOLOGY)
    words.add(words.encode([technology("wand")]))
    alone = words.match(NEED, 5).matches[0].score
    words.add(words.encode([technology(key) for key in LISTED]))
    assert words.match(NEED, 5).matches[0].score == pytest.approx(alone)


def test_a_search_that_failed_for_want_of_the_model_is_not_remembered() -> None:
    made = finder()
    working, made.reader.encoder = made.reader.encoder, DamagedEncoder()
    assert made.search("bilirubin", 5).degraded
    made.reader.encoder = working
    assert not made.search("bilirubin", 5).degraded


def test_a_typing_error_still_finds() -> None:
    words = build_finder(Kind.TECHNOLOGY)
    words.add(words.encode([technology(key) for key in LISTED]))
    assert ids(words.search("dispensery", 5))[:1] == ["robot"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u200b\u202e",
        "\U0001f600" * 50,
        "…!?—",
        "x" * 30_000,
        "the and of",
        "\x00\x01",
        "a\u0301" * 500,
        "١٢٣",
    ],
)
def test_no_text_however_strange_stops_the_matcher(text: str) -> None:
    made = finder()
    made.add(made.encode([technology_document(id="strange", name=text, summary=text, claims=[text])]))
    need = need_document(id="n", title=text, statement=text, requirements=[text])
    assert len(made.match(need, 10).matches) <= len(LISTED) + 1
    assert len(made.search(text, 10).matches) <= len(LISTED) + 1
    assert ids(made.match(NEED, 1))[0] in {"wand", "sleeve"}


def test_saying_a_thing_400_times_counts_at_most_a_quarter_more_than_saying_it_once() -> None:
    made = finder()
    stuffed = technology_document(id="stuffed", name="Deal", summary="jaundice bilirubin babies " * 400)
    made.add(made.encode([stuffed]))
    scores = {match.id: match.score for match in made.match(NEED, 10).matches}
    honest = technology_document(id="stuffed", name="Deal", summary="jaundice bilirubin babies")
    made.add(made.encode([honest]))
    once = {match.id: match.score for match in made.match(NEED, 10).matches}["stuffed"]
    assert scores["stuffed"] < once * 1.25


def test_the_sentence_nearest_to_what_was_typed_is_quoted_exactly() -> None:
    finder = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder())
    finder.add(finder.encode([technology(key) for key in LISTED]))
    quoted = finder.quote("bilirubin in newborn babies", ["wand", "gone"])
    assert list(quoted) == ["wand"]
    passage = quoted["wand"].passage
    assert passage is not None
    assert passage.text == "An optical probe estimates bilirubin in newborn babies in seconds."
    assert passage.source == "summary"
    assert [passage.text[a:b] for a, b in quoted["wand"].marks] == ["bilirubin", "newborn babies"]
    assert finder.quote("zebra crossings", ["wand"]) == {}
    assert finder.quote(" ", ["wand"]) == {}


@pytest.mark.parametrize("encoder", [HashEncoder(), DamagedEncoder()], ids=["meaning", "words alone"])
def test_a_need_is_quoted_from_all_that_it_tells(encoder: HashEncoder) -> None:
    finder = build_finder(Kind.NEED, encoder=encoder)
    asked = need_document(
        id="falls",
        title="Falls at night",
        statement="Residents lie on the floor for hours. Nobody hears them call.",
        outcome="Staff reach a resident within two minutes.",
        requirements=("Work where there is no wifi",),
    )
    finder.add(finder.encode([asked]))
    for typed, source, text in (
        ("lie on the floor", "statement", "Residents lie on the floor for hours."),
        ("no wifi", "requirement:1", "Work where there is no wifi"),
        ("reach residents", "outcome", "Staff reach a resident within two minutes."),
    ):
        passage = finder.quote(typed, ["falls"])["falls"].passage
        assert passage is not None
        assert (passage.source, passage.text) == (source, text)


def test_quoting_encodes_the_typed_text_once_and_no_document(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = HashEncoder()
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    finder.add(finder.encode([technology(key) for key in LISTED]))
    finder.search("unrelated, so that the shipped texts are encoded", 1)
    sent: list[str] = []
    whole = encoder.encode_documents

    def encode(texts: list[str]) -> object:
        sent.extend(texts)
        return whole(texts)

    monkeypatch.setattr(encoder, "encode_documents", encode)
    finder.search("blue light at home", 5)
    finder.quote("blue light at home", list(LISTED))
    assert len(sent) == 1


def test_a_trace_tells_what_each_step_left_behind_and_ends_with_the_answer() -> None:
    made = finder()
    results, stages = made.trace(NEED, 3)
    assert results == made.match(NEED, 3)
    assert [stage.name for stage in stages] == [
        "retrieve",
        "combine",
        "rerank",
        "own words",
        "spread",
        "explain",
        "decide",
    ]
    assert set(stages[0].lists) == {"keyword", "dense"}
    assert [hit.id for hit in stages[-1].lists["all"]] == ids(results)
    assert made.trace("  ", 3)[1] == ()


def switched(**off: bool) -> Matcher:
    made = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder(), settings=MatcherSettings(**off))  # type: ignore[arg-type] # switches
    made.add(made.encode([technology(key) for key in LISTED]))
    return made


def test_without_the_keyword_step_candidates_come_by_meaning_alone() -> None:
    assert {name for match in switched(keyword=False).match(NEED, 9).matches for name in match.ranks} == {
        "dense"
    }
    assert {name for match in switched(dense=False).match(NEED, 9).matches for name in match.ranks} == {
        "keyword"
    }


def test_without_the_combine_step_ranks_are_fused() -> None:
    matches = switched(combine=False).match(NEED, 9).matches
    for match in matches:
        assert match.score == pytest.approx(sum(1 / (60 + rank) for rank in match.ranks.values()), rel=1e-5)
    assert matches


def test_without_the_decide_step_everything_found_is_accepted() -> None:
    assert all(match.accepted for match in switched(decide=False).match(NEED, 9).matches)
    assert not all(match.accepted for match in switched().match(NEED, 9).matches)


def test_without_the_explain_step_there_is_no_passage_to_quote() -> None:
    assert not any(
        reason.passage for match in switched(explain=False).match(NEED, 9).matches for reason in match.reasons
    )


def test_without_the_normalise_step_hidden_characters_part_words() -> None:
    hidden = replace(technology("wand"), passages=(Passage("summary", "bili\u200brubin"),))
    for normalise, found in ((True, ["wand"]), (False, [])):
        words = build_finder(Kind.TECHNOLOGY, settings=MatcherSettings(normalise=normalise))
        words.add(words.encode([hidden]))
        assert ids(words.search("bilirubin", 5)) == found


def test_a_reading_tells_what_is_written_and_what_it_means() -> None:
    reading = finder().read("FIT kits, dispensery robot")
    assert ("FIT", "faecal immunochemical test") in reading.concepts
    assert "FIT (faecal immunochemical test)" in reading.encoded
    assert {word for word, _ in reading.words} >= {"FIT", "robot"}
    assert [share for _, share in reading.words] == sorted(
        (share for _, share in reading.words), reverse=True
    )
    assert [typed for typed, _ in reading.mended] == ["dispensery"]
    assert ("Newborn", "newborn") not in finder().read(NEED).mended
