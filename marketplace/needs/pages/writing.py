"""The pages on which a need is written: start, tasks, questions, check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from flask import url_for

from marketplace.access.actor import Actor
from marketplace.needs import coach, queries, rules, signed
from marketplace.needs.coach import Finding, Spot
from marketplace.needs.finder import Likes
from marketplace.needs.models import Need, NeedDraft
from marketplace.needs.pages.reading import LikeItem, like_items
from marketplace.needs.pages.words import UNTITLED, as_text, closed_words, value_of
from marketplace.needs.questions import ASKS, QUESTIONS, SECTIONS, Question, Shape
from marketplace.needs.rules import NeedContent, Progress, State
from marketplace.needs.signed import Comment, Leaders, SigningOff
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.search import meanings_of
from marketplace.web.words import count, moment

_TAGS = {
    Progress.NOT_STARTED: Tag("Not started", "grey"),
    Progress.STARTED: Tag("Started", "blue"),
    Progress.DONE: Tag("Completed", "green"),
}


@dataclass(frozen=True, kw_only=True)
class StartPage(Page):
    """Before the first question: how long it takes, and for which organisation it is."""

    template = "needs/start.html"

    title: str = "Write a need"
    organisation: str
    several: bool
    closed: str
    headings: tuple[str, ...] = tuple(question.heading for question in QUESTIONS)

    @classmethod
    def build(cls, organisations: Sequence[Organisation]) -> StartPage:
        """Build the page for somebody who writes for these organisations; closed ones start nothing new."""
        own = [one for one in organisations if not one.closed]
        return cls(
            organisation=own[0].name if own else "",
            several=len(own) > 1,
            closed=closed_words(organisations[0]) if organisations and not own else "",
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A line of the task list."""

    text: str
    href: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """A section of the task list."""

    heading: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True)
class Tasks(Page):
    """The task list of a draft."""

    template = "needs/tasks.html"

    organisation: str
    closed: str
    published: bool
    groups: tuple[TaskGroup, ...]
    done: str
    complete: bool
    check_href: str
    workspace_href: str
    discard_href: str
    saved: str
    looks: tuple[Link, ...]
    signing_off: SigningOff | None
    comments: tuple[Link, ...]
    people: Task

    @classmethod
    def build(cls, actor: Actor, need: Need, draft: NeedDraft) -> Tasks:
        """Build the page."""
        content = draft.content()
        states = {question.slug: rules.progress(content, question) for question in QUESTIONS}
        done = sum(state is Progress.DONE for state in states.values())
        return cls(
            title=content.title or UNTITLED,
            organisation=need.organisation.name,
            closed=closed_words(need.organisation),
            published=need.state is State.PUBLISHED,
            groups=tuple(
                TaskGroup(
                    section.heading,
                    tuple(
                        Task(
                            question.heading,
                            url_for("needs.question", ref=need.ref, slug=question.slug),
                            _TAGS[states[question.slug]],
                        )
                        for question in section.questions
                    ),
                )
                for section in SECTIONS
            ),
            done=f"You have completed {done} of {len(QUESTIONS)} questions.",
            complete=rules.is_complete(content),
            check_href=url_for("needs.check", ref=need.ref),
            workspace_href=url_for("needs.workspace"),
            discard_href=url_for("needs.discard", ref=need.ref),
            saved=f"Saved on {moment(draft.saved_at)}",
            looks=to_look_at(need, draft),
            signing_off=signed.signing_off_of(actor, need),
            comments=signed.comment_links(need),
            people=_people_task(need),
        )


