"""A set small enough to score by hand, and results for it."""

from __future__ import annotations

import json
from pathlib import Path

from matching.types import Fit, Match, Results


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


def results(*found: tuple[str, float]) -> Results:
    """Return results of the given ids and probabilities, best first, accepted from one half on."""
    return Results(
        tuple(
            Match(key, rank, chance, chance, Fit.FAIR, accepted=chance >= 0.5, ranks={})
            for rank, (key, chance) in enumerate(found, start=1)
        )
    )
