"""The knobs of the matcher in one frozen place; each step can be switched off, and evaluation tells its worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatcherSettings:
    """Say which steps run and how much each counts. The defaults are what the service uses."""

    candidates: int = 300
    """How many documents each retriever may propose before scores are combined."""
    rrf_k: int = 60
    """Damping of reciprocal rank fusion, used where scores cannot be combined."""
    k1: float = 1.2
    """BM25: how soon repeating a word stops counting."""
    b: float = 0.75
    """BM25: how much long documents are held back."""
    threshold: float = 0.2
    """Least probability of being useful at which a candidate is accepted."""
