"""The evaluation command: its figures are those of the reference scorer, written again here from its definition."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from matching.evaluation.__main__ import main
from matching.evaluation.measures import ranking, verdicts
from matching.evaluation.methods import measure
from matching.evaluation.sets import SplitError, load
from tests.evaluation.small import results, write_split
from tests.fakes.matching import HashEncoder

DEV = Path(__file__).parent / "dev"


def test_figures_follow_the_definitions(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    found = ranking(
        {"N0": ["T2", "T0", "T1"], "N1": ["T2"]},
        {"T0": ["N0"], "T1": ["N1", "N0"], "T2": []},
        {"Q0": ["T0", "T1"], "Q1": ["N1", "N2"]},
        split,
    )
    log = math.log2
    n0 = (7 / log(3) + 1 / log(4)) / (7 + 1 / log(3))
    assert {name: tally.figure for name, tally in found.items()} == pytest.approx(
        {
            "ndcg@10": (n0 + 1) / 2,
            "recall@20": 1.0,
            "mrr": (1 / 2 + 1) / 2,
            "reverse_ndcg@10": (1 + 1 / log(3) + 0) / 3,
            "query_ndcg@10": (1 / log(3) + 1) / 2,
        }
    )


def test_verdicts_count_askers_for_the_rates_and_pairs_for_the_precision(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))

    found = verdicts(
        {
            "N0": results(("T0", 0.9), ("T2", 0.8)),
            "N1": results(("T2", 0.4)),
            "N2": results(("T1", 0.6), ("T0", 0.5)),
        },
        split,
    )
    assert {name: tally.figure for name, tally in found.items()} == {
        "false_match_rate": 1.0,
        "false_matches": 2.0,
        "wrongly_empty_rate": 0.5,
        "accepted_precision": 0.5,
    }


def test_the_development_set_is_measured_by_every_method_in_the_agreed_keys() -> None:
    table = measure(load(DEV), HashEncoder(256)).table
    common = {"ndcg@10", "recall@20", "mrr", "reverse_ndcg@10", "query_ndcg@10"}
    assert set(table) == {"keyword", "dense", "fusion", "matcher"}
    assert all(set(table[name]) == common for name in ("keyword", "dense", "fusion"))
    assert set(table["matcher"]) == common | {"false_match_rate", "wrongly_empty_rate", "accepted_precision"}
    assert table["keyword"]["ndcg@10"] == pytest.approx(0.764, abs=0.005)


def test_a_damaged_split_is_refused_with_file_and_line(tmp_path: Path) -> None:
    write_split(tmp_path)
    with (tmp_path / "needs.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "N3"}\n')
    with pytest.raises(SplitError, match=r"needs.jsonl, line 4"):
        load(tmp_path)
    (tmp_path / "qrels.tsv").unlink()
    with pytest.raises(SplitError, match=r"qrels.tsv"):
        load(tmp_path)


def test_the_command_says_what_is_wrong_and_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "qrels.tsv cannot be read" in capsys.readouterr().err


@pytest.mark.model
def test_the_command_prints_one_json_object_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write_split(tmp_path)), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["matcher"]["recall@20"] == 1.0


@pytest.mark.model
def test_the_matcher_beats_keywords_meaning_and_their_rank_fusion_on_the_development_set() -> None:
    from matching.adapters.sentence_encoder import SentenceEncoder

    table = measure(load(DEV), SentenceEncoder(), plain=SentenceEncoder(adapted=False)).table
    for key in ("ndcg@10", "reverse_ndcg@10", "query_ndcg@10"):
        assert table["matcher"][key] > max(table[name][key] for name in ("keyword", "dense", "fusion"))
    assert table["dense"]["ndcg@10"] == pytest.approx(0.577, abs=0.01)


def test_figures_agree_with_the_reference_scorer_to_three_decimals(tmp_path: Path) -> None:
    split = load(DEV)
    measured = measure(split, HashEncoder(256))
    wanted = {
        "need2tech": (
            measured.run.needs,
            ["ndcg@10", "recall@20", "mrr"],
            ["nDCG@10", "recall@20", "MRR"],
        ),
        "tech2need": (measured.run.technologies, ["reverse_ndcg@10"], ["nDCG@10"]),
        "queries": (measured.run.queries, ["query_ndcg@10"], ["nDCG@10"]),
    }
    for direction, (found, ours, theirs) in wanted.items():
        run = tmp_path / f"{direction}.tsv"
        run.write_text(
            "".join(
                f"{asker}\t{match.id}\t{match.score!r}\t{int(match.accepted)}\n"
                for asker, listed in found.items()
                for match in listed.matches
            ),
            encoding="utf-8",
        )
        scorer = Path(__file__).parent / "reference_scorer.txt"
        done = subprocess.run(
            [sys.executable, str(scorer), str(DEV), str(run), "--direction", direction],
            check=True,
            capture_output=True,
            text=True,
        )
        told = dict(line.split("\t")[:2] for line in done.stdout.splitlines() if "\t" in line)
        for own, name in zip(ours, theirs, strict=True):
            assert measured.table["matcher"][own] == pytest.approx(float(told[name]), abs=5e-4), direction
        if direction == "need2tech":
            for own, name in (
                ("false_match_rate", "false-match rate"),
                ("wrongly_empty_rate", "wrongly empty rate"),
                ("accepted_precision", "accepted precision"),
            ):
                assert measured.table["matcher"][own] == pytest.approx(float(told.get(name, 0)), abs=5e-4)
