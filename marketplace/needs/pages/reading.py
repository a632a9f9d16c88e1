"""One need, as its readers see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import current_app, url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.needs import queries, signed
from marketplace.needs.finder import Likes
from marketplace.needs.models import Need, NeedVersion
from marketplace.needs.pages.words import (
    UNTITLED,
    is_open,
    matches_link,
    organisation_link,
    people_words,
    stand_tags,
    value_of,
)
from marketplace.needs.questions import QUESTIONS, Shape
from marketplace.needs.rounds import Stand, Standing
from marketplace.needs.rules import NeedContent
from marketplace.needs.signed import Leaders
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import day, listed


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A line of a need's history."""

    words: str
    note: str
    href: str


class AnsweredShown(Protocol):
    """A public question with its answer."""

    question: str
    answer: str
    when: str


class QuestionsShown(Protocol):
    """What the room of questions, which lies above, shows on a need's page."""

    answered: Sequence[AnsweredShown]
    ask: Link | None
    waiting: Link | None


class SharingShown(Protocol):
    """Who shares a need, as its page shows it; `marketplace.families`, which lies above, makes it."""

    heading: str
    lines: tuple[Any, ...]
    total: str
    co_sign: Link | None
    ours: Link | None
    family: Link | None


@dataclass(frozen=True, slots=True)
class LikeItem:
    """A need of another organisation that says the same. ``action`` is what can be done about it, if anything."""

    title: Link
    organisation: Link
    shared: str
    action: Link | None = None

    @classmethod
    def of(cls, need: Need, shared: Sequence[str], *, writing: bool) -> LikeItem:
        """Build one line; who is ``writing`` may co-sign it instead."""
        title = need.current.title if need.current is not None else ""
        return cls(
            Link(title, url_for("needs.need", ref=need.ref)),
            organisation_link(need.organisation),
            f"Both speak of {listed(shared)}" if shared else "",
            Link("Co-sign this need instead of publishing yours", url_for("families.co_sign", ref=need.ref))
            if writing
            else None,
        )


def like_items(likes: Likes, *, writing: bool = False) -> tuple[LikeItem, ...]:
    """Return the lines of a list of like needs."""
    return tuple(LikeItem.of(need, shared, writing=writing) for need, shared in likes.needs)


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a need as the public reads it; ``facts`` are its choices, with the name of each field."""

    problem: str
    who: str
    people: str
    pathway: str
    outcome: str
    measures: tuple[tuple[str, Row], ...]
    must: tuple[str, ...]
    evidence: tuple[Row, ...]
    facts: tuple[tuple[str, Row], ...]

    @classmethod
    def of(cls, content: NeedContent) -> Statement:
        """Return a need's answers as its page shows them."""
        return cls(
            problem=content.problem,
            who=content.who_affected,
            people=people_words(content),
            pathway=content.pathway_today,
            outcome=content.outcome,
            measures=(
                ("measure", Row("Measure", content.measure)),
                ("baseline", Row("Today", content.baseline)),
                ("target", Row("Target", content.target)),
            ),
            must=content.must,
            evidence=tuple(Row(wanted.type.label, wanted.detail) for wanted in content.evidence_wanted),
            facts=tuple(
                (ask.name, Row(ask.short, words))
                for question in QUESTIONS
                for ask in question.asks
                if ask.shape is Shape.CHOICE and (words := value_of(ask, content)[0])
            ),
        )


