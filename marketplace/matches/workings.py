"""How a match was made, step by step: what each part of the matcher did with a text or a published need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.access.actor import Actor
from marketplace.matches import candidates, finder, pages
from marketplace.needs import queries as needs
from marketplace.technologies import queries as technologies
from marketplace.technologies.models import Technology
from marketplace.web.forms import clean_line
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, listed, searched_for_first
from matching.matcher import Stage
from matching.types import Hit, Match, Results

OF_A_NEED = "How these matches were made"
#: Lines shown of each step.
LINES = 10
STEPS = {
    "retrieve": (
        "Proposed by words, and by meaning",
        (
            "Two searches run side by side. One looks for the same words and terms, the other for the same meaning "
            "in other words. Each of them misses things that the other finds."
        ),
    ),
    "combine": (
        "Put together",
        (
            "Each candidate is judged by how far it stands above what it has in common with any text, so that a "
            "listing that sounds a little like everything gains nothing."
        ),
    ),
    "rerank": (
        "Compared word by word",
        (
            "The best are compared again, each word of the question with its nearest word in the listing. This finds "
            "answers that are described by how they work."
        ),
    ),
    "own words": (
        "Own words only",
        (
            "Text that is copied from the need, or from an older listing of somebody else, does not count. What is "
            "left is compared again."
        ),
    ),
    "spread": (
        "Each product once",
        (
            "Listings that say nearly the same share one place, that of the oldest. One supplier has at most four of "
            "the first ten; the rest follow behind."
        ),
    ),
    "explain": (
        "Explained",
        "For each must-have the nearest passage is looked for. Where none is near enough, we say so.",
    ),
    "decide": (
        "Decided",
        "Each candidate gets one word: strong, fair or weak. If all are weak, people are told that nothing fits.",
    ),
}
"""Heading and explanation of each step, by its name; a step that is not here is shown under its own name."""

RETRIEVERS = {"keyword": "By words", "dense": "By meaning", "all": ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate at one step: how it moved since the step before, in words."""

    link: Link
    moved: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a step; ``heading`` is empty where the step has only one."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step as people read it."""

    heading: str
    text: str
    lists: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a candidate ended."""

    link: Link
    fit: Tag
    answered: str
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class WorkingsPage(Page):
    """What each step did. ``asked`` is false where nothing was typed yet."""

    template = "matches/workings.html"

    title: str = "How a match is made"
    lede: str = ""
    back: Link | None = None
    typed: str = ""
    asked: bool = False
    read_as: str = ""
    terms: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    steps: tuple[StepShown, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    nothing: str = ""
    notes: tuple[str, ...] = ()


def for_text(actor: Actor, typed: str) -> WorkingsPage:
    """Return how technologies are found for a typed text; an empty one gets only the explanation."""
    text, notes = clean_line(typed), []
    if len(text) > candidates.TEXT_LIMIT:
        text = text[: candidates.TEXT_LIMIT].rstrip()
        notes.append(searched_for_first(candidates.TEXT_LIMIT))
    if not text:
        return WorkingsPage(steps=_explained())
    return _page(actor, finder.trace_text(text, LINES), lede="", back=None, typed=text, notes=notes)


def for_need(actor: Actor, ref: str) -> WorkingsPage:
    """Return how technologies are found for a published need.

    Raises:
        NotVisible: there is no such published need.
        NotPermitted: the actor may not read its matches.
    """
    need = needs.published_by_ref(actor, ref)
    candidates.ensure_may_read(actor, need)
    back = Link("Back to the matches", url_for("matches.for_need", ref=ref))
    lede = need.current.title if need.current else ""
    traced = finder.trace_need(ref, LINES)
    if traced is None:
        return WorkingsPage(
            title=OF_A_NEED, lede=lede, back=back, steps=_explained(), notes=(pages.NOT_READ_YET,)
        )
    return _page(actor, traced, lede=lede, back=back, typed="", notes=[])


def _terms(concepts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return each term once, as it is written, with all that it is read as; itself goes without saying."""
    meanings: dict[str, tuple[str, list[str]]] = {}
    for written, meaning in concepts:
        if written.casefold() != meaning.casefold():
            meanings.setdefault(written.casefold(), (written, []))[1].append(meaning)
    return tuple(f"“{written}”, read also as {listed(found, 'or')}" for written, found in meanings.values())


def _explained() -> tuple[StepShown, ...]:
    return tuple(StepShown(heading, text, ()) for heading, text in STEPS.values())


def _page(
    actor: Actor, traced: finder.Traced, *, lede: str, back: Link | None, typed: str, notes: Sequence[str]
) -> WorkingsPage:
    reading, results, stages = traced
    refs = {hit.id for stage in stages for hits in stage.lists.values() for hit in hits}
    listed = {one.ref: one for one in technologies.listed_by_refs(actor, list(refs))}
    accepted = any(match.accepted for match in results.matches)
    return WorkingsPage(
        title=OF_A_NEED if back else WorkingsPage.title,
        lede=lede,
        back=back,
        typed=typed,
        asked=True,
        read_as=reading.encoded,
        terms=_terms(reading.concepts),
        words=tuple(_share(word, share) for word, share in reading.words[:12]),
        mended=tuple(was for was, _ in reading.mended),
        steps=_steps(stages, listed),
        verdicts=_verdicts(results, listed),
        nothing="" if accepted else "Nothing on the register fits this well.",
        notes=(*notes, *((pages.WORDS_ONLY,) if results.degraded else ())),
    )


def _share(word: str, share: float) -> str:
    return f"{word} ({round(share * 100)}%)"


def _steps(stages: Sequence[Stage], listed: Mapping[str, Technology]) -> tuple[StepShown, ...]:
    shown: list[StepShown] = []
    before: Sequence[Hit] = ()
    for stage in stages:
        heading, text = STEPS.get(stage.name, (stage.name.capitalize(), ""))
        lists = tuple(
            Listing(f"{RETRIEVERS.get(name, name)}", _lines(hits, before, listed))
            for name, hits in stage.lists.items()
        )
        # What only adds reasons or verdicts leaves the order as it was: the same list again would say nothing.
        same = "all" in stage.lists and [hit.id for hit in stage.lists["all"]] == [hit.id for hit in before]
        if stage.name == "retrieve":
            text += f" Together they proposed {count(stage.candidates, 'candidate')}."
        shown.append(StepShown(heading, text, () if same else lists))
        before = stage.lists.get("all", ())
    return tuple(shown)


def _lines(hits: Sequence[Hit], before: Sequence[Hit], listed: Mapping[str, Technology]) -> tuple[Line, ...]:
    places = {hit.id: place for place, hit in enumerate(before, start=1)}
    return tuple(
        Line(_link(listed[hit.id]), _moved(place, places.get(hit.id)) if before else "")
        for place, hit in enumerate(hits, start=1)
        if hit.id in listed
    )


def _moved(place: int, was: int | None) -> str:
    if was is None:
        return "from further down"
    if was == place:
        return ""
    return f"up from {was}" if was > place else f"down from {was}"


def _verdicts(results: Results, listed: Mapping[str, Technology]) -> tuple[Verdict, ...]:
    return tuple(_verdict(match, listed[match.id]) for match in results.matches if match.id in listed)


def _verdict(match: Match, technology: Technology) -> Verdict:
    return Verdict(
        _link(technology), pages.FITS[match.fit], pages.answered_words(match), accepted=match.accepted
    )


def _link(technology: Technology) -> Link:
    name = technology.current.name if technology.current else ""
    return Link(name, url_for("technologies.technology", ref=technology.ref))
