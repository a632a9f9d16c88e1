"""The pages of needs: finished words and links."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Protocol

from flask import current_app, url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.database import db
from marketplace.needs import coach, queries, rules, signed, signing
from marketplace.needs.coach import Finding, Spot
from marketplace.needs.finder import Likes
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedVersion
from marketplace.needs.questions import ASKS, QUESTIONS, SECTIONS, Ask, Question, Shape
from marketplace.needs.rounds import Round, Stage, Stand, Standing, stand
from marketplace.needs.rules import NeedContent, Progress, State
from marketplace.needs.signed import Comment, Leaders, SigningOff
from marketplace.needs.signing import Step
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.organisations.pages import wider_links
from marketplace.vocabulary import Term
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.search import meanings_of
from marketplace.web.words import ago, count, day, listed, moment

UNTITLED = "Untitled need"
PLACE_WORDS = ("First priority", "Second priority", "Third priority")

_TAGS = {
    Progress.NOT_STARTED: Tag("Not started", "grey"),
    Progress.STARTED: Tag("Started", "blue"),
    Progress.DONE: Tag("Completed", "green"),
}


def people_words(content: NeedContent) -> str:
    """Return how many are affected, with what the number counts."""
    if content.how_many is None:
        return ""
    return f"{content.how_many:,} {content.how_many_note}".strip()


def value_of(ask: Ask, content: NeedContent) -> tuple[str, tuple[str, ...]]:
    """Return an answer as a text and as list items; one of the two is empty."""
    answer = getattr(content, ask.name)
    if ask.shape is Shape.STATEMENTS:
        return "", tuple(answer)
    if ask.shape is Shape.EVIDENCE:
        return "", tuple(
            f"{wanted.type.label}: {wanted.detail}" if wanted.detail else wanted.type.label
            for wanted in answer
        )
    if isinstance(answer, Term):
        return answer.label, ()
    if isinstance(answer, int):
        return f"{answer:,}", ()
    return answer or "", ()


def organisation_link(organisation: Organisation) -> Link:
    """Return the link to an organisation's own board."""
    return Link(organisation.name, url_for("needs.organisation", organisation_code=organisation.code))


def matches_link(actor: Actor, need: Need) -> Link | None:
    """Return the way to the matches of a need, where there is one and this person may go it."""
    if "matches.for_need" not in current_app.view_functions or need.state is not State.PUBLISHED:
        return None
    if not queries.may_read_matches(actor, need):
        return None
    return Link("See which technologies fit", url_for("matches.for_need", ref=need.ref))


def cycle_words(cycle: Cycle | None, today: date) -> str:
    """Say which cycle it is and until when."""
    if cycle is None:
        return "No cycle is open yet."
    stage = cycle.round.stage(today)
    if stage is Stage.CLOSED:
        return f"The cycle {cycle.name} closed on {day(cycle.closes_on)}."
    if stage is Stage.LOCKED:
        return f"The cycle {cycle.name} was locked at the end of {day(cycle.locks_on)}."
    return f"Cycle {cycle.name}, open until {day(cycle.locks_on)}."


def is_open(cycle: Cycle | None, today: date) -> bool:
    """Tell whether places can change in the cycle."""
    return cycle is not None and cycle.round.stage(today) is Stage.OPEN


def stand_tags(need: Need, where: Stand | None, of: str = "") -> tuple[Tag, ...]:
    """Return the tags that say which place a need has, and whether it still stands. ``of`` follows the place."""
    if where is None or need.priority is None:
        return ()
    place = PLACE_WORDS[need.priority.rank - 1]
    if where.standing is Standing.CURRENT:
        return (Tag(f"{place}{of}", "blue"),)
    if where.standing is Standing.TO_CONFIRM:
        return (
            Tag(f"{place} in {need.priority.cycle.name}", "blue"),
            Tag(f"Not yet confirmed for {where.round.name}", "yellow"),
        )
    return (Tag(f"Lapsed: not confirmed for {where.round.name}", "grey"),)


