"""Questions as finished words and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for

from marketplace.needs.models import Need
from marketplace.questions import rules
from marketplace.questions.models import Question
from marketplace.questions.rules import State
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, day

STATES = {
    State.WAITING: Tag("Waits for an answer", "yellow"),
    State.ANSWERED: Tag("Answered", "green"),
    State.DECLINED: Tag("Not answered in public", "grey"),
}


@dataclass(frozen=True, slots=True)
class Answered:
    """A public question with its answer."""

    question: str
    answer: str
    when: str


@dataclass(frozen=True, slots=True)
class OnNeed:
    """What a need's page shows of questions: the answered ones, and what this person can do."""

    answered: tuple[Answered, ...]
    ask: Link | None
    waiting: Link | None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of one's own list. ``action`` is what can be done now."""

    need: Link
    question: str
    answer: str
    tag: Tag
    note: str
    action: Link | None = None


@dataclass(frozen=True, kw_only=True)
class ListPage(Page):
    """Questions that concern this person: to answer, answered, and asked by them."""

    template = "questions/list.html"

    title: str = "Questions"
    to_answer: tuple[Item, ...]
    settled: tuple[Item, ...]
    asked: tuple[Item, ...]
    answers: bool
    asks: bool


@dataclass(frozen=True, kw_only=True)
class AskPage(Page):
    """Ask about a need."""

    template = "questions/ask.html"

    title: str = "Ask a question about this need"
    need: Link
    back: Link
    closed: str
    answered: tuple[Answered, ...]


@dataclass(frozen=True, kw_only=True)
class AnswerPage(Page):
    """Answer a question, or correct an answer."""

    template = "questions/answer.html"

    need: Link
    back: Link
    asked: str
    note: str
    aside: Link | None
    conflict: str
    latest: Answered | None
    may_answer: bool
    corrects: bool


@dataclass(frozen=True, kw_only=True)
class SetAsidePage(Page):
    """Set a question aside."""

    template = "questions/aside.html"

    title: str = "Leave this question unanswered"
    back: Link
    asked: str
    conflict: str
    may: bool


def answered_of(questions: Sequence[Question]) -> tuple[Answered, ...]:
    """Return public questions with the answers that count."""
    return tuple(
        Answered(given.question_text, given.text, _when(question))
        for question in questions
        if (given := question.answer) is not None
    )


def _when(question: Question) -> str:
    given = question.answer
    if given is None or question.answered_at is None:
        return ""
    words = f"Answered on {day(question.answered_at)}"
    return words if given.number == 1 else f"{words}, corrected on {day(given.answered_at)}"


def need_link(need: Need) -> Link:
    """Return a link to the need of a question."""
    return Link(need.current.title if need.current else "", url_for("needs.need", ref=need.ref))


def to_answer_item(question: Question, today: date) -> Item:
    """Return a question that waits for an answer."""
    by = rules.answer_by(question.asked_at)
    late = f"It has waited since {day(question.asked_at)}: an answer was hoped for by {day(by)}"
    return Item(
        need=need_link(question.need),
        question=question.text,
        answer="",
        tag=Tag("Late", "red") if by < today else STATES[State.WAITING],
        note=late if by < today else f"Please answer by {day(by)}",
        action=Link("Answer this question", url_for("questions.answer", ref=question.ref)),
    )


def settled_item(question: Question) -> Item:
    """Return a question of one's own needs that was answered or set aside."""
    given = question.answer
    reason = question.declined_reason
    open_need = question.need.withdrawn_at is None
    return Item(
        need=need_link(question.need),
        question=given.question_text if given else question.text,
        answer=given.text if given else "",
        tag=STATES[question.state],
        note=_when(question) if given else f"{reason.label}. Only the asker was told" if reason else "",
        action=Link("Correct this answer", url_for("questions.answer", ref=question.ref))
        if given and open_need
        else None,
    )


def asked_item(question: Question) -> Item:
    """Return a question that one's own organisation asked."""
    given, reason = question.answer, question.declined_reason
    if given:
        note = _when(question)
    elif reason:
        note = f"{reason.label}. Only you see this"
    elif question.need.withdrawn_at is not None:
        note = "The need was withdrawn before it was answered"
    else:
        hoped = day(rules.answer_by(question.asked_at))
        note = f"Asked on {day(question.asked_at)}. An answer is hoped for by {hoped}"
    return Item(
        need_link(question.need), question.text, given.text if given else "", STATES[question.state], note
    )


def waiting_link(number: int) -> Link | None:
    """Return the way to the questions that wait, for those who may answer; None where none waits."""
    if not number:
        return None
    return Link(
        f"{count(number, 'question')} {'waits' if number == 1 else 'wait'} for your answer",
        url_for("questions.listing"),
    )
