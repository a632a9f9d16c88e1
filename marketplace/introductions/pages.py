"""Introductions as finished words: for each side what `rules.seen_by` allows, for the broker everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from marketplace import clock
from marketplace.clock import LONDON
from marketplace.introductions import rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.queries import Viewpoint
from marketplace.introductions.rules import Decision, Seen, Side, State
from marketplace.needs.models import Need
from marketplace.technologies.models import Technology
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import count, day, listed, moment

SEEN_COLOURS = {
    Seen.TO_ANSWER: "yellow",
    Seen.ACCEPTED: "blue",
    Seen.DECLINED: "grey",
    Seen.INTRODUCED: "green",
    Seen.NOT_GOING_AHEAD: "grey",
}
STATE_COLOURS = {
    State.PROPOSED: "yellow",
    State.WAITING_FOR_SUPPLIER: "yellow",
    State.WAITING_FOR_NEED: "yellow",
    State.INTRODUCED: "green",
    State.STOPPED: "grey",
}
NOT_TOLD = (
    f"It may be that {listed(rules.POSSIBLE_REASONS, 'or')}. "
    "We do not say which, so that both sides can answer freely."
)
MEET = (
    "The other side accepted too. Agree a first meeting within two weeks: "
    "we suggest that the need side writes first."
)
PRIVACY = (
    "The other side is not told your answer unless both sides accept. Contact details are shared only then."
)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the list of introductions."""

    link: Link
    between: str
    tag: Tag
    facts: str


@dataclass(frozen=True, slots=True)
class Section:
    """Introductions at the same point."""

    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class ListingPage(Page):
    """The introductions that concern a person, those that wait for them first."""

    template = "introductions/listing.html"

    title: str = "Introductions"
    lede: str
    sections: tuple[Section, ...]
    empty: tuple[str, ...]
    next_step: Link


@dataclass(frozen=True, slots=True)
class Panel:
    """What one side is told, and the two answers it may give."""

    heading: str
    paragraphs: tuple[str, ...]
    accept: Link | None
    decline: Link | None


@dataclass(frozen=True, slots=True)
class BrokerPanel:
    """What the broker alone is told, and what they may do."""

    rows: tuple[Row, ...]
    paragraphs: tuple[str, ...]
    action: Link | None


@dataclass(frozen=True, slots=True)
class ContactCard:
    """A person to talk to."""

    standing: str
    name: str
    job_title: str
    email: str
    telephone: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed: both sides, why, and until when."""

    need: Link
    organisation: str
    problem: str
    must: tuple[str, ...]
    technology: Link
    supplier: str
    summary: str
    note: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class IntroductionPage(Page):
    """One introduction, as the person who looks may see it."""

    template = "introductions/introduction.html"

    standing: Tag
    proposal: Proposal
    panels: tuple[Panel, ...]
    contacts: tuple[ContactCard, ...]
    broker: BrokerPanel | None


@dataclass(frozen=True, kw_only=True)
class AnswerPage(Page):
    """Confirm an answer; ``conflict`` tells what happened since the page was opened."""

    template = "introductions/answer.html"

    back: Link
    subject: str
    paragraphs: tuple[str, ...]
    conflict: str
    declines: bool
    may_answer: bool


@dataclass(frozen=True, kw_only=True)
class ClosePage(Page):
    """Close an introduction that has not been made."""

    template = "introductions/close.html"

    title: str = "Close this introduction"
    back: Link
    subject: str
    paragraphs: tuple[str, ...]
    conflict: str
    may_close: bool


@dataclass(frozen=True, kw_only=True)
class ProposePage(Page):
    """Write a note to both sides, then check it."""

    template = "introductions/propose.html"

    back: Link
    rows: tuple[Row, ...]
    address: str
    note: str
    checking: bool
    hindrance: str
    existing: Link | None
    promises: tuple[str, ...]


def names(introduction: Introduction) -> str:
    """Return what an introduction is called."""
    return f"{technology_name(introduction)} for “{need_title(introduction)}”"


def need_title(introduction: Introduction) -> str:
    """Return the need's title as it is published now."""
    current = introduction.need.current
    return current.title if current else ""


def technology_name(introduction: Introduction) -> str:
    """Return the technology's name as it is listed now."""
    current = introduction.technology.current
    return current.name if current else ""


def time_left(until: datetime, now: datetime) -> str:
    """Return how much time is left in words, such as “8 days left” or “last day”."""
    days = (until.astimezone(LONDON).date() - now.astimezone(LONDON).date()).days
    if until <= now:
        return "time has run out"
    return "last day" if days == 0 else f"{count(days, 'day')} left"