# One need


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
            old="" if current else f"This is version {version.number}. The need has changed since",
            current_href=url_for("needs.need", ref=need.ref),
            matches=matches_link(actor, need) if not lapsed else None,
            own=own,
            edit_href=url_for("needs.edit", ref=need.ref) if own and need.draft is None else "",
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
        f"{where.round.name}. It is no longer on the board, and no technology is matched to it."
    )


def _may_confirm(where: Stand) -> bool:
    return where.standing is not Standing.CURRENT and is_open(queries.current_cycle(), clock.today())


def confirm_link(actor: Actor, organisation: Organisation) -> Link | None:
    """Return the way to say whether an organisation's needs of the last cycle are still true."""
    if not actor.may(Permission.NEED_PUBLISH, organisation.id):
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


# One organisation


@dataclass(frozen=True, slots=True)
class Ranked:
    """A need in an organisation's top three, with what a board wants to see of it."""

    place: str
    title: Link
    problem: str
    people: str
    measure: str
    baseline: str
    target: str
    facts: str
    fresh: str
    matches: Link | None


@dataclass(frozen=True, slots=True)
class Past:
    """A need that was withdrawn."""

    title: Link
    words: str


def _open_words(organisation: Organisation, today: date) -> str:
    if organisation.closed_on is not None:
        return f"{'Closes' if organisation.closed_on > today else 'Closed'} on {day(organisation.closed_on)}"
    if organisation.opened_on is not None and organisation.opened_on > today:
        return f"Opens on {day(organisation.opened_on)}"
    return ""


@dataclass(frozen=True, kw_only=True)
class OrganisationPage(Page):
    """An organisation's top three, to be shown to its board."""

    template = "needs/organisation.html"

    kind: str
    place: str
    cycle: str
    ranked: tuple[Ranked, ...]
    co_signed: tuple[Past, ...]
    waiting_heading: str
    waiting: tuple[Past, ...]
    lapsed: tuple[Past, ...]
    withdrawn: tuple[Past, ...]
    rank_href: str
    board_href: str
    wider: tuple[Link, ...]
    printed: str
    history_href: str

    @classmethod
    def build(
        cls,
        actor: Actor,
        organisation: Organisation,
        cycle: Cycle | None,
        on_board: Sequence[Need],
        lapsed: Sequence[Need],
        withdrawn: Sequence[Need],
        co_signed: Sequence[tuple[int, Need]] = (),
    ) -> OrganisationPage:
        """Build the page; ``on_board`` holds this cycle's needs and those that wait to be confirmed.

        ``co_signed`` are the needs of others that take one of its places.
        """
        today = clock.today()
        rounds = [one.round for one in queries.cycles()]
        ranked = [need for need in on_board if cycle and need.priority and need.priority.cycle_id == cycle.id]
        closed = _open_words(organisation, today)
        parts = [
            organisation.parent.name if organisation.parent is not None else "",
            organisation.region.name if organisation.region is not None else "",
            closed,
        ]
        return cls(
            title=organisation.name,
            kind=organisation.kind.label,
            place=", ".join(part for part in parts if part),
            cycle=cycle_words(cycle, today),
            ranked=tuple(_ranked(actor, need, today, rounds) for need in ranked),
            co_signed=tuple(
                Past(
                    Link(need.current.title, url_for("needs.need", ref=need.ref)),
                    f"{PLACE_WORDS[rank - 1]}. A need of {need.organisation.name}",
                )
                for rank, need in co_signed
                if need.current is not None
            ),
            waiting_heading=f"Not yet confirmed for {cycle.name}" if cycle else "",
            waiting=tuple(
                Past(
                    Link(need.current.title, url_for("needs.need", ref=need.ref)),
                    f"{PLACE_WORDS[need.priority.rank - 1]} in {need.priority.cycle.name}",
                )
                for need in on_board
                if need not in ranked and need.current is not None and need.priority is not None
            ),
            lapsed=tuple(
                Past(
                    Link(need.current.title, url_for("needs.need", ref=need.ref)),
                    f"Not confirmed for {stand(need.priority.cycle.round, rounds, today).round.name}",
                )
                for need in lapsed
                if need.current is not None and need.priority is not None
            ),
            withdrawn=tuple(
                Past(
                    Link(need.current.title, url_for("needs.need", ref=need.ref)),
                    f"Withdrawn on {day(need.withdrawn_at)}. {need.withdrawn_reason}",
                )
                for need in withdrawn
                if need.current is not None and need.withdrawn_at is not None
            ),
            rank_href=(
                url_for("needs.rank", organisation_code=organisation.code)
                if actor.may(Permission.NEED_PUBLISH, organisation.id)
                else ""
            ),
            board_href=url_for("demand.find"),
            wider=wider_links(organisation),
            printed=day(today),
            history_href=url_for("succession.history", organisation_code=organisation.code),
        )


