"""Fingerprints tell of many texts at once what comparing the texts one by one tells, and never less."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

from matching.adapters import int8
from matching.background import texts
from matching.documents import technology_document
from matching.duplicates import NOTHING, Spoken, copied_from, loans, longest_run, suspects
from matching.fingerprints import Fingerprint, Fingerprints, numbers, shingles, whole
from matching.types import Document, Kind


def test_shingles_run_on_into_the_next_sentence_of_a_passage_and_not_into_the_next_passage() -> None:
    one = Fingerprint.of([(0, ["a", "b"]), (1, ["c", "d"]), (1, []), (1, ["e", "f"])])
    laid = Fingerprints.of([one, Fingerprint.of([(1, ["x", "c", "d", "e"])])])
    every = [shingles(numbers(stems)).tolist() for stems in (["c", "d", "e", "f"], ["x", "c", "d", "e"])]
    assert laid.shingles.tolist() == [*every[0], *every[1]]
    assert laid.owner[laid.places].tolist() == [0, 0, 1, 1]
    assert laid.shingles[0] == laid.shingles[3]


def test_a_sentence_has_one_number_wherever_it_stands_and_another_than_its_beginning() -> None:
    one = Fingerprint.of([(0, ["a"]), (1, []), (1, ["b", "c"]), (2, ["b"])])
    wholes = Fingerprints.of([one]).wholes.tolist()
    assert wholes == [int(whole(numbers(stems))) for stems in (["a"], ["b", "c"], ["b"])]
    assert len(set(wholes)) == 3


def test_nothing_at_all_has_no_shingles() -> None:
    laid = Fingerprints.of([Fingerprint.of([]), Fingerprint.of([(0, [])])])
    assert Fingerprints.of([]).count == 0
    assert (len(laid.shingles), len(laid.wholes), laid.known(numbers(["a"])).tolist()) == (0, 0, [])


@pytest.mark.parametrize(("marks", "longest"), [("", 0), ("0", 0), ("1", 1), ("0110111", 3), ("1110110", 3)])
def test_the_longest_run_is_counted(marks: str, longest: int) -> None:
    assert longest_run(np.array([mark == "1" for mark in marks], dtype=bool)) == longest


def borrowed() -> list[Document]:
    """Return listings that have more or less text of shipped needs, of each other, or of nobody."""
    chance = random.Random(5)
    needs, given = texts()[Kind.NEED], texts()[Kind.TECHNOLOGY]
    found = []
    for at in range(120):
        need, base = needs[at % 10], given[at % 25]
        words = base.passages[1].text.split()
        del words[: chance.randint(0, 5)]
        parts = [" ".join(words)]
        if at % 3 == 0:
            parts += chance.sample(need.requirements, min(len(need.requirements), chance.randint(1, 3)))
        if at % 4 == 0:
            told = need.passages[1].text.split()
            parts.append(" ".join(told[: chance.randint(4, len(told))]))
        if at % 7 == 0:
            told = need.passages[1].text.split()
            chance.shuffle(told)
            parts.append(" ".join(told))
        name = need.title if at % 11 == 0 else f"{base.title} {at}"
        summary = ". ".join(parts)
        found.append(technology_document(id=f"t{at:03}", name=name, supplier=f"S{at % 9}", summary=summary))
    return found


def test_whoever_has_copied_from_a_need_is_suspected() -> None:
    listings = [Spoken(document) for document in borrowed()]
    laid = Fingerprints.of([one.fingerprint for one in listings])
    counts = []
    for document in texts()[Kind.NEED][:10]:
        need = Spoken(document)
        copied = {at for at, one in enumerate(listings) if copied_from(need, one) is not NOTHING}
        suspected = set(suspects(need, laid))
        assert copied <= suspected
        counts.append((len(copied), len(suspected)))
    assert all(0 < copied <= suspected < len(listings) / 2 for copied, suspected in counts)


def test_loans_are_the_same_however_a_listing_was_read() -> None:
    listings = [Spoken(document) for document in borrowed()]
    stored = [Spoken(one.document, one.fingerprint) for one in listings]
    one, other = loans(listings), loans(stored)
    assert len(one) > 20
    assert [(loan.borrower, loan.lender, loan.share, loan.same) for loan in one] == [
        (loan.borrower, loan.lender, loan.share, loan.same) for loan in other
    ]


def test_bytes_are_multiplied_exactly_with_torch_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: F401 - the way that is tried first is there once it is loaded

    chance = np.random.default_rng(3)
    for rows, others, width in ((1, 1, 96), (7, 130, 96), (33, 5, 8)):
        one, other = (chance.integers(-128, 128, (count, width)).astype(np.int8) for count in (rows, others))
        exact = one.astype(np.int64) @ other.astype(np.int64).T
        assert (int8.products(one, other) == exact).all()
        with monkeypatch.context() as patched:
            patched.setattr(int8, "_able", False)
            assert (int8.products(one, other) == exact).all()


def test_bytes_are_multiplied_exactly_by_processors_without_instructions_for_it() -> None:
    code = (
        "import numpy as np, torch; from matching.adapters import int8;"
        "one = np.random.default_rng(3).integers(-128, 128, (40, 96)).astype(np.int8);"
        "assert (int8.products(one, one) == one.astype(np.int64) @ one.astype(np.int64).T).all()"
    )
    older = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert subprocess.run([sys.executable, "-c", code], env=older, check=False).returncode == 0


def test_rows_too_long_for_exact_products_are_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        int8.products(np.ones((1, 1001), dtype=np.int8), np.ones((1, 1001), dtype=np.int8))
