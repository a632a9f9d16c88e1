"""Only what a supplier says first, in words of its own, counts: the step, with a fake model and with none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.background import texts
from matching.documents import need_document, technology_document
from matching.matcher import build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.steps.spread import Spread
from matching.types import Document, Kind
from tests.fakes.matching import DamagedEncoder, HashEncoder

NEED = need_document(
    id="n",
    title="Lost pumps and beds",
    statement="Nurses spend twenty minutes a shift looking for pumps. We want the location of every pump to the bay.",
    requirements=["Location to the bay", "Works without wifi"],
)
HONEST = "A tag on each pump tells nurses in which bay it is. Looking for pumps ends: every bay has its own screen."
OTHER = "A jelly with which nurses thicken drinks for people who choke on thin ones."


def listing(id: str, summary: str, **more: object) -> Document:
    return technology_document(id=id, name=id, supplier=id, summary=summary, **more)  # type: ignore[arg-type] # by name


def scores(*listings: Document, encoder: Encoder | None = None, **switched: bool) -> dict[str, float]:
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder, settings=replace(MatcherSettings(), **switched))  # type: ignore[arg-type] # names of switches
    finder.add(finder.encode(listings))
    return {match.id: match.score for match in finder.match(NEED, 10).matches}


@pytest.mark.parametrize("encoder", [None, HashEncoder(), DamagedEncoder()], ids=["none", "fake", "damaged"])
def test_copied_text_adds_nothing_with_a_model_and_without(encoder: Encoder | None) -> None:
    copy = listing("t", f"{OTHER} {NEED.passages[1].text}")
    bare = scores(listing("t", OTHER), encoder=encoder)["t"]
    assert scores(copy, encoder=encoder)["t"] == pytest.approx(bare, abs=0.5)
    assert scores(copy, encoder=encoder, own_words=False)["t"] > bare + 5


@pytest.mark.parametrize("encoder", [None, HashEncoder()], ids=["none", "fake"])
def test_an_honest_answer_that_repeats_every_must_have_stands_where_its_own_words_put_it(
    encoder: Encoder | None,
) -> None:
    honest = scores(listing("t", HONEST), encoder=encoder)["t"]
    echoing = scores(listing("t", HONEST, claims=NEED.requirements), encoder=encoder)["t"]
    assert echoing == pytest.approx(honest, abs=0.5)


def test_what_an_older_listing_of_somebody_else_says_adds_nothing() -> None:
    older = listing("a", HONEST)
    borrowed = listing("b", f"{OTHER} It sets thick in seconds. Carers stir it into tea or soup. {HONEST}")
    own = listing("b", f"{OTHER} It sets thick in seconds. Carers stir it into tea or soup.")
    found = scores(older, borrowed, encoder=HashEncoder())
    assert found["b"] == pytest.approx(scores(older, own, encoder=HashEncoder())["b"], abs=0.5)
    assert found["a"] == pytest.approx(scores(older, encoder=HashEncoder())["a"], abs=0.5)


def test_what_is_left_is_encoded_once_however_often_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = HashEncoder()
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    finder.add(finder.encode([listing("t", f"{OTHER} {NEED.passages[1].text}")]))
    asker = build_finder(Kind.NEED, encoder=encoder).encode([NEED])[0]
    sent: list[str] = []
    whole = encoder.encode_documents

    def encode(texts: list[str]) -> object:
        sent.extend(texts)
        return whole(texts)

    monkeypatch.setattr(encoder, "encode_documents", encode)
    finder.match(asker, 10)
    first = len(sent)
    finder.match(asker, 10)
    assert (first, len(sent)) == (1, 1)


@pytest.mark.parametrize("encoder", [None, HashEncoder()], ids=["none", "fake"])
def test_nobody_is_shown_elsewhere_because_not_all_copiers_were_read_again(
    encoder: Encoder | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Copiers of all degrees, of few suppliers: their scores fall by different amounts, and some have to wait.
    told = NEED.passages[1].text.split()
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    finder.add(
        finder.encode(
            [
                technology_document(
                    id=f"t{at:02}",
                    name=f"T{at}",
                    supplier=f"S{at % 4}",
                    summary=f"{one.passages[1].text} {' '.join(told[: at % 17])}. {HONEST if at % 9 == 0 else ''}",
                    claims=NEED.requirements if at % 4 else (),
                )
                for at, one in enumerate(texts()[Kind.TECHNOLOGY][:40])
            ]
        )
    )
    with monkeypatch.context() as patched:
        patched.setattr(Spread, "deciding", lambda _, found: found.order)
        every = finder.match(NEED, 100).matches
    assert len(every) > 15
    for limit in (1, 3, 7, 12, 30):
        few = finder.match(NEED, limit).matches
        assert [one.id for one in few] == [one.id for one in every[:limit]]
        assert [one.score for one in few] == pytest.approx([one.score for one in every[:limit]], abs=1e-3)