def listing(
    introductions: Iterable[tuple[Introduction, Viewpoint]], now: datetime, *, brokers: bool, sides: bool
) -> ListingPage:
    """Return the list, as sections in the order in which they want attention."""
    grouped: dict[str, list[Item]] = {
        heading: []
        for heading in (
            "Waiting for your answer",
            "Waiting for answers",
            "Answered",
            "Introduced",
            "Not going ahead",
        )
    }
    for introduction, viewpoint in introductions:
        heading, _, _ = _standing(introduction, viewpoint, now)
        grouped[heading].append(listing_item(introduction, viewpoint, now))
    waiting = len(grouped["Waiting for your answer"])
    hanging = len(grouped["Waiting for answers"])
    lede = []
    if sides:
        lede.append(f"{count(waiting, 'introduction waits', 'introductions wait')} for your answer.")
    if brokers:
        lede.append(
            f"{count(hanging, 'proposal of your HIN waits', 'proposals of your HIN wait')} for answers."
        )
    if brokers:
        empty = (
            "Introductions that your HIN proposes will appear here, with both sides’ answers.",
            "Start from a need of your patch and one of the technologies that fit it.",
        )
        next_step = Link("Go to your patch", url_for("introductions.patch"))
    else:
        empty = (
            "When a HIN broker proposes to introduce you to somebody, it appears here and you get an e-mail.",
            "You then have 10 working days to accept or decline. Nobody gets your contact details before that.",
        )
        next_step = Link("Go to your start page", url_for("home.start"))
    sections = tuple(Section(heading, tuple(items)) for heading, items in grouped.items() if items)
    return ListingPage(lede=" ".join(lede), sections=sections, empty=empty, next_step=next_step)


def listing_item(introduction: Introduction, viewpoint: Viewpoint, now: datetime) -> Item:
    """Return an introduction as a line of a list."""
    _, tag, facts = _standing(introduction, viewpoint, now)
    return Item(
        link=Link(names(introduction), url_for("introductions.introduction", ref=introduction.ref)),
        between=f"{introduction.need.organisation.name} and {introduction.technology.supplier.name}",
        tag=tag,
        facts=" ".join(facts),
    )


def _standing(introduction: Introduction, viewpoint: Viewpoint, now: datetime) -> tuple[str, Tag, list[str]]:
    course = introduction.course
    proposed = f"Proposed on {day(introduction.proposed_at)}."
    due = f"Answers count until {moment(course.decide_by)}, {time_left(course.decide_by, now)}."
    if viewpoint.sides:
        seen = [rules.seen_by(side, course, now) for side in viewpoint.sides]
        first = Seen.TO_ANSWER if Seen.TO_ANSWER in seen else seen[0]
        tag = Tag(first.label, SEEN_COLOURS[first])
        if first is Seen.TO_ANSWER:
            answer_by = f"Answer by {moment(course.decide_by)}, {time_left(course.decide_by, now)}."
            return "Waiting for your answer", tag, [answer_by, f"Proposed by {broker_words(introduction)}."]
        if first.open:
            return "Answered", tag, [proposed, due]
        heading = "Introduced" if first is Seen.INTRODUCED else "Not going ahead"
        return heading, tag, [proposed]
    state = rules.state(course, now)
    tag = Tag(state.label, STATE_COLOURS[state])
    if state.waiting:
        return "Waiting for answers", tag, [due, f"Proposed by {broker_words(introduction)}."]
    if state is State.INTRODUCED:
        return "Introduced", tag, [proposed]
    facts = [f"{rules.told(course, now)}.", proposed]
    if not course.ended(now):
        facts.append("The other side may still answer. Neither side knows of a refusal.")
    return "Not going ahead", tag, facts


def broker_words(introduction: Introduction) -> str:
    """Return the broker's name with the HIN's."""
    who = introduction.broker.name if introduction.broker else "a broker"
    return f"{who} of {introduction.hin.name}"


def page(
    introduction: Introduction,
    viewpoint: Viewpoint,
    contacts: Iterable[rules.Contact],
    now: datetime,
) -> IntroductionPage:
    """Return the page of one introduction."""
    _, tag, _ = _standing(introduction, viewpoint, now)
    return IntroductionPage(
        title=names(introduction),
        standing=tag,
        proposal=_proposal(introduction),
        panels=tuple(_panel(introduction, side, now) for side in viewpoint.sides),
        contacts=tuple(
            ContactCard(one.standing, one.name, one.job_title, one.email, one.telephone) for one in contacts
        ),
        broker=_broker_panel(introduction, now) if viewpoint.broker else None,
    )


