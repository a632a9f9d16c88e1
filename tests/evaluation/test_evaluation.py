"""The evaluation command: its figures are those of the reference scorer, written again here from its definition."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from matching.evaluation.__main__ import main
from matching.evaluation.measures import figures, verdicts
from matching.evaluation.methods import measure
from matching.evaluation.sets import SplitError, load
from matching.types import Fit, Match, Results
from tests.fakes.matching import HashEncoder

DEV = Path(__file__).parent / "dev"


def write_split(folder: Path) -> Path:
    """Write a set small enough to score by hand."""
    rows = {
        "technologies.jsonl": [
            {
                "id": f"T{n}",
                "name": name,
                "supplier": "S",
                "summary": text,
                "category": "",
                "setting": "",
                "source": "",
            }
            for n, (name, text) in enumerate(
                [("Lamp", "light for jaundice"), ("Pump", "infusion pump"), ("Badge", "alarm badge")]
            )
        ],
        "needs.jsonl": [
            {"id": "N0", "title": "Jaundice", "statement": "light at home", "requirements": ["safe"]},
            {"id": "N1", "title": "Alarm", "statement": "badge for nurses", "requirements": ["loud"]},
            {"id": "N2", "title": "Parking", "statement": "cars", "requirements": ["barrier"]},
        ],
        "queries.jsonl": [
            {"id": "Q0", "text": "pump", "target": "technologies", "relevant": {"T1": 3}},
            {"id": "Q1", "text": "alarm", "target": "needs", "relevant": {"N1": 2, "N2": 1}},
        ],
    }
    for name, lines in rows.items():
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "qrels.tsv").write_text(
        "need_id\ttech_id\tgrade\nN0\tT0\t3\nN0\tT1\t1\nN1\tT2\t2\n", encoding="utf-8"
    )
    (folder / "no_match.txt").write_text("N2\n", encoding="utf-8")
    return folder


def test_figures_follow_the_definitions(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    found = figures(
        {"N0": ["T2", "T0", "T1"], "N1": ["T2"]},
        {"T0": ["N0"], "T1": ["N1", "N0"], "T2": []},
        {"Q0": ["T0", "T1"], "Q1": ["N1", "N2"]},
        split,
    )
    log = math.log2
    n0 = (7 / log(3) + 1 / log(4)) / (7 + 1 / log(3))
    assert found == pytest.approx(
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

    def results(**accepted: bool) -> Results:
        return Results(
            tuple(Match(key, 1, 1.0, 0.5, Fit.FAIR, accepted=yes, ranks={}) for key, yes in accepted.items())
        )

    found = verdicts(
        {"N0": results(T0=True, T2=True), "N1": results(T2=False), "N2": results(T1=True)}, split
    )
    assert found == {"false_match_rate": 1.0, "wrongly_empty_rate": 0.5, "accepted_precision": 0.5}


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

    table = measure(load(DEV), SentenceEncoder()).table
    for key in ("ndcg@10", "reverse_ndcg@10", "query_ndcg@10"):
        assert table["matcher"][key] > max(table[name][key] for name in ("keyword", "dense", "fusion"))
    assert table["dense"]["ndcg@10"] == pytest.approx(0.577, abs=0.01)


def test_figures_agree_with_the_reference_scorer_to_three_decimals(tmp_path: Path) -> None:
    split = load(DEV)
    measured = measure(split, HashEncoder(256))
    wanted = {
        "need2tech": (
            measured.need_results,
            ["ndcg@10", "recall@20", "mrr"],
            ["nDCG@10", "recall@20", "MRR"],
        ),
        "tech2need": (measured.technology_results, ["reverse_ndcg@10"], ["nDCG@10"]),
        "queries": (measured.query_results, ["query_ndcg@10"], ["nDCG@10"]),
    }
    for direction, (results, ours, theirs) in wanted.items():
        run = tmp_path / f"{direction}.tsv"
        run.write_text(
            "".join(
                f"{asker}\t{match.id}\t{match.score!r}\t{int(match.accepted)}\n"
                for asker, found in results.items()
                for match in found.matches
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
