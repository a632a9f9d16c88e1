"""Measure reasons on the demo, whose must-haves are whole sentences: ``python -m benchmarks.reasons``.

The judged sets have must-haves of a few words. Here the demo is loaded through its own actions into a new database,
and the matcher's documents are made of it as the service makes them. Prints precision and recall of what people act
on, for the half of the needs that limits were chosen on (``tune``) and for the other (``check``).
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import migrating
from marketplace.database import db, make_engine
from marketplace.demo import loading
from marketplace.factory import create_app
from marketplace.matches.indexer import documents_of
from marketplace.needs.models import Need
from marketplace.organisations.actions import load_reference
from marketplace.settings import Settings
from marketplace.technologies.models import Technology
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.evaluation.reasons import MEASURED, judge
from matching.evaluation.sets import JudgedReason, Split
from matching.types import Answer, Document, Kind

JUDGED = Path(__file__).parents[1] / "tests" / "evaluation" / "demo_reasons.tsv"


def demo_documents(folder: Path) -> tuple[dict[str, Document], dict[str, Document]]:
    """Return the demo's public needs by title and technologies by name."""
    url = f"sqlite:///{folder / 'demo.db'}"
    engine = make_engine(url, create=True)
    migrating.upgrade(engine)
    engine.dispose()
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR", demo=True))
    with app.app_context():
        load_reference()
        loading.load(Console(file=io.StringIO()))
        needs = _by_name(db.session, Kind.NEED, [need.ref for need in db.session.scalars(select(Need))])
        found = [technology.ref for technology in db.session.scalars(select(Technology))]
        technologies = _by_name(db.session, Kind.TECHNOLOGY, found)
    app.extensions["engine"].dispose()
    return needs, technologies


def _by_name(session: Session, kind: Kind, refs: Collection[str]) -> dict[str, Document]:
    return {one.title: one for one in documents_of(session, kind, list(refs)).values()}


def judged(part: str, needs: dict[str, Document], technologies: dict[str, Document]) -> Split:
    """Return the judged reasons of one part as a set; raises KeyError for a text that the demo does not have."""
    with JUDGED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if part in ("all", row["part"])]
    reasons = []
    for row in rows:
        need = needs[row["need"]]
        number = 1 + need.requirements.index(row["must_have"])
        technology = technologies[row["technology"]].id
        reasons.append(JudgedReason(need.id, number, technology, Answer(row["grade"])))
    return Split(
        name=part,
        technologies=tuple(technologies.values()),
        needs=tuple(needs.values()),
        grades={},
        no_match=(),
        queries=(),
        reasons=tuple(reasons),
    )


def main() -> int:
    """Run the command."""
    with tempfile.TemporaryDirectory() as folder:
        needs, technologies = demo_documents(Path(folder))
    encoder = SentenceEncoder()
    for part in ("tune", "check", "all"):
        found = judge(judged(part, needs, technologies), encoder)
        if found is None:
            print(f"{part}: nothing judged", file=sys.stderr)
            return 1
        for answer in MEASURED:
            called = sum(count for (_, told), count in found.confusion.items() if told is answer)
            accuracy = found.accuracy(answer)
            print(
                f"{part} ({found.judged}) {answer}: precision {accuracy.precision.figure:.2f}"
                f" ({called} called), recall {accuracy.recall.figure:.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
