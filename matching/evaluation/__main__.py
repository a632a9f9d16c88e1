"""Measure the matcher on a judged set, and say how sure the figures are.

Prints every method, what the matcher is ahead of each, the threshold, the probabilities, judged reasons, and what
each need lost. The set's format and the figures are those of the project's reference scorer; documents are built by
the same recipe as in the service. Needs no database and no network. Of a set with a file SEALED in it only figures
are told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from matching.evaluation import printing, report
from matching.evaluation.ablation import TOLD, Ablation, ablate
from matching.evaluation.findings import findings
from matching.evaluation.methods import measure
from matching.evaluation.reasons import judge
from matching.evaluation.remembering import RememberingEncoder
from matching.evaluation.sets import SplitError, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 2 where the split cannot be read or the report cannot be written."""
    options = _options(arguments)
    try:
        split = load(options.split)
        if options.report:
            report.writable(options.report)
    except (SplitError, report.ReportError) as error:
        print(error, file=sys.stderr)
        return 2
    from matching.adapters.sentence_encoder import SentenceEncoder  # heavy: not needed for --help

    encoder = RememberingEncoder(SentenceEncoder(options.model))
    closer = bool(options.report) or not options.json
    plain = encoder if options.model else RememberingEncoder(SentenceEncoder(adapted=False))
    measured = measure(split, encoder, plain=plain, late=closer)
    found = None
    if closer:
        found = findings(split, measured, judge(split, encoder), encoder.name)
        if not options.json:
            _say(printing.everything(found))
    whole = measured.tallies["matcher"]
    done: list[Ablation] = []
    if options.ablation:
        kept = _kept(ablate(split, encoder, whole), done)
        lines = printing.ablation(kept, {name: whole[name].figure for name in TOLD})
        _say(lines, silently=options.json)
    if found is not None and options.report:
        report.write(found.with_ablations(done), options.report)
        print(f"The report is in {options.report}.", file=sys.stderr)
    if options.json:
        told: dict[str, object] = {**measured.table}
        if done:
            told["ablation"] = {one.name: dict(one.figures) for one in done}
        print(json.dumps(told))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m matching.evaluation", description=__doc__)
    parser.add_argument(
        "split", type=Path, help="folder with technologies, needs, qrels, no_match and queries"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--ablation", action="store_true", help="also measure the matcher without each step: some minutes"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write everything to one HTML file")
    parser.add_argument("--model", default="", help="another sentence-transformers model: a name or a folder")
    return parser.parse_args(arguments)


def _say(lines: Iterable[str], *, silently: bool = False) -> None:
    """Print each line as soon as it is known."""
    for line in lines:
        if not silently:
            print(line, flush=True)


def _kept(given: Iterable[Ablation], done: list[Ablation]) -> Iterator[Ablation]:
    """Pass ablations on, and keep them."""
    for one in given:
        done.append(one)
        yield one


if __name__ == "__main__":
    sys.exit(main())
