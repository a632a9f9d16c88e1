"""The knobs of the matcher in one frozen place; each step can be switched off, and evaluation tells its worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatcherSettings:
    """Say which steps run and how much each counts. The defaults are what the service uses."""

    normalise: bool = True
    """Take hidden characters and look-alike letters out of documents before they are compared."""
    glossary: bool = True
    """Read abbreviations and the many ways of saying a thing."""
    keyword: bool = True
    """Compare by words."""
    dense: bool = True
    """Compare whole texts by their vectors."""
    centred: bool = True
    """Compare vectors after taking away what all texts of their kind have in common."""
    combine: bool = True
    """Add up signals on one scale; otherwise the ranks of the retrievers are fused, and chances mean nothing."""
    late: bool = True
    """Compare word by word with the vectors of tokens (late interaction)."""
    both_ways: bool = True
    """Ask also how far the asker covers the candidate, for words and for tokens."""
    standing: bool = True
    """Measure each signal against what the candidate has with texts that it was not meant for (hub correction)."""
    spelling: bool = True
    """Mend typing errors in what a person typed."""
    honesty: bool = True
    """Leave out of technologies what says nothing to a reader: lists of terms, repetition, every box ticked."""
    own_words: bool = True
    """Let text that stands in the need, or in an older listing of somebody else, not count."""
    fold: bool = True
    """Show nearly equal listings in one place, that of the oldest."""
    decide: bool = True
    """Accept only what reaches the threshold; otherwise everything that is found."""
    explain: bool = True
    """Encode must-haves and sentences one by one, for the reasons; ranking does not use them."""

    candidates: int = 300
    """How many documents each retriever may propose before scores are combined."""
    rerank: int = 128
    """How many of the best are compared word by word."""
    related: float = 0.5
    """What a related phrase counts beside the thing itself."""
    spelled: float = 0.5
    """What the words behind an abbreviation count."""
    measures: float = 0.5
    """What a sentence counts in which a need lists the measures it wants evidence on."""
    words_weight: float = 1.0
    dense_weight: float = 2.0
    late_weight: float = 3.0
    late_back_weight: float = 2.0
    """What it counts, token by token, how far the asker covers the candidate."""
    supplier_most: int = 4
    """How many of the first ten may be one supplier's; the rest follow behind. 0: as many as there are.

    Two needs of the judged sets have four real answers of one supplier, so three would push one of them out.
    """
    k1: float = 1.2
    """BM25: how soon repeating a word stops counting."""
    b: float = 0.75
    """BM25: how much long documents are held back."""
    threshold: float = 0.36
    """Least probability of being useful at which a candidate is accepted.

    Set by hand on the project's own judged sets, dev included, between refusing needs that have an answer and
    matching needs that have none; docs/matching.md tells how often each happens.
    """
