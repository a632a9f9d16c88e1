"""Rank every asker of a judged set by the matcher and by the simple methods that it has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matching import glossary as glossaries
from matching.evaluation import baselines
from matching.evaluation.baselines import Side
from matching.evaluation.measures import AGREED_VERDICTS, Rankings, Tally, ranking, verdicts
from matching.evaluation.sets import Split
from matching.matcher import build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Kind, Results

LIMIT = 100
"""How many candidates of each asker are looked at."""

METHODS = {
    "keyword": "BM25, stemmed",
    "dense": "dense, plain cosine",
    "fusion": "rank fusion of the two",
    "abbreviations": "BM25, abbreviations spelled out",
    "adapted": "dense, plain cosine, with our adapter",
    "centred": "dense, centred",
    "late": "late interaction, hubs corrected",
    "sum": "z-scored sum, abbreviations + centred",
    "matcher": "the matcher",
}
"""Every method and what people are told it is. Abbreviations are spelled out by the project's own glossary.

The simple methods have the packaged model as it is published, the matcher and ``adapted`` have the project's adapter.
"""

AGREED_METHODS = ("keyword", "dense", "fusion", "matcher")
"""What the JSON tells: its keys are agreed with those who read it."""


@dataclass(frozen=True, slots=True)
class MatcherRun:
    """What the matcher found for every asker of a set, with the given settings."""

    needs: Mapping[str, Results]
    technologies: Mapping[str, Results]
    queries: Mapping[str, Results]

    def tallies(self, split: Split) -> dict[str, Tally]:
        """Return its figures."""
        found = ranking(_ids(self.needs), _ids(self.technologies), _ids(self.queries), split)
        return found | verdicts(self.needs, split)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of every method, and what the matcher found for those who want to look closer."""

    tallies: Mapping[str, Mapping[str, Tally]]
    run: MatcherRun
    need_rankings: Mapping[str, Rankings]

    @property
    def table(self) -> dict[str, dict[str, float]]:
        """Return the agreed figures of the agreed methods: what ``--json`` prints."""
        left_out = self.tallies["matcher"].keys() - self.tallies["keyword"].keys() - {*AGREED_VERDICTS}
        return {
            method: {
                name: tally.figure for name, tally in self.tallies[method].items() if name not in left_out
            }
            for method in AGREED_METHODS
        }


def measure(
    split: Split,
    encoder: Encoder | None,
    settings: MatcherSettings | None = None,
    *,
    plain: Encoder | None = None,
    late: bool = True,
) -> Measured:
    """Rank every asker of a split by every method; without an encoder by words alone.

    ``plain``: what the simple methods encode with, if that is another encoder than the matcher's. ``late``: also by
    bare late interaction, which takes longer than all other methods together.
    """
    needs, technologies, queries = simple(split, plain or encoder, late=late)
    if plain is not None:
        adapted = simple(split, encoder, late=False)
        for found, with_adapter in zip((needs, technologies, queries), adapted, strict=True):
            found["adapted"] = with_adapter["dense"]
    run = run_matcher(split, encoder, settings)
    tallies = {name: ranking(needs[name], technologies[name], queries[name], split) for name in needs}
    tallies["matcher"] = run.tallies(split)
    found = {**needs, "matcher": _ids(run.needs)}
    order = [name for name in METHODS if name in tallies]
    return Measured({name: tallies[name] for name in order}, run, {name: found[name] for name in order})


def run_matcher(split: Split, encoder: Encoder | None, settings: MatcherSettings | None = None) -> MatcherRun:
    """Rank every asker of a split by the matcher; reasons are left out, which ranking does not use."""
    chosen = replace(settings or MatcherSettings(), explain=False)
    technologies = build_finder(Kind.TECHNOLOGY, encoder=encoder, settings=chosen)
    needs = build_finder(Kind.NEED, encoder=encoder, settings=chosen)
    offered, wanted = technologies.encode(split.technologies), needs.encode(split.needs)
    technologies.add(offered)
    needs.add(wanted)
    finders = {Kind.TECHNOLOGY: technologies, Kind.NEED: needs}
    return MatcherRun(
        needs={one.document.id: technologies.match(one, LIMIT) for one in wanted},
        technologies={one.document.id: needs.match(one, LIMIT) for one in offered},
        queries={query.id: finders[query.target].search(query.text, LIMIT) for query in split.queries},
    )


def simple(
    split: Split, encoder: Encoder | None, *, late: bool = True
) -> tuple[dict[str, Rankings], dict[str, Rankings], dict[str, Rankings]]:
    """Return the rankings of each simple method: for needs, for technologies and for queries."""
    book = glossaries.load()
    needs = Side.of_documents(split.needs, encoder, book)
    technologies = Side.of_documents(split.technologies, encoder, book)
    there, back = _echoes(needs, technologies) if late else (None, None)
    typed: dict[str, dict[str, Sequence[str]]] = {}
    for target, pool in ((Kind.NEED, needs), (Kind.TECHNOLOGY, technologies)):
        chosen = [query for query in split.queries if query.target is target]
        asked = Side.of_queries(chosen, encoder, book)
        for name, found in baselines.rankings(asked, pool, _echoes(asked, pool)[0] if late else None).items():
            typed.setdefault(name, {}).update(found)
    return (
        {**baselines.rankings(needs, technologies, there)},
        {**baselines.rankings(technologies, needs, None if back is None else back.T)},
        {**typed},
    )


def _echoes(askers: Side, pool: Side) -> tuple[baselines.Scores, baselines.Scores] | tuple[None, None]:
    if askers.tokens is None or pool.tokens is None:
        return None, None
    return baselines.late(askers.tokens, pool.tokens)


def _ids(results: Mapping[str, Results]) -> Rankings:
    return {key: [match.id for match in found.matches] for key, found in results.items()}