def _proposal(introduction: Introduction) -> Proposal:
    need, technology = introduction.need.current, introduction.technology.current
    return Proposal(
        need=Link(need_title(introduction), url_for("needs.need", ref=introduction.need.ref)),
        organisation=introduction.need.organisation.name,
        problem=need.problem if need else "",
        must=tuple(need.must) if need else (),
        technology=Link(
            technology_name(introduction),
            url_for("technologies.technology", ref=introduction.technology.ref),
        ),
        supplier=introduction.technology.supplier.name,
        summary=technology.summary if technology else "",
        note=introduction.note,
        rows=(
            Row("Proposed by", broker_words(introduction)),
            Row("Proposed on", day(introduction.proposed_at)),
            Row("Answers count until", moment(introduction.decide_by)),
        ),
    )


def _panel(introduction: Introduction, side: Side, now: datetime) -> Panel:
    seen = rules.seen_by(side, introduction.course, now)
    headings = {
        Seen.TO_ANSWER: "Your answer is needed",
        Seen.ACCEPTED: "You accepted",
        Seen.DECLINED: "You declined",
        Seen.INTRODUCED: "You have been introduced",
        Seen.NOT_GOING_AHEAD: rules.NOT_GOING_AHEAD,
    }
    until = f"{moment(introduction.decide_by)} ({time_left(introduction.decide_by, now)})"
    own = _own_words(introduction, side)
    paragraphs = {
        Seen.TO_ANSWER: (f"Please accept or decline by {until}.", PRIVACY),
        Seen.ACCEPTED: (
            own,
            f"We wait for the other side until {until}. You need do nothing until then, and may change your answer.",
            PRIVACY,
        ),
        Seen.DECLINED: (own, f"You may change your answer until {until}.", PRIVACY),
        Seen.INTRODUCED: (own, MEET),
        Seen.NOT_GOING_AHEAD: (own, NOT_TOLD, "No contact details were shared."),
    }[seen]

    def link(words: str, answer: str) -> Link:
        address = url_for("introductions.answer", ref=introduction.ref, side=side.value, answer=answer)
        return Link(words, address)

    accept = seen in (Seen.TO_ANSWER, Seen.DECLINED)
    decline = seen in (Seen.TO_ANSWER, Seen.ACCEPTED)
    return Panel(
        heading=headings[seen],
        paragraphs=tuple(words for words in paragraphs if words),
        accept=link("Accept" if seen is Seen.TO_ANSWER else "Accept instead", "accept") if accept else None,
        decline=link("Decline" if seen is Seen.TO_ANSWER else "Decline instead", "decline")
        if decline
        else None,
    )


def _own_words(introduction: Introduction, side: Side) -> str:
    """Return what this side answered, who did and when: for the people of this side."""
    if side is Side.NEED:
        decision, person, when = (
            introduction.need_decision,
            introduction.need_decided_by,
            introduction.need_decided_at,
        )
    else:
        decision, person, when = (
            introduction.supplier_decision,
            introduction.supplier_decided_by,
            introduction.supplier_decided_at,
        )
    if decision is None or when is None:
        return "Your side has not answered."
    verb = "accepted" if decision is Decision.ACCEPTED else "declined"
    return f"{person.name if person else 'Somebody'} {verb} for your side on {moment(when)}."


def _broker_panel(introduction: Introduction, now: datetime) -> BrokerPanel:
    course = introduction.course
    state = rules.state(course, now)
    rows = [
        Row("Where it stands", state.label),
        *_answer_rows(introduction.need.organisation.name, introduction, Side.NEED),
        *_answer_rows(introduction.technology.supplier.name, introduction, Side.SUPPLIER),
    ]
    if state is State.STOPPED:
        rows.append(Row("Why it stopped", rules.told(course, now)))
    if introduction.closed_at is not None:
        rows.append(Row("Closed on", moment(introduction.closed_at)))
    if introduction.closed_reason:
        rows.append(Row("Reason for closing", introduction.closed_reason))
    paragraphs = ["Only brokers of your HIN see this part."]
    action = None
    if not course.ended(now):
        if state is State.STOPPED:
            paragraphs.append(
                "A side that declined may still change its mind, and the other side still sees it as open. "
                f"It closes by itself on {day(course.decide_by)}; that is the safest way to keep a refusal secret."
            )
        action = Link("Close this introduction", url_for("introductions.close", ref=introduction.ref))
    elif state is State.STOPPED:
        gone = introduction.need.withdrawn_at or introduction.technology.archived_at
        if not gone:
            action = Link(
                "Propose it again",
                url_for(
                    "introductions.propose",
                    need_ref=introduction.need.ref,
                    technology_ref=introduction.technology.ref,
                ),
            )
    else:
        paragraphs.append("Ask both sides in two weeks whether they have met.")
    return BrokerPanel(tuple(rows), tuple(paragraphs), action)


