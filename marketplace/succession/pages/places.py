"""Choose whose needs hold the three places of a successor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.succession import rules, wording
from marketplace.succession.pages.choices import Option
from marketplace.succession.placing import Contest
from marketplace.succession.queries import Holdings
from marketplace.succession.rules import UNPLACED, WITHDRAW
from marketplace.web.pages import Page
from marketplace.web.words import count


@dataclass(frozen=True, slots=True)
class Contender:
    """A need that held a place, with what can become of it."""

    field: str
    ref: str
    title: str
    by: str
    options: tuple[Option, ...]
    suggested: str
    reason: str
    may_withdraw: bool
    error: str


@dataclass(frozen=True, slots=True)
class Round:
    """The places of one cycle."""

    heading: str
    words: str
    contenders: tuple[Contender, ...]
    problem: str


@dataclass(frozen=True, kw_only=True)
class PlacesPage(Page):
    """Choose whose needs hold the three places of a successor."""

    template = "succession/places.html"

    sentence: str
    rounds: tuple[Round, ...]
    back: str
    lock_version: int

    @classmethod
    def build(
        cls,
        holdings: Holdings,
        contests: Sequence[Contest],
        *,
        typed: Mapping[tuple[int, str], tuple[str, str]] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> PlacesPage:
        """Return the page of one successor's contests."""
        return cls(
            title=f"Top three of {contests[0].successor.name}",
            sentence=wording.sentence(holdings.change),
            rounds=tuple(_round(holdings, contest, typed, errors or {}) for contest in contests),
            back=url_for("succession.change", ref=holdings.change.ref),
            lock_version=holdings.change.lock_version,
        )


def place_words(choice: str) -> str:
    """Return a choice of place as people read it."""
    return {
        **{str(number): words for number, words in enumerate(PLACE_WORDS, start=1)},
        UNPLACED: "No place: it stays published, but is not listed as open",
        WITHDRAW: "Withdraw it",
    }[choice]


def _round(
    holdings: Holdings,
    contest: Contest,
    typed: Mapping[tuple[int, str], tuple[str, str]] | None,
    errors: Mapping[str, str],
) -> Round:
    saved = {place.ref: (place.choice, place.words) for place in contest.chosen(holdings)}
    contenders = []
    for one in contest.candidates:
        choice, reason = (typed or {}).get((contest.cycle.id, one.ref), saved[one.ref])
        contenders.append(
            Contender(
                field=f"{contest.cycle.id}-{one.ref}",
                ref=one.ref,
                title=one.title,
                by=f"Place {one.rank} of {one.by} before" + ("" if one.own else ", co-signed"),
                options=tuple(Option(value, place_words(value), value == choice) for value in one.options),
                suggested=place_words(one.suggestion) if one.suggestion and not choice else "",
                reason=reason,
                may_withdraw=WITHDRAW in one.options,
                error=errors.get(one.ref, ""),
            )
        )
    number = len(contest.candidates)
    problem = contest.problem(holdings)
    begun = any(choice for choice, _ in saved.values())
    return Round(
        heading=contest.cycle.name,
        words=f"{count(number, 'need')} held a place, and there are three."
        if number > rules.PLACES
        else f"{count(number, 'need')} held a place. All of them can keep one.",
        contenders=tuple(contenders),
        problem=problem.message if problem is not None and begun else "",
    )
