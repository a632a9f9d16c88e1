"""Whose text is it: copies of needs and of older listings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from matching.documents import need_document, technology_document
from matching.duplicates import (
    NOTHING,
    Spoken,
    copied,
    copied_from,
    cut,
    first_said,
    loans,
    own_text,
    shared_text,
)
from matching.types import Document

NEED = need_document(
    id="n",
    title="Lost pumps and beds",
    statement="Nurses spend twenty minutes a shift looking for pumps. We want location of every pump to the bay.",
    requirements=["Bay-level location", "Works without wifi"],
)
OWN = "A tag on the pump tells a screen in the ward where it was last seen."
QUOTE = "Nurses spend twenty minutes a shift looking for pumps."


def listing(
    summary: str,
    *,
    id: str = "t",
    name: str = "Tagwise",
    supplier: str = "Holm",
    claims: Sequence[str] = (),
    since: str = "",
) -> Document:
    made = technology_document(id=id, name=name, supplier=supplier, summary=summary, claims=claims)
    return replace(made, since=tuple(since for _ in cut(made))) if since else made


def foreign_text(document: Document) -> tuple[str, ...]:
    spoken = Spoken(document)
    return copied(spoken, copied_from(Spoken(NEED), spoken))


def test_a_sentence_of_the_need_is_not_the_suppliers_own() -> None:
    assert foreign_text(listing(f"{OWN} {QUOTE}")) == (QUOTE,)


def test_other_endings_spellings_and_small_words_do_not_make_it_ones_own() -> None:
    text = "The nurse is spending the twenty minutes of a shift on looking for a pump."
    assert foreign_text(listing(f"{OWN} {text}")) == (text,)


def test_a_short_quotation_is_fine() -> None:
    assert foreign_text(listing(f"{OWN} Nobody is looking for pumps any more.")) == ()


def test_one_must_have_may_be_repeated_and_two_may_not() -> None:
    assert foreign_text(listing(OWN, claims=["Works without wifi"])) == ()
    claims = ["Works without wifi", "Bay-level location"]
    assert foreign_text(listing(OWN, claims=claims)) == tuple(claims)


def test_one_must_have_may_be_repeated_however_long_it_is() -> None:
    long = "Tell the ward within two minutes when a pump leaves its bay at night"
    need = Spoken(
        need_document(id="n", title="Pumps", statement="They are lost.", requirements=[long, "Cheap"])
    )
    assert copied_from(need, Spoken(listing(OWN, claims=[long]))) is NOTHING
    assert copied_from(need, Spoken(listing(OWN, claims=[long, "Cheap"]))) is not NOTHING


def test_what_two_listings_both_have_from_the_need_is_no_loan() -> None:
    mine = "Each pump has a light that shows which of them is nearest."
    pair = [
        Spoken(listing(f"{OWN} {QUOTE}", id="a")),
        Spoken(listing(f"{mine} {QUOTE}", id="b", supplier="Other")),
    ]
    assert [loan.borrower for loan in loans(pair)] == [1]
    assert loans(pair, Spoken(NEED).hashes) == []


def test_the_title_of_a_need_is_no_name() -> None:
    assert foreign_text(listing(OWN, name="Tagwise: lost pumps and beds")) == (
        "Tagwise: lost pumps and beds",
    )


def test_a_sentence_with_copied_words_in_it_loses_these_alone() -> None:
    long = f"{OWN[:-1]} and then nurses spend twenty minutes a shift looking for other things in the cellar instead."
    spoken = Spoken(listing(long))
    left = own_text(spoken, copied_from(Spoken(NEED), spoken)).passages[1].text
    assert "screen in the ward" in left
    assert "twenty" not in left


def test_who_said_it_first_is_the_lender_whatever_its_id() -> None:
    older = Spoken(listing(OWN, id="z", supplier="Holm", since="2026-01-01"))
    younger = Spoken(listing(OWN, id="a", name="Findwise", supplier="Other", since="2026-02-01"))
    (loan,) = loans([younger, older])
    assert (loan.borrower, loan.lender, loan.same) == (0, 1, True)


def test_without_dates_the_first_id_is_the_older() -> None:
    (loan,) = loans([Spoken(listing(OWN, id="b")), Spoken(listing(OWN, id="a"))])
    assert (loan.borrower, loan.lender) == (0, 1)


def test_a_listing_with_a_few_other_words_is_the_same() -> None:
    first = (
        "Batteries last five years and the tags are wiped clean with the usual cloths between two patients."
    )
    again = (
        "Batteries last five years and its tags are wiped clean with the normal cloths between two people."
    )
    reworded = f"One tag on the pump informs a display in the ward where it was last noticed. {again}"
    (loan,) = loans(
        [Spoken(listing(f"{OWN} {first}", id="a")), Spoken(listing(reworded, id="b", supplier="Other"))]
    )
    assert (loan.borrower, loan.same) == (1, True)


def test_two_who_describe_one_thing_in_their_own_words_owe_each_other_nothing() -> None:
    other = "Staff see on a map of the floor which bay holds a given infusion device, by radio."
    assert loans([Spoken(listing(OWN, id="a")), Spoken(listing(other, id="b", supplier="Other"))]) == []


def test_a_borrowed_sentence_is_a_loan_and_not_the_same_listing() -> None:
    mine = (
        "Drones bring blood and medicines to remote islands twice a day, in any weather, with a pilot ashore."
    )
    rest = "Crews load them in four minutes. The route is flown without hands, and each box shows its temperature."
    (loan,) = loans(
        [Spoken(listing(OWN, id="a")), Spoken(listing(f"{mine} {rest} {OWN}", id="b", supplier="Other"))]
    )
    assert (loan.borrower, loan.same) == (1, False)


def test_a_sentence_is_as_old_as_the_first_version_without_a_break_that_says_it() -> None:
    versions = [
        ("2026-03-01", listing(f"{OWN} It is new.")),
        ("2026-02-01", listing(OWN)),
        ("2026-01-01", listing("Something else altogether.")),
        ("2025-12-01", listing(OWN)),
    ]
    assert first_said(versions[0][1], versions) == ("2025-12-01", "2026-02-01", "2026-03-01")


def test_a_listing_that_is_changed_into_a_copy_is_not_the_older_one() -> None:
    original = Spoken(listing(OWN, id="z", supplier="Honest", since="2026-02-01"))
    now = listing(OWN, id="a", supplier="Copyist")
    versions = [("2026-03-01", now), ("2026-01-01", listing("A lamp.", id="a", supplier="Copyist"))]
    copy = Spoken(replace(now, since=first_said(now, versions)))
    assert [(loan.borrower, loan.lender) for loan in loans([copy, original])] == [(0, 1)]


@given(
    st.lists(st.sampled_from(["pump", "bay", "nurse", "screen", "ward", "the", "night.", "Tag"]), max_size=40)
)
def test_a_text_owes_everything_to_its_own_copy(words: list[str]) -> None:
    text = " ".join(words) or "x"
    one, other = (
        Spoken(listing(text, id="a", name="Q")),
        Spoken(listing(text, id="b", name="Q", supplier="Other")),
    )
    assert shared_text(one, other) == len(one.hashes)
    found = loans([one, other])
    assert all((loan.borrower, loan.lender, loan.share) == (1, 0, 1.0) for loan in found)
    assert copied_from(Spoken(NEED), one) is NOTHING or foreign_text(one.document)