def _answer_rows(who: str, introduction: Introduction, side: Side) -> list[Row]:
    decision = introduction.course.answer(side)
    when = introduction.need_decided_at if side is Side.NEED else introduction.supplier_decided_at
    reason = introduction.need_reason if side is Side.NEED else introduction.supplier_reason
    if decision is None or when is None:
        return [Row(who, "Has not answered")]
    rows = [Row(who, f"{decision.value.capitalize()} on {moment(when)}")]
    return [*rows, Row("Their reason", reason)] if reason else rows


def answer(
    introduction: Introduction, side: Side, decision: Decision, now: datetime, conflict: str = ""
) -> AnswerPage:
    """Return the page that confirms an answer."""
    seen = rules.seen_by(side, introduction.course, now)
    declines = decision is Decision.DECLINED
    if conflict:
        paragraphs = [f"Where it stands now: {seen.label.lower()}."]
        if seen.open:
            paragraphs.append(_own_words(introduction, side))
    elif declines:
        paragraphs = ["The other side is not told. They still see the proposal as open until it ends."]
    else:
        other = introduction.technology.supplier if side is Side.NEED else introduction.need.organisation
        shared = (
            f"If {other.name} accepts too, they get your name, job title, e-mail address and telephone number, "
            "and you get theirs. So does the broker."
        )
        paragraphs = [shared, "If they do not, nobody gets your details."]
    return AnswerPage(
        title="Decline this introduction" if declines else "Accept this introduction",
        back=Link("Back to the introduction", url_for("introductions.introduction", ref=introduction.ref)),
        subject=names(introduction),
        paragraphs=tuple(paragraphs),
        conflict=conflict,
        declines=declines,
        may_answer=seen.open,
    )


def closing(introduction: Introduction, now: datetime, conflict: str = "") -> ClosePage:
    """Return the page that asks the broker why."""
    state = rules.state(introduction.course, now)
    ended = introduction.course.ended(now)
    if conflict or ended:
        paragraphs = [f"Where it stands now: {state.label.lower()}."]
        conflict = conflict or "This introduction can no longer be closed."
    else:
        paragraphs = [
            "Both sides get the same e-mail. It names three possible causes and does not say which it was."
        ]
        if Decision.DECLINED in (introduction.need_decision, introduction.supplier_decision):
            paragraphs.append(
                "One side has declined. If you close it now the other side may guess why. "
                f"It closes by itself on {day(introduction.decide_by)}."
            )
    return ClosePage(
        back=Link("Back to the introduction", url_for("introductions.introduction", ref=introduction.ref)),
        subject=names(introduction),
        paragraphs=tuple(paragraphs),
        conflict=conflict,
        may_close=not ended,
    )


def proposing(
    need: Need,
    technology: Technology,
    *,
    note: str = "",
    checking: bool = False,
    existing: Introduction | None = None,
) -> ProposePage:
    """Return the page on which a broker writes the note, or checks it."""
    wanted, offered = need.current, technology.current
    hindrance = ""
    if need.withdrawn_at is not None:
        hindrance = "This need has been withdrawn, so nobody can be introduced for it."
    elif technology.archived_at is not None:
        hindrance = "This technology is no longer listed, so it cannot be introduced."
    elif existing is not None:
        hindrance = rules.INTRODUCED_BEFORE if existing.course.introduced else rules.ALREADY_OPEN
    rows = [
        Row("Need", wanted.title if wanted else ""),
        Row("Organisation", need.organisation.name),
        Row("What a solution must do", "", items=tuple(wanted.must) if wanted else ()),
        Row("Technology", offered.name if offered else ""),
        Row("Supplier", technology.supplier.name),
        Row("What it is", offered.summary if offered else ""),
    ]
    return ProposePage(
        title="Check before you propose" if checking else "Propose an introduction",
        back=Link("Back to the need", url_for("introductions.patch_need", need_ref=need.ref)),
        rows=tuple(rows),
        address=url_for("introductions.do_propose", need_ref=need.ref, technology_ref=technology.ref),
        note=note,
        checking=checking,
        hindrance=hindrance,
        existing=(
            Link("See where it stands", url_for("introductions.introduction", ref=existing.ref))
            if existing
            else None
        ),
        promises=(
            f"Both sides get an e-mail and have until {moment(rules.answer_by(clock.now()))} to answer.",
            "Neither side sees the other’s answer, or whether there is one, before both have accepted.",
            "Then both get each other’s contact details, and yours.",
        ),
    )
