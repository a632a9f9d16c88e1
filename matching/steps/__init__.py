"""The steps of a match, one file each, in the order in which they run.

`normalise` and `expand` read a text; `retrieve`, `combine`, `rerank`, `explain` and `decide` work on the same
`candidates.Candidates`, each adding what it finds. `matching.settings.MatcherSettings` switches each of them off, and
``python -m matching.evaluation --ablation`` tells what it is worth.
"""