def _ranked(actor: Actor, need: Need, today: date, rounds: Sequence[Round]) -> Ranked:
    version = need.current
    content = version.content() if version is not None else NeedContent()
    where = stand(need.priority.cycle.round, rounds, today) if need.priority is not None else None
    tags = stand_tags(need, where)
    terms = (content.clinical_area, content.care_setting, content.timing, content.funding_state)
    fresh = "Updated" if need.version > 1 else "Published"
    return Ranked(
        place=tags[0].text if tags else "",
        title=Link(content.title, url_for("needs.need", ref=need.ref)),
        problem=content.problem,
        people=f"{content.who_affected.rstrip('.')}. {people_words(content)}",
        measure=content.measure,
        baseline=content.baseline,
        target=content.target,
        facts=" · ".join(term.label for term in terms if term),
        fresh=f"{fresh} {ago(version.published_at, today)}" if version is not None else "",
        matches=matches_link(actor, need),
    )


# The workspace


@dataclass(frozen=True, slots=True)
class Work:
    """One of our needs: where it stands and what to do next."""

    title: Link
    tag: Tag
    words: str
    next_steps: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The needs of one of the person's organisations, by state."""

    organisation: Link
    counted: str
    published: tuple[Work, ...]
    waiting: tuple[Work, ...]
    drafts: tuple[Work, ...]
    earlier: tuple[Work, ...]
    withdrawn: tuple[Work, ...]
    next_step: Link | None


@dataclass(frozen=True, kw_only=True)
class Workspace(Page):
    """Our needs by state, each with its next step."""

    template = "needs/workspace.html"

    title: str = "Our top three"
    cycle: str
    groups: tuple[Group, ...]
    write_href: str

    @classmethod
    def build(
        cls,
        actor: Actor,
        cycle: Cycle | None,
        organisations: Sequence[Organisation],
        needs: Sequence[Need],
    ) -> Workspace:
        """Build the page."""
        rounds = [one.round for one in queries.cycles()]
        today = clock.today()
        return cls(
            cycle=cycle_words(cycle, today),
            groups=tuple(
                _group(
                    actor,
                    cycle,
                    rounds,
                    organisation,
                    [n for n in needs if n.organisation_id == organisation.id],
                )
                for organisation in organisations
            ),
            write_href=url_for("needs.start"),
        )


