"""Train the small adapter that is shipped with the packaged model: ``python -m matching.training``.

Nothing here runs in the service. The texts (`pairs_*.jsonl`) are the project's own, and none is of a judged set.
"""
