"""Print the attack table: ``python -m benchmarks.attacks [--json] [--count N] [--each]``.

Every family attacks the register of the judged sets without any defence and with all of them; ``--each`` adds a
column for each defence alone. Takes minutes, as every attack is encoded.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.attacks.families import FAMILIES, OUTSIDE
from benchmarks.attacks.measure import SETS, Register, attack, judged_sets, places_lost, told, wilson
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.protocols import Encoder
from matching.settings import MatcherSettings

ALL = MatcherSettings()
NONE = replace(ALL, normalise=False, honesty=False, own_words=False, fold=False, supplier_most=0)
EACH = {
    "normalise": replace(NONE, normalise=True),
    "what counts": replace(NONE, honesty=True),
    "own words": replace(NONE, own_words=True),
    "folding": replace(NONE, fold=True),
    "supplier": replace(NONE, supplier_most=ALL.supplier_most),
}
"""Each defence alone, by the name in the table."""


def measure(folder: Path, encoder: Encoder, count: int, each: bool) -> dict[str, object]:
    """Return entries by family and defence, and what honest listings lose."""
    splits = judged_sets(folder)
    columns = {"none": NONE, **(EACH if each else {}), "all": ALL}
    registers = {name: Register.of(splits, encoder, settings) for name, settings in columns.items()}
    families: dict[str, dict[str, dict[str, int]]] = {}
    for family in FAMILIES:
        families[family] = {}
        for name, register in registers.items():
            outcomes = [attack(register, family, seed) for seed in range(count)]
            families[family][name] = {
                "attacks": count,
                "entered": sum(one.entered for one in outcomes),
                "accepted": sum(one.accepted for one in outcomes),
            }
        print(family, families[family], file=sys.stderr, flush=True)
    lost, places = places_lost(registers["all"], registers["none"])
    touched, listings = told(registers["all"])
    sealed = [*splits, *judged_sets(folder, ["sealed"])]
    touched_sealed, listings_sealed = told(Register.of(sealed, None, ALL))
    return {
        "listings": listings,
        "sets": list(SETS),
        "families": families,
        "honest": {
            "places lost": [lost, places],
            "told": [touched, listings],
            "told, sealed set": [touched_sealed - touched, listings_sealed - listings],
        },
    }


def share(hits: int, count: int) -> str:
    """Return a share with its 95 % interval, in per cent."""
    low, high = wilson(hits, count)
    return f"{100 * hits / max(count, 1):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def as_text(found: dict[str, object]) -> str:
    """Return the figures as a table for a terminal."""
    families: dict[str, dict[str, dict[str, int]]] = found["families"]  # type: ignore[assignment] # made above
    honest: dict[str, list[int]] = found["honest"]  # type: ignore[assignment] # made above
    names = list(next(iter(families.values())))
    lines = [" " * 22 + "".join(f"{name:>24}" for name in names)]
    for family, row in families.items():
        cells = [share(row[name]["entered"], row[name]["attacks"]) for name in names]
        lines.append(f"{family:22}" + "".join(f"{cell:>24}" for cell in cells))
    inside = [row for family, row in families.items() if family not in OUTSIDE]
    for what in ("entered", "accepted"):
        cells = [
            share(sum(row[name][what] for row in inside), sum(row[name]["attacks"] for row in inside))
            for name in names
        ]
        lines.append(f"{'all, ' + what:22}" + "".join(f"{cell:>24}" for cell in cells))
    lines += [
        f"honest listings, {what}: {share(*figures)} of {figures[1]}" for what, figures in honest.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Attack, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--count", type=int, default=100, help="attacks of each family")
    parser.add_argument("--each", action="store_true", help="also measure each defence alone")
    parser.add_argument(
        "--folder", type=Path, default=Path("tests/evaluation"), help="where the judged sets are"
    )
    options = parser.parse_args()
    found = measure(options.folder, SentenceEncoder(), options.count, options.each)
    print(json.dumps(found, indent=2) if options.json else as_text(found))


if __name__ == "__main__":
    main()