def _people_task(need: Need) -> Task:
    leaders = signed.leaders_of(need, queries.members_in_force(need.organisation_id))
    return Task(
        "Who leads it, and who is the deputy?",
        url_for("reviews.people", ref=need.ref),
        _TAGS[Progress.NOT_STARTED] if leaders.warning else _TAGS[Progress.DONE],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the coach. ``key`` is what "leave as it is" sends."""

    key: str
    question: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """The place below a text where the coach's questions stand; also there while it is empty."""

    id: str
    asked: tuple[Asked, ...]


def open_findings(content: NeedContent, draft: NeedDraft) -> list[Finding]:
    """Return what the coach asks about these answers and nobody has left as it is."""
    return coach.still_open(coach.look_over(content, meanings_of), draft.left_as_is or ())


def has_unseen(draft: NeedDraft, spots: Sequence[Spot], shown: Collection[str]) -> bool:
    """Tell whether a page would ask something that was not on it when its answers were sent."""
    found = open_findings(draft.content(), draft)
    return any(one.key not in shown for spot in spots for one in coach.beside(found, spot))


def to_look_at(need: Need, draft: NeedDraft, back: str | None = None) -> tuple[Link, ...]:
    """Return the open questions of a whole need with the way to each field; missing answers are told elsewhere."""
    found = [one for one in open_findings(draft.content(), draft) if one.words]
    chosen = [(ask, one) for ask in ASKS.values() for one in coach.beside(found, Spot(ask.name, ask.name))]
    return tuple(
        Link(
            f"{ask.short}: {one.question}",
            url_for("needs.question", ref=need.ref, slug=rules.page_of(ask.name).slug, back=back)
            + f"#coach-{ask.name}{f'-{one.item}' if ask.shape is Shape.STATEMENTS else ''}",
        )
        for ask, one in chosen
    )


@dataclass(frozen=True, kw_only=True)
class QuestionPage(Page):
    """One question, with what the coach asks about its answers."""

    template = "needs/question.html"
    partial = "needs/_coach.html"

    caption: str
    lead: str
    names: tuple[str, ...]
    alone: bool
    shape: str
    number: str
    back_href: str
    look_href: str
    slots: Mapping[str, Slot]
    swaps: str
    looks: str
    look_first: str
    comments: Mapping[str, Comment]
    likes: tuple[LikeItem, ...]
    likes_note: str
    focus_last: bool = False

    @classmethod
    def build(
        cls,
        need: Need,
        draft: NeedDraft,
        question: Question,
        spots: Sequence[Spot],
        *,
        typed: NeedContent | None = None,
        ticked: Collection[str] = (),
        saved: bool = False,
        focus_last: bool = False,
        settled: Mapping[int, str | None] | None = None,
        wrong: Mapping[int, str] | None = None,
        likes: Likes | None = None,
    ) -> QuestionPage:
        """Build the page.

        ``typed`` is what stands on it where that is not the draft; ``ticked`` are the findings that shall be left.
        ``saved`` tells that the person comes back to look at what the coach asks. ``settled`` are replies to comments
        of a reviewer that are not saved, ``wrong`` what is wrong with them. ``likes`` are needs of others that say
        the same, where this page shows them.
        """
        first = question.asks[0]
        found = open_findings(draft.content() if typed is None else typed, draft)
        slots = {spot.name: _slot(spot, found, ticked) for spot in spots}
        asked = [slot for slot in slots.values() if slot.asked]
        total = sum(len(slot.asked) for slot in asked)
        return cls(
            title=question.heading,
            caption=draft.title or UNTITLED,
            lead=question.lead,
            names=question.names,
            alone=len(question.asks) == 1 and first.label == question.heading,
            shape=first.shape.value if first.shape in (Shape.STATEMENTS, Shape.EVIDENCE) else "",
            number=f"Question {QUESTIONS.index(question) + 1} of {len(QUESTIONS)}",
            back_href=url_for("needs.tasks", ref=need.ref),
            look_href=url_for("needs.answer", ref=need.ref, slug=question.slug),
            likes=like_items(likes, writing=True) if likes is not None else (),
            likes_note=likes.note if likes is not None else "",
            slots=slots,
            swaps=",".join(["#coach-said:innerHTML", *(f"#{slot.id}:innerMorph" for slot in slots.values())])
            if slots
            else "",
            looks=f"{count(total, 'question')} about what you wrote" if total else "",
            look_first=f"#{asked[0].id}" if asked and saved else "",
            comments={
                one.field: one
                for one in signed.comments_of(need, settled, wrong)
                if one.field in question.names
            },
            focus_last=focus_last,
        )


def _slot(spot: Spot, found: Sequence[Finding], ticked: Collection[str]) -> Slot:
    asked = (Asked(one.key, one.question, one.key in ticked) for one in coach.beside(found, spot))
    return Slot(f"coach-{spot.name}", tuple(asked))


@dataclass(frozen=True, slots=True)
class TwoTexts:
    """An answer that two people changed: what is saved, and what this person typed."""

    label: str
    theirs: str
    yours: str


@dataclass(frozen=True, kw_only=True)
class ConflictPage(QuestionPage):
    """The draft was changed meanwhile: both texts, and the form to keep one or merge them."""

    template = "needs/conflict.html"

    saved: str
    pairs: tuple[TwoTexts, ...]
    heading: str

    @classmethod
    def of(
        cls,
        need: Need,
        question: Question,
        spots: Sequence[Spot],
        theirs: NeedContent,
        yours: NeedContent,
        saved: str,
    ) -> ConflictPage:
        """Build the page from both contents."""
        assert need.draft is not None  # noqa: S101 - the conflict was raised about it
        page = QuestionPage.build(need, need.draft, question, spots, typed=yours)
        same = {item.name: getattr(page, item.name) for item in fields(page)}
        return cls(
            **same | {"title": "This answer was changed while you were writing", "alone": False},
            heading=question.heading,
            saved=saved,
            pairs=tuple(
                TwoTexts(ask.short, as_text(ask, theirs), as_text(ask, yours))
                for ask in question.asks
                if getattr(theirs, ask.name) != getattr(yours, ask.name)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class LostPage(Page):
    """The draft is gone; what was typed is shown to be copied."""

    template = "needs/lost.html"

    title: str = "This draft can no longer be changed"
    why: str
    typed: tuple[Row, ...]
    workspace_href: str

    @classmethod
    def build(cls, why: str, question: Question, typed: NeedContent) -> LostPage:
        """Build the page from what was typed."""
        rows = tuple(Row(ask.short, as_text(ask, typed)) for ask in question.asks)
        return cls(why=why, typed=rows, workspace_href=url_for("needs.workspace"))


@dataclass(frozen=True, slots=True)
class CheckSection:
    """A part of check-your-answers."""

    heading: str
    rows: tuple[CheckRow, ...]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """An answer, and the name of its field."""

    name: str
    row: Row


@dataclass(frozen=True, kw_only=True)
class Check(Page):
    """Check your answers; for an edited need also say what changed and submit it."""

    template = "needs/check.html"

    title: str = "Check your answers"
    caption: str
    closed: str
    sections: tuple[CheckSection, ...]
    missing: tuple[Link, ...]
    looks: tuple[Link, ...]
    likes: tuple[LikeItem, ...]
    likes_note: str
    signing_off: SigningOff | None
    waiting: bool
    comments: Mapping[str, Comment]
    to_settle: tuple[Link, ...]
    leaders: Leaders
    published: bool
    rank_href: str
    tasks_href: str
    compare: Link | None

    @classmethod
    def build(cls, actor: Actor, need: Need, draft: NeedDraft, likes: Likes) -> Check:
        """Build the page."""
        content, waiting = draft.content(), need.waiting is not None

        def link(question: Question) -> str:
            return url_for("needs.question", ref=need.ref, slug=question.slug, back="check")

        sections = []
        for section in SECTIONS:
            rows = []
            for question in section.questions:
                for ask in question.asks:
                    words, items = value_of(ask, content)
                    if not words and not items:
                        words = "None of these" if ask.name == "shift" else "Not answered"
                    change = "" if waiting else link(question)
                    rows.append(CheckRow(ask.name, Row(ask.short, words if not items else "", change, items)))
            sections.append(CheckSection(section.heading, tuple(rows)))
        return cls(
            caption=content.title or UNTITLED,
            closed=closed_words(need.organisation),
            sections=tuple(sections),
            missing=tuple(Link(gap.message, link(gap.question)) for gap in rules.gaps(content)),
            looks=() if waiting else to_look_at(need, draft, back="check"),
            likes=like_items(likes, writing=need.state is State.DRAFT),
            likes_note=likes.note,
            signing_off=signed.signing_off_of(actor, need),
            waiting=waiting,
            comments={one.field: one for one in signed.comments_of(need)},
            to_settle=signed.comment_links(need, back="check"),
            leaders=signed.leaders_of(need, queries.members_in_force(need.organisation_id)),
            compare=Link("See what changed", url_for("reviews.compare", ref=need.ref))
            if need.version + need.round > 1
            else None,
            published=need.state is State.PUBLISHED,
            rank_href=url_for("needs.rank", organisation_code=need.organisation.code),
            tasks_href=url_for("needs.tasks", ref=need.ref),
        )
