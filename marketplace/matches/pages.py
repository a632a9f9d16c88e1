"""Candidates with their reasons, as finished words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for

from marketplace.matches.rules import Order
from marketplace.needs.models import Need
from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.technologies.models import EvidenceItem, Technology
from marketplace.technologies.pages.words import passport_tag
from marketplace.technologies.rules import EvidenceState, PassportBadge, evidence_state
from marketplace.vocabulary import CareSetting, EvidenceType
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import ago, count, day
from matching.types import Answer, Fit, Match, Passage, Reason

FITS = {
    Fit.STRONG: Tag("Strong fit", "green"),
    Fit.FAIR: Tag("Fair fit", "blue"),
    Fit.WEAK: Tag("Weak fit", "grey"),
}
#: The same by the value that the face for rooms below tells.
FITS_BY_VALUE = {fit.value: tag for fit, tag in FITS.items()}
ANSWERS = {
    Answer.ANSWERS: Tag("Answers", "green"),
    Answer.PARTLY: Tag("Partly or unclear", "yellow"),
    Answer.NOTHING_FOUND: Tag("Nothing found", "grey"),
}
SOURCES = {
    "name": "its name",
    "summary": "its summary",
    "intended-use": "its intended use",
    "claims": "its claims",
    "replaces": "what it replaces",
    "settings": "its settings",
    "clinical-area": "its clinical areas",
    "statement": "its problem",
    "pathway": "what happens today",
    "outcome": "its wanted outcome",
    "requirement": "its must-haves",
}
NOT_READ_YET = "This was published only a moment ago and is being read. Reload the page in a few seconds."
WORDS_ONLY = (
    "Just now we can only compare words, not meaning, so good matches in other words may be missing. "
    "This mends itself when the language model is back."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a quotation, marked where it matters."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Must:
    """One must-have and what was found about it."""

    text: str
    answer: Tag
    quote: tuple[Piece, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence that is asked for, and how the technology stands."""

    text: str
    state: Tag