def _group(
    actor: Actor,
    cycle: Cycle | None,
    rounds: Sequence[Round],
    organisation: Organisation,
    needs: Sequence[Need],
) -> Group:
    members = queries.members_in_force(organisation.id)
    current = [
        need
        for need in needs
        if need.state is State.PUBLISHED
        and cycle is not None
        and need.priority is not None
        and need.priority.cycle_id == cycle.id
    ]
    current.sort(key=lambda need: need.priority.rank if need.priority is not None else 9)
    unpublished = [need for need in needs if need.state is State.DRAFT]
    waiting = [need for need in unpublished if need.waiting is not None]
    drafts = [need for need in unpublished if need.waiting is None]
    ready = [need for need in drafts if need.draft is not None and rules.is_complete(need.draft.content())]
    earlier = [need for need in needs if need.state is State.PUBLISHED and need not in current]
    rank = url_for("needs.rank", organisation_code=organisation.code)
    step = None
    if is_open(cycle, clock.today()):
        if ready and len(current) + len(waiting) < rules.PLACES:
            step = Link(
                f"Rank and submit {count(len(ready), 'need')} that {'is' if len(ready) == 1 else 'are'} ready",
                rank,
            )
        elif len(current) + len(waiting) > 1 or earlier or ready:
            step = Link("Change the ranking", rank)
    return Group(
        organisation=organisation_link(organisation),
        counted=f"{len(current)} of {rules.PLACES} published in this cycle"
        + (f", {len(waiting)} being signed off" if waiting else ""),
        published=tuple(_led(_published_work(actor, need), need, members) for need in current),
        waiting=tuple(_led(_waiting_work(actor, need), need, members) for need in waiting),
        drafts=tuple(_led(_draft_work(need), need, members) for need in drafts),
        earlier=tuple(_led(_earlier_work(actor, need, cycle, rounds), need, members) for need in earlier),
        withdrawn=tuple(_withdrawn_work(need) for need in needs if need.state is State.WITHDRAWN),
        next_step=step,
    )


def _earlier_work(actor: Actor, need: Need, cycle: Cycle | None, rounds: Sequence[Round]) -> Work:
    where = stand(need.priority.cycle.round, rounds, clock.today()) if need.priority is not None else None
    title = need.current.title if need.current is not None else UNTITLED
    link = confirm_link(actor, need.organisation) if is_open(cycle, clock.today()) else None
    steps = [link] if link is not None else []
    if need.draft is not None:
        steps.append(Link("Continue your changes", url_for("needs.tasks", ref=need.ref)))
    if where is None:
        tag, words = Tag("Published", "grey"), "It has no place in a cycle."
    else:
        tag = stand_tags(need, where)[-1]
        words = (
            f"It lapses unless you confirm it by {day(where.round.locks_on)}"
            if where.standing is Standing.TO_CONFIRM
            else f"It lapsed on {day(where.lapsed_on)}. You can take it up again while a cycle is open"
        )
    return Work(Link(title, url_for("needs.need", ref=need.ref)), tag, words, tuple(steps))


def _led(work: Work, need: Need, members: Mapping[int, set[Role]]) -> Work:
    """Say first when nobody leads the need any more."""
    if not signed.has_left(need, members):
        return work
    leaders = signed.leaders_of(need, members)
    step = Link("Take it over", url_for("reviews.people", ref=need.ref))
    return replace(work, words=f"{leaders.warning} {work.words}", next_steps=(step, *work.next_steps))


def _waiting_work(actor: Actor, need: Need) -> Work:
    now = signed.signing_off_of(actor, need)
    title = need.waiting.title if need.waiting is not None else UNTITLED
    check = url_for("needs.check", ref=need.ref)
    if now is None:
        return Work(Link(title, check), Tag("", ""), "", ())
    words = " ".join(part for part in (now.words, now.help) if part)
    return Work(Link(title, check), now.tag, words, (now.link,) if now.link is not None else ())


def _published_work(actor: Actor, need: Need) -> Work:
    version = need.current
    title = version.title if version is not None else UNTITLED
    href = url_for("needs.need", ref=need.ref)
    steps: list[Link] = []
    if need.waiting is not None:
        steps.append(Link("See the version that is being signed off", url_for("needs.check", ref=need.ref)))
    elif need.draft is not None:
        steps.append(Link("Continue your changes", url_for("needs.tasks", ref=need.ref)))
    elif (matches := matches_link(actor, need)) is not None:
        steps.append(matches)
    tag = Tag(PLACE_WORDS[need.priority.rank - 1] if need.priority is not None else "", "green")
    words = f"Version {need.version}, published {ago(version.published_at, clock.today())}" if version else ""
    now = signed.signing_off_of(actor, need)
    if now is not None:
        words += f". The new version: {now.words}"
    elif need.draft is not None:
        words += f". Changes saved on {moment(need.draft.saved_at)} are not submitted yet"
    return Work(Link(title, href), tag, words, tuple(steps))


