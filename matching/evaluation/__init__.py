"""Measure the matcher on a judged set; ``python -m matching.evaluation`` is the command."""

from matching.evaluation.methods import measure
from matching.evaluation.sets import load

__all__ = ["load", "measure"]
