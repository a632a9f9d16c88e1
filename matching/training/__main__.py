"""Train the adapter and write it to ``data/adapter.npz``: ``python -m matching.training``.

Takes some minutes on two cores. Afterwards run ``python -m matching.background``, as what texts have in common
changes with the model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from matching.adapters.sentence_encoder import packaged_folder
from matching.glossary import load
from matching.training.low_rank import Plan, train
from matching.training.pairs import parted, read, spelled, terms


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m matching.training", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "data" / "adapter.npz")
    parser.add_argument("--epochs", type=int, default=Plan().epochs)
    parser.add_argument("--rate", type=float, default=Plan().rate)
    parser.add_argument("--without-terms", action="store_true", help="learn from pairs alone")
    options = parser.parse_args()
    torch.set_num_threads(2)
    model = SentenceTransformer(str(packaged_folder()), device="cpu", local_files_only=True)
    learnt, held_back = parted(spelled(read(), load()))
    print(f"{len(learnt)} pairs to learn from, {len(held_back)} held back, {len(terms())} terms", flush=True)
    change: dict[str, Any] = dict(
        train(
            model,
            learnt,
            held_back,
            [] if options.without_terms else terms(),
            Plan(epochs=options.epochs, rate=options.rate),
            lambda line: print(line, flush=True),
        )
    )
    np.savez_compressed(options.output, **change)
    print(f"{options.output.name}: {options.output.stat().st_size / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