def _draft_work(need: Need) -> Work:
    content = need.draft.content() if need.draft is not None else NeedContent()
    done = sum(rules.progress(content, question) is Progress.DONE for question in QUESTIONS)
    complete = rules.is_complete(content)
    saved = f"Saved on {moment(need.draft.saved_at)}" if need.draft is not None else ""
    if need.sign_off is not None and need.sign_off.step is Step.RETURNED:
        open_comments = sum(one.settled_at is None for one in need.comments_to_settle)
        return Work(
            Link(content.title or UNTITLED, url_for("needs.tasks", ref=need.ref)),
            signed.TAGS[Step.RETURNED],
            f"Returned by {signed.reviewer(need.sign_off)}. "
            + (
                f"{count(open_comments, 'comment')} to deal with"
                if open_comments
                else "All comments dealt with"
            )
            + f". {saved}",
            (Link("Read the comments", url_for("needs.check", ref=need.ref)),),
        )
    return Work(
        Link(content.title or UNTITLED, url_for("needs.tasks", ref=need.ref)),
        Tag("Ready to submit", "blue") if complete else Tag("Draft", "grey"),
        f"{done} of {len(QUESTIONS)} questions completed. {saved}",
        (
            Link("Give it a place", url_for("needs.rank", organisation_code=need.organisation.code))
            if complete
            else Link("Continue writing", url_for("needs.tasks", ref=need.ref)),
        ),
    )


def _withdrawn_work(need: Need) -> Work:
    title = need.current.title if need.current is not None else UNTITLED
    when = f"Withdrawn on {day(need.withdrawn_at)}. " if need.withdrawn_at is not None else ""
    return Work(
        Link(title, url_for("needs.need", ref=need.ref)),
        Tag("Withdrawn", "orange"),
        when + need.withdrawn_reason,
        (),
    )


# Writing


