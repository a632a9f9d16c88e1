"""BM25 values are compared with a plain reference that follows the formula word by word."""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from time import sleep

import pytest

from matching.coverage import CoverageIndex, Said
from matching.lexical import BM25Index, best
from matching.text import stems
from matching.types import Hit


def reference(texts: dict[str, str], query: str, k1: float = 1.2, b: float = 0.75) -> list[Hit]:
    held = {key: Counter(stems(text)) for key, text in texts.items()}
    mean = sum(sum(terms.values()) for terms in held.values()) / len(held)
    hits = []
    for key, terms in held.items():
        score = 0.0
        for term in stems(query):
            having = sum(term in other for other in held.values())
            idf = math.log(1 + (len(held) - having + 0.5) / (having + 0.5))
            frequency = terms[term]
            length = sum(terms.values())
            score += idf * frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * length / mean))
        if score:
            hits.append(Hit(key, score))
    return sorted(hits, key=lambda hit: (-round(hit.score, 5), hit.id))


VOCABULARY = [
    "jaundice",
    "newborn",
    "bilirubin",
    "meter",
    "ward",
    "bed",
    "discharge",
    "insulin",
    "pump",
    "wound",
    "nurse",
    "scan",
]


def texts(count: int, seed: int) -> dict[str, str]:
    chance = random.Random(seed)
    return {
        f"d{number:03}": " ".join(chance.choices(VOCABULARY, k=chance.randint(3, 30)))
        for number in range(count)
    }


def same(found: list[Hit], wanted: list[Hit]) -> None:
    assert [hit.id for hit in found] == [hit.id for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], rel=1e-4)


def test_scores_equal_the_formula() -> None:
    held = texts(60, seed=1)
    index = BM25Index()
    index.upsert(list(held.items()))
    same(index.search("wound nurse pump pump", 60), reference(held, "wound nurse pump pump"))


def test_scores_stay_equal_through_edits_removals_and_merges() -> None:
    held: dict[str, str] = {}
    index = BM25Index()
    chance = random.Random(2)
    for step in range(40):
        fresh = {f"d{chance.randrange(900):03}": text for text in texts(20, seed=step).values()}
        gone = chance.sample(sorted(held), k=min(len(held), 5))
        index.upsert(list(fresh.items()))
        held |= fresh
        index.remove([*gone, "unknown"])
        held = {key: text for key, text in held.items() if key not in gone}
    assert len(index) == len(held)
    same(index.search("jaundice bilirubin", 1000), reference(held, "jaundice bilirubin"))


def test_among_is_kept_to_and_does_not_change_scores() -> None:
    held = texts(50, seed=3)
    index = BM25Index()
    index.upsert(list(held.items()))
    among = {"d001", "d002", "d030", "unknown"}
    wanted = [hit for hit in reference(held, "ward bed") if hit.id in among]
    same(index.search("ward bed", 10, among), wanted)
    assert index.search("ward bed", 10, ()) == []


def test_ties_at_the_limit_are_settled_by_id() -> None:
    index = BM25Index()
    index.upsert([(key, "wound care") for key in "dbca"])
    assert [hit.id for hit in index.search("wound", 2)] == ["a", "b"]


def test_nothing_shared_means_nothing_found() -> None:
    index = BM25Index()
    assert index.search("wound", 5) == []
    index.upsert([("a", "pump")])
    assert index.search("wound the of", 5) == []
    assert index.search("pump", 0) == []


def test_the_same_id_twice_in_one_call_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        BM25Index().upsert([("a", "x"), ("a", "y")])


def test_a_search_that_began_before_a_change_sees_the_old_documents() -> None:
    index = BM25Index()
    index.upsert([("a", "pump pump"), ("c", "ward")])
    before = index.snapshot()
    old = index.scores({"pump": 1.0}, before)
    index.upsert([("b", "pump"), ("a", "bed")])
    index.remove(["c"])
    assert index.scores({"pump": 1.0}, before).tolist() == old.tolist()
    assert [hit.id for hit in best(before, old, 5)] == ["a"]
    assert (before.count, index.snapshot().count) == (2, 2)


def test_rows_of_removed_documents_are_cleared_and_nothing_is_lost() -> None:
    index = BM25Index()
    held = texts(3000, seed=5)
    for start in range(0, 3000, 250):
        index.upsert(list(held.items())[start : start + 250])
    index.remove([key for key in held if int(key[1:]) % 5])
    kept = {key: text for key, text in held.items() if not int(key[1:]) % 5}
    assert len(index.snapshot().ids) == len(index) == len(kept)
    index.upsert([("d9999", "insulin pump")])
    wanted = reference(kept | {"d9999": "insulin pump"}, "insulin pump")
    same(index.search("insulin pump", 50), wanted[:50])


class Slow(dict[str, int]):
    """A dictionary that lets other threads go on while it counts."""

    def __len__(self) -> int:
        counted = super().__len__()
        sleep(0.001)
        return counted


def test_two_writers_never_give_one_number_to_two_terms() -> None:
    index = BM25Index()
    index._postings.numbers = Slow()
    barrier = threading.Barrier(4)

    def write(writer: int) -> None:
        barrier.wait()
        for number in range(15):
            index.upsert([(f"w{writer}-{number}", f"term{writer}x{number}")])

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = [index.search(f"term{writer}x{number}", 5) for writer in range(4) for number in range(15)]
    assert [len(hits) for hits in found] == [1] * 60


def test_coverage_looked_up_from_both_sides_is_the_sum_over_shared_terms() -> None:
    chance = random.Random(6)
    index = CoverageIndex()
    held: dict[str, Said] = {}
    for _ in range(30):
        fresh = {f"d{chance.randrange(200)}": told(chance) for _ in range(17)}
        gone = chance.sample(sorted(held), min(4, len(held)))
        index.remove(gone)
        index.upsert(list(fresh.items()))
        held = {key: one for key, one in held.items() if key not in gone} | fresh
    asker, seen = told(chance), index.snapshot()
    rows = seen.rows_of([*held, "unknown"])
    assert rows[-1] == -1
    covers = index.covers(asker, seen)[rows[:-1]]
    covered = index.covered(asker, seen, rows[:-1])
    for at, one in enumerate(held.values()):
        shared = asker.shares.keys() & one.shares.keys()
        assert covers[at] == pytest.approx(
            sum(asker.shares[t] * one.saturations[t] for t in shared), abs=1e-5
        )
        assert covered[at] == pytest.approx(
            sum(asker.saturations[t] * one.shares[t] for t in shared), abs=1e-5
        )


def told(chance: random.Random) -> Said:
    terms = chance.sample(VOCABULARY, chance.randint(0, 8))
    return Said({term: chance.random() for term in terms}, {term: chance.random() for term in terms})