@dataclass(frozen=True, slots=True)
class Candidate:
    """A technology for a need, or a need for a technology."""

    ref: str
    link: Link
    by: str
    summary: str
    fit: Tag
    tags: tuple[Tag, ...]
    answered: str
    musts: tuple[Must, ...]
    evidence: tuple[Evidence, ...]
    facts: tuple[str, ...]
    action: Link | None = None
    also: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class CandidatesPage(Page):
    """Ranked candidates: those worth a person's time, then, apart, the nearest of the rest."""

    template = "matches/candidates.html"
    partial = "matches/_candidates.html"

    back: Link
    lede: str
    here: str
    fitting: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    status: str
    nothing: str
    next_words: str
    next: Link
    notes: tuple[str, ...]
    orders: tuple[Choice, ...]
    settings: tuple[Choice, ...]
    passport_only: bool | None
    filtered: bool
    pending: bool = False
    how: str = ""
    held: Link | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence as it was written, marked where it matters, and where it stands."""

    pieces: tuple[Piece, ...]
    source: str


def musts_of(match: Match) -> tuple[Must, ...]:
    """Return each must-have with its quotation."""
    return tuple(
        Must(
            text=reason.requirement,
            answer=ANSWERS[reason.answer],
            quote=quote_of(reason),
            source=source_of(reason),
        )
        for reason in match.reasons
    )


def quote_of(reason: Reason | None) -> tuple[Piece, ...]:
    """Return the quotation of a reason; () where it has none."""
    return pieces(reason.passage, reason.marks) if reason and reason.passage else ()


def source_of(reason: Reason | None) -> str:
    """Return where the quotation of a reason stands; "" where it has none."""
    return source_words(reason.passage.source) if reason and reason.passage else ""


def pieces(passage: Passage, marks: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """Cut a passage at its marks; joined again the pieces are the passage exactly."""
    found: list[Piece] = []
    at = 0
    for start, end in sorted(marks):
        if start < at:
            continue
        found += [Piece(passage.text[at:start], marked=False), Piece(passage.text[start:end], marked=True)]
        at = end
    found.append(Piece(passage.text[at:], marked=False))
    return tuple(piece for piece in found if piece.text)


def source_words(source: str) -> str:
    """Return where a passage stands, as people say it."""
    kind, _, key = source.partition(":")
    if kind == "evidence":
        return f"its evidence: {EvidenceType(key).label}"
    return SOURCES.get(kind, "its listing")


def answered_words(match: Match) -> str:
    """Return how many must-haves are answered, in words."""
    if not match.reasons:
        return ""
    full = sum(reason.answer is Answer.ANSWERS for reason in match.reasons)
    part = sum(reason.answer is Answer.PARTLY for reason in match.reasons)
    words = f"Answers {full or 'none'} of {count(len(match.reasons), 'must-have')}"
    if not part:
        return words
    return f"{words}, {part} more partly or unclear" if full else f"{words} fully, {part} partly or unclear"


def evidence_of(wanted: Sequence[str], held: Sequence[EvidenceItem], today: date) -> tuple[Evidence, ...]:
    """Return each kind of evidence wanted with the best state in which the technology holds it."""
    found = []
    for key in dict.fromkeys(wanted):
        states = {
            evidence_state(item.expires_on, item.withdrawn_at, on=today): item
            for item in held
            if item.type.value == key and item.withdrawn_at is None
        }
        if EvidenceState.CURRENT in states:
            tag = Tag("Held", "green")
        elif item := states.get(EvidenceState.EXPIRING):
            tag = Tag(f"Held until {day(item.expires_on)}" if item.expires_on else "Held", "yellow")
        elif item := states.get(EvidenceState.EXPIRED):
            tag = Tag(f"Expired {day(item.expires_on)}" if item.expires_on else "Expired", "red")
        else:
            tag = Tag("Missing", "grey")
        found.append(Evidence(EvidenceType(key).label, tag))
    return tuple(found)


def evidence_words(evidence: Sequence[Evidence]) -> str:
    """Return how much of the evidence wanted is held, in words."""
    held = sum(item.state.text.startswith("Held") for item in evidence)
    return f"Holds {held} of {len(evidence)} kinds of evidence wanted" if evidence else ""


def technology_candidate(
    technology: Technology,
    match: Match,
    need: Need,
    badge: PassportBadge | None,
    action: Link | None,
    today: date,
    also: Sequence[Technology] = (),
) -> Candidate:
    """Return a technology as a candidate for a need; ``also`` are those that say nearly the same."""
    version, wanted = technology.current, need.current
    if version is None or wanted is None:
        raise ValueError("only public versions are matched")
    evidence = evidence_of([item["type"] for item in wanted.evidence_wanted], technology.evidence, today)
    facts = [evidence_words(evidence)]
    facts.append(version.readiness.label if version.readiness else "")
    if wanted.care_setting:
        used = wanted.care_setting.value in version.settings
        facts.append(f"{'Made' if used else 'Not said to be made'} for: {wanted.care_setting.label.lower()}")
    return Candidate(
        ref=technology.ref,
        link=Link(version.name, url_for("technologies.technology", ref=technology.ref)),
        by=technology.supplier.name,
        summary=version.summary,
        fit=FITS[match.fit],
        tags=(passport_tag(badge),),
        answered=answered_words(match),
        musts=musts_of(match),
        evidence=evidence,
        facts=tuple(fact for fact in facts if fact),
        action=action,
        also=tuple(
            Link(
                f"{one.current.name} by {one.supplier.name}", url_for("technologies.technology", ref=one.ref)
            )
            for one in also
            if one.current is not None
        ),
    )


def need_candidate(need: Need, match: Match, technology: Technology, today: date) -> Candidate:
    """Return a need as a candidate for a technology."""
    version = need.current
    if version is None or need.published_at is None:
        raise ValueError("only public versions are matched")
    evidence = evidence_of([item["type"] for item in version.evidence_wanted], technology.evidence, today)
    missing = [item.text for item in evidence if not item.state.text.startswith("Held")]
    facts = [evidence_words(evidence)]
    if missing:
        facts.append(
            f"Evidence missing: {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else "")
        )
    facts.append(f"Wanted: {version.timing.label.lower()}" if version.timing else "")
    facts.append(version.funding_state.label if version.funding_state else "")
    facts.append(f"Published {ago(need.published_at, today)}")
    tags = [Tag(PLACE_WORDS[need.priority.rank - 1], "blue")] if need.priority else []
    return Candidate(
        ref=need.ref,
        link=Link(version.title, url_for("needs.need", ref=need.ref)),
        by=need.organisation.name,
        summary=version.problem,
        fit=FITS[match.fit],
        tags=tuple(tags),
        answered=answered_words(match),
        musts=musts_of(match),
        evidence=evidence,
        facts=tuple(fact for fact in facts if fact),
    )


def orders(chosen: Order, offered: Sequence[Order]) -> tuple[Choice, ...]:
    """Return the orders as choices."""
    return tuple(Choice(order.value, order.label, order is chosen) for order in offered)


def settings(chosen: CareSetting | None) -> tuple[Choice, ...]:
    """Return the settings as choices, with any at the top."""
    return (
        Choice("", "Any setting", chosen is None),
        *(Choice(setting.value, setting.label, setting is chosen) for setting in CareSetting),
    )