@dataclass(frozen=True, kw_only=True)
class StartPage(Page):
    """Before the first question: how long it takes, and for which organisation it is."""

    template = "needs/start.html"

    title: str = "Write a need"
    organisation: str
    several: bool
    headings: tuple[str, ...] = tuple(question.heading for question in QUESTIONS)

    @classmethod
    def build(cls, organisations: Sequence[Organisation]) -> StartPage:
        """Build the page for somebody who writes for these organisations."""
        return cls(
            organisation=organisations[0].name if organisations else "", several=len(organisations) > 1
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


# What the coach asks


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


def as_text(ask: Ask, content: NeedContent) -> str:
    """Return an answer as one text, a line for each item."""
    words, items = value_of(ask, content)
    return words or "\n".join(items) or "No answer"


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


# Ranking, withdrawing, discarding


@dataclass(frozen=True, slots=True)
class Rankable:
    """A need that can be given a place."""

    ref: str
    title: Link
    tag: Tag
    place: str
    lock_version: int | None
    note: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class RankPage(Page):
    """Give places to needs and publish them."""

    template = "needs/rank.html"

    title: str = "Rank and submit your top three"
    organisation: str
    cycle: str
    open: bool
    needs: tuple[Rankable, ...]
    unfinished: tuple[Link, ...]
    places: tuple[str, ...] = PLACE_WORDS
    workspace_href: str
    write_href: str
    sponsor: str
    sponsor_link: Link | None

    @classmethod
    def build(
        cls,
        organisation: Organisation,
        cycle: Cycle | None,
        needs: Sequence[Need],
        co_signed: Sequence[tuple[int, Need]] = (),
        *,
        chosen: Mapping[str, int | None] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> RankPage:
        """Build the page; ``chosen`` are the places that were sent, kept over an error.

        ``co_signed`` are the needs of others that have a place of the organisation's.
        """
        today = clock.today()
        sponsor, sponsor_link = signed.sponsor_help(organisation.id, organisation.code, ())
        rankable, unfinished = [], []
        # From 1 down, for a need that was confirmed may stand in third place with nothing above it.
        own = (
            (need.priority.rank, need.ref)
            for need in needs
            if cycle
            and need.priority
            and need.priority.cycle_id == cycle.id
            # Also the place that is held while a need is signed off, or has come back.
            and (
                need.state is State.PUBLISHED
                or (need.draft is not None and rules.is_complete(need.draft.content()))
            )
        )
        placed = sorted([*own, *((rank, need.ref) for rank, need in co_signed)])
        chosen = dict(chosen or {})
        for place, (_, ref) in enumerate(placed, start=1):
            chosen.setdefault(ref, place)
        for need in [*needs, *(need for _, need in co_signed)]:
            if need.state is State.WITHDRAWN:
                continue
            text = need.draft if need.state is State.DRAFT else need.current
            if text is None:
                continue
            if need.state is State.DRAFT and not rules.is_complete(text.content()):
                unfinished.append(Link(text.title or UNTITLED, url_for("needs.tasks", ref=need.ref)))
                continue
            rankable.append(
                _rankable(
                    need,
                    text.title,
                    here=need.ref in {ref for _, ref in placed},
                    other=need.organisation_id != organisation.id,
                    chosen=chosen,
                    errors=errors,
                )
            )
        rankable.sort(key=lambda item: (item.place or "9", item.tag.text))
        return cls(
            organisation=organisation.name,
            cycle=cycle_words(cycle, today),
            open=is_open(cycle, today),
            needs=tuple(rankable),
            unfinished=tuple(unfinished),
            workspace_href=url_for("needs.workspace"),
            write_href=url_for("needs.start"),
            sponsor=sponsor,
            sponsor_link=sponsor_link,
        )


def _rankable(
    need: Need,
    title: str,
    *,
    here: bool,
    other: bool,
    chosen: Mapping[str, int | None],
    errors: Mapping[str, str] | None,
) -> Rankable:
    people, note = need.people, ""
    if other:
        tag, href = (
            Tag(f"Co-signed, of {need.organisation.name}", "blue"),
            url_for("needs.need", ref=need.ref),
        )
    elif need.state is State.DRAFT:
        tag, href = Tag("Ready to submit", "blue"), url_for("needs.check", ref=need.ref)
        if need.sign_off is not None and need.sign_off.step in (*signing.OPEN, Step.RETURNED):
            tag = signed.TAGS[need.sign_off.step]
        deputy = people.deputy if people is not None else None
        note = f"Deputy: {deputy.name}" if deputy is not None else "No deputy yet"
    else:
        tag = Tag("Published", "green") if here else Tag("From an earlier cycle", "grey")
        href = url_for("needs.need", ref=need.ref)
    place = chosen.get(need.ref)
    return Rankable(
        ref=need.ref,
        title=Link(title, href),
        tag=tag,
        place=str(place or ""),
        note=note,
        lock_version=need.draft.lock_version
        if need.state is State.DRAFT and need.draft is not None
        else None,
        error=(errors or {}).get(need.ref, ""),
    )


@dataclass(frozen=True, kw_only=True)
class WithdrawPage(Page):
    """Withdraw a need."""

    template = "needs/withdraw.html"

    title: str = "Withdraw a need"
    need: str
    has_draft: bool
    back_href: str

    @classmethod
    def build(cls, need: Need) -> WithdrawPage:
        """Build the page."""
        return cls(
            need=need.current.title if need.current is not None else UNTITLED,
            has_draft=need.draft is not None,
            back_href=url_for("needs.need", ref=need.ref),
        )


@dataclass(frozen=True, kw_only=True)
class DiscardPage(Page):
    """Throw a draft away."""

    template = "needs/discard.html"

    need: str
    published: bool
    back_href: str

    @classmethod
    def build(cls, need: Need, draft: NeedDraft) -> DiscardPage:
        """Build the page."""
        published = need.state is State.PUBLISHED
        return cls(
            title="Discard your changes" if published else "Delete this draft",
            need=draft.title or UNTITLED,
            published=published,
            back_href=url_for("needs.tasks", ref=need.ref),
        )