@dataclass(frozen=True, kw_only=True)
class NeedPage(Page):
    """A published need, or one of its earlier versions."""

    template = "needs/need.html"

    organisation: Link
    tags: tuple[Tag, ...]
    standing: str
    confirm: Link | None
    published: str
    signed: str
    statement: Statement
    likes: tuple[LikeItem, ...]
    likes_note: str
    history: tuple[VersionLine, ...]
    compare: Link | None
    leaders: Leaders | None
    asked: tuple[Row, ...]
    asked_words: str
    old: str
    current_href: str
    matches: Link | None
    own: bool
    edit_href: str
    draft_href: str
    withdraw_href: str
    workspace_href: str
    questions: QuestionsShown
    sharing: SharingShown

    @classmethod
    def build(cls, actor: Actor, need: Need, version: NeedVersion, likes: Likes) -> NeedPage:
        """Build the page of one version of a published need."""
        content = version.content()
        own = actor.may(Permission.NEED_WRITE, need.organisation_id)
        current = version.number == need.version
        where = queries.stand_of(need)
        lapsed = where is not None and where.standing is Standing.LAPSED
        asked = signed.changes_asked(need) if own and current else ()
        return cls(
            title=version.title,
            organisation=organisation_link(need.organisation),
            tags=stand_tags(need, where, " of this organisation") if current else (),
            standing=_standing_words(need, where) if current else "",
            confirm=confirm_link(actor, need.organisation) if where and own and _may_confirm(where) else None,
            published=_published_words(need, version),
            signed=signed.signed_words(queries.sign_off_of(need.id, version.number)),
            statement=Statement.of(content),
            likes=like_items(likes),
            likes_note=likes.note,
            history=version_lines(need),
            compare=compare_link(need),
            leaders=_leaders_to_show(need) if own else None,
            asked=asked,
            asked_words=f"{signed.reviewer(need.sign_off)} asks for changes."
            if asked and need.sign_off
            else "",
            old="" if current else f"This is version {version.number}. The need has changed since",
            current_href=url_for("needs.need", ref=need.ref),
            matches=matches_link(actor, need) if not lapsed else None,
            own=own,
            edit_href=url_for("needs.edit", ref=need.ref)
            if own and need.draft is None and not need.organisation.closed
            else "",
            draft_href=url_for("needs.tasks", ref=need.ref) if own and need.draft is not None else "",
            withdraw_href=url_for("needs.withdraw", ref=need.ref) if own else "",
            workspace_href=url_for("needs.workspace"),
            questions=current_app.extensions["questions_on_need"](actor, need),
            sharing=current_app.extensions["sharing_on_need"](actor, need),
        )


def _standing_words(need: Need, where: Stand | None) -> str:
    if where is None or where.standing is Standing.CURRENT or need.priority is None:
        return ""
    name, before = need.organisation.name, need.priority.cycle.name
    if where.standing is Standing.TO_CONFIRM:
        return (
            f"{name} named this need in {before}. It can confirm it for {where.round.name} until "
            f"{day(where.round.locks_on)}. If it does not, the need lapses."
        )
    return (
        f"This need lapsed on {day(where.lapsed_on)}: {name} named it in {before} and did not confirm it for "
        f"{where.round.name}. It is no longer listed as open, and no technology is matched to it."
    )


def _may_confirm(where: Stand) -> bool:
    return where.standing is not Standing.CURRENT and is_open(queries.current_cycle(), clock.today())


def confirm_link(actor: Actor, organisation: Organisation) -> Link | None:
    """Return the way to say whether an organisation's needs of the last cycle are still true."""
    if organisation.closed or not actor.may(Permission.NEED_PUBLISH, organisation.id):
        return None
    return Link(
        "Say whether it is still true", url_for("cycles.still_true", organisation_code=organisation.code)
    )


def compare_link(need: Need) -> Link | None:
    """Return the way to compare two published versions, once there are two."""
    if len(need.versions) < 2:
        return None
    return Link("Compare two versions", url_for("reviews.compare", ref=need.ref))


def _leaders_to_show(need: Need) -> Leaders | None:
    leaders = signed.leaders_of(need, queries.members_in_force(need.organisation_id))
    return leaders if leaders.warning and need.people is not None and need.people.owner_id else None


def _published_words(need: Need, version: NeedVersion) -> str:
    first = f"Published on {day(need.published_at)}" if need.published_at else ""
    if version.number == 1:
        return f"{first}."
    return f"{first}. Version {version.number} of {day(version.published_at)}."


def version_lines(need: Need) -> tuple[VersionLine, ...]:
    """Return a need's versions, the latest first, each with the organisation that published it where that changed."""
    handed = lineage.handings(db.session, [need.id]).get(need.id, ())

    def by(version: NeedVersion) -> str:
        then = next((one.name for one in handed if version.published_at < one.at), "")
        return f", published by {then}" if then else ""

    return tuple(_version_line(need, version, by(version)) for version in reversed(need.versions))


def _version_line(need: Need, version: NeedVersion, by: str) -> VersionLine:
    return VersionLine(
        f"Version {version.number}, {day(version.published_at)}{by}",
        version.change_note or ("First published" if version.number == 1 else ""),
        url_for("needs.version", ref=need.ref, number=version.number),
    )


@dataclass(frozen=True, kw_only=True)
class WithdrawnPage(Page):
    """A need that was withdrawn: what it was, when it went, and why."""

    template = "needs/withdrawn.html"

    organisation: Link
    withdrawn_on: str
    published_on: str
    reason: str
    board_href: str

    @classmethod
    def build(cls, need: Need) -> WithdrawnPage:
        """Build the page."""
        return cls(
            title=need.current.title if need.current is not None else UNTITLED,
            organisation=organisation_link(need.organisation),
            withdrawn_on=day(need.withdrawn_at) if need.withdrawn_at else "",
            published_on=day(need.published_at) if need.published_at else "",
            reason=need.withdrawn_reason,
            board_href=url_for("demand.find"),
        )
