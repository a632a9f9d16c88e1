"""The workspace of a lead: every need of theirs, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.needs import queries, rules, signed
from marketplace.needs.models import Cycle, Need
from marketplace.needs.pages.reading import confirm_link
from marketplace.needs.pages.words import (
    PLACE_WORDS,
    UNTITLED,
    closed_words,
    cycle_words,
    is_open,
    matches_link,
    organisation_link,
    stand_tags,
)
from marketplace.needs.questions import QUESTIONS
from marketplace.needs.rounds import Round, Standing, stand
from marketplace.needs.rules import NeedContent, Progress, State
from marketplace.needs.signing import Step
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import ago, count, day, moment


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
    closed: str
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
            write_href=url_for("needs.start")
            if not organisations or any(not one.closed for one in organisations)
            else "",
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
    step, closed = None, closed_words(organisation)
    if is_open(cycle, clock.today()) and not closed:
        if ready and len(current) + len(waiting) < rules.PLACES:
            step = Link(
                f"Rank and submit {count(len(ready), 'need')} that {'is' if len(ready) == 1 else 'are'} ready",
                rank,
            )
        elif len(current) + len(waiting) > 1 or earlier or ready:
            step = Link("Change the ranking", rank)
    return Group(
        organisation=organisation_link(organisation),
        closed=closed,
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
    if now is not None and need.waiting is None and need.sign_off is not None and need.sign_off.asked_at:
        words += f". {now.words}"
        steps.insert(0, Link("Read what it asks", href))
    elif now is not None:
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
    if need.organisation.closed:
        return Work(
            Link(content.title or UNTITLED, url_for("needs.tasks", ref=need.ref)),
            Tag("Kept for the handover", "grey"),
            f"{done} of {len(QUESTIONS)} questions completed. {saved}",
            (Link("Continue writing", url_for("needs.tasks", ref=need.ref)),),
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
