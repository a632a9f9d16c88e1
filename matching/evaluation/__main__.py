"""Measure the matcher on a judged set: ``python -m matching.evaluation SPLIT_DIR [--json]``.

The split's format and the figures are those of the project's reference scorer; documents are built by the same
recipe as in the service. Needs no database and no network.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from matching.evaluation.ablation import ablate
from matching.evaluation.methods import measure
from matching.evaluation.sets import SplitError, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 2 where the split cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m matching.evaluation", description=__doc__)
    parser.add_argument(
        "split", type=Path, help="folder with technologies, needs, qrels, no_match and queries"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--ablation", action="store_true", help="also print the matcher without each step")
    parser.add_argument("--model", default="", help="another sentence-transformers model: a name or a folder")
    options = parser.parse_args(arguments)
    from matching.adapters.sentence_encoder import SentenceEncoder  # heavy: not needed for --help

    try:
        split = load(options.split)
    except SplitError as error:
        print(f"The split cannot be read. {error}", file=sys.stderr)
        return 2
    encoder = SentenceEncoder(options.model)
    measured = measure(split, encoder)
    if options.json:
        print(json.dumps(measured.table))
    else:
        print(as_text(measured.table))
        if options.ablation:
            print(as_text(ablate(split, encoder)))
    return 0


def as_text(table: Mapping[str, Mapping[str, float]]) -> str:
    """Return the figures as a table for a terminal, a method a line."""
    names = list(list(table.values())[-1])
    lines = [" " * 20 + "".join(f"{name:>20}" for name in names)]
    for method, row in table.items():
        lines.append(
            f"{method:20}" + "".join(f"{row[name]:20.3f}" if name in row else " " * 20 for name in names)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
