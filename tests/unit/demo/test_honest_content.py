"""The demo's listings are as long as real ones, with evidence: none of them is told that something does not count."""

from __future__ import annotations

import pytest

from marketplace.demo.content import load
from marketplace.demo.shapes import DemoContent
from matching.documents import need_document, technology_document
from matching.duplicates import NOTHING, Spoken, copied_from, loans
from matching.honesty import counted
from matching.types import Document


@pytest.fixture(scope="module")
def content() -> DemoContent:
    return load()


@pytest.fixture(scope="module")
def listings(content: DemoContent) -> list[Document]:
    return [
        technology_document(
            id=one.key,
            name=one.name,
            supplier=one.supplier,
            summary=one.summary,
            intended_use=one.intended_use,
            claims=one.claims,
            replaces=one.replaces,
            settings=[setting.label for setting in one.settings],
            clinical_area=", ".join(area.label for area in one.clinical_areas),
            evidence=[
                (item.type.value, f"{item.type.label}. {item.scope} {item.summary}") for item in one.evidence
            ],
        )
        for one in content.technologies
    ]


def test_every_sentence_of_the_demos_listings_counts(listings: list[Document]) -> None:
    assert len(listings) > 50
    assert {one.id: counted(one).notes for one in listings if counted(one).notes} == {}


def test_none_of_the_demos_listings_owes_text_to_a_need_or_to_another_supplier(
    content: DemoContent, listings: list[Document]
) -> None:
    spoken = [Spoken(one) for one in listings]
    needs = [
        Spoken(
            need_document(
                id=one.key,
                title=one.title,
                statement=one.problem,
                who=one.who_affected,
                pathway=one.pathway_today,
                outcome=one.outcome,
                requirements=one.must,
            )
        )
        for one in content.needs
    ]
    copies = [
        (need.document.id, one.document.id)
        for need in needs
        for one in spoken
        if copied_from(need, one) is not NOTHING
    ]
    borrowed = [
        (spoken[loan.borrower].document.id, spoken[loan.lender].document.id)
        for loan in loans(spoken)
        if spoken[loan.borrower].document.supplier != spoken[loan.lender].document.supplier
    ]
    assert (copies, borrowed) == ([], [])
