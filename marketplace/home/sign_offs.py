"""What of the sign-off of needs waits on the desks of sponsors, leads, deputies and brokers."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.database import db
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.needs import signing
from marketplace.needs.models import Need, SignOff
from marketplace.needs.pages.words import UNTITLED
from marketplace.needs.signed import CHANGES_ASKED, TAGS, reviewer
from marketplace.needs.signing import Step as Stage
from marketplace.reviews import queries
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count, day, listed, moment

SHOWN = 5


def title_of(need: Need) -> str:
    """Return what a need is called now."""
    text = need.draft or need.current
    return (text.title if text is not None else "") or UNTITLED


def sponsor_desk(actor: Actor) -> Desk:
    """Return what waits for the people who approve needs."""
    to_approve = queries.to_approve(db.session, actor)
    approved = queries.approved(db.session, actor)
    now = clock.now()
    late = [one for one in approved if signing.is_silent(one.approved_at, now)]
    queue = url_for("reviews.queue")
    grants = [grant for grant in actor.grants if grant.role is Role.SPONSOR]
    if to_approve:
        step = Step(
            Link(f"Approve or return {count(len(to_approve), 'need')}", queue),
            f"Nothing is public until you approve it. The oldest was submitted on {day(to_approve[0].submitted_at)}.",
        )
    elif late:
        step = Step(
            Link(f"Decide on {count(len(late), 'need')} that the HIN has not checked", queue),
            "The HIN’s time is over. You may publish as not checked, or wait.",
        )
    else:
        step = Step(
            Link(
                "See your top three",
                url_for("needs.organisation", organisation_code=grants[0].organisation_code),
            ),
            "Nothing waits for your approval. You get an e-mail when something does.",
        )
    return Desk(
        heading=f"{Role.SPONSOR.label}, {listed([grant.organisation_name for grant in grants])}",
        step=step,
        blocks=(
            Block(
                f"Waiting for your approval ({len(to_approve)})",
                tuple(_review_line(one) for one in to_approve[:SHOWN]),
                "When a colleague submits a need, it appears here and you get an e-mail.",
                Link("All needs to sign off", queue),
            ),
            Block(
                f"Being checked by the HIN ({len(approved)})",
                tuple(_review_line(one) for one in approved[:SHOWN]),
                "What you approve waits here until the HIN has checked it.",
            ),
        ),
    )


def check_block(actor: Actor) -> tuple[Block, Sequence[SignOff]]:
    """Return what waits for the check of the actor's HINs."""
    waiting = queries.to_check(db.session, actor)
    block = Block(
        f"Waiting for your check ({len(waiting)})",
        tuple(_review_line(one) for one in waiting[:SHOWN]),
        "When a sponsor in your patch approves a need, it appears here before it is published.",
        Link("All needs to sign off", url_for("reviews.queue")),
    )
    return block, waiting


def unseen_blocks(actor: Actor) -> tuple[Block, ...]:
    """Return what is public without the check of the actor's HINs, where there is any."""
    found = queries.unseen(db.session, actor)
    if not found:
        return ()
    return (
        Block(
            f"Published without your check ({len(found)})",
            tuple(
                Line(
                    Link(one.title or UNTITLED, url_for("reviews.review", ref=one.need.ref)),
                    f"{one.need.organisation.name}. You can still check it.",
                    (Tag("Not checked", "orange"),),
                )
                for one in found[:SHOWN]
            ),
            "",
            Link("All needs to sign off", url_for("reviews.queue")),
        ),
    )


def check_step(waiting: Sequence[SignOff]) -> Step:
    """Return the next step of a broker for whose check something waits."""
    first = waiting[0]
    until = ""
    if first.approved_at is not None:
        late = signing.is_silent(first.approved_at, clock.now())
        by = moment(signing.check_by(first.approved_at))
        until = f" This one was due by {by}." if late else f" Please check this one by {by}."
    return Step(
        Link(f"Check “{first.title}”", url_for("reviews.review", ref=first.need.ref)),
        f"{count(len(waiting), 'need waits', 'needs wait')} for your check.{until}",
    )


def _review_line(one: SignOff) -> Line:
    late = signing.is_silent(one.approved_at, clock.now())
    words = f"{one.need.organisation.name}. Submitted on {day(one.submitted_at)}."
    if one.approved_at is not None and not late:
        words += f" To check by {moment(signing.check_by(one.approved_at))}."
    return Line(
        Link(one.title or UNTITLED, url_for("reviews.review", ref=one.need.ref)),
        words,
        (Tag("Overdue", "red"),) if late else (TAGS[one.step],),
    )


# Leads


def lead_block(written: Sequence[Need]) -> Block:
    """Return the lead's needs that are with reviewers or came back, what came back first."""
    back = [need for need in written if came_back(need)]
    asked = [need for need in written if changes_asked(need)]
    waiting = [need for need in written if need.waiting is not None]
    return Block(
        "Being signed off",
        (*map(_asked_line, asked), *map(_own_line, (*back, *waiting)))[:SHOWN],
        "What you submit waits here until your sponsor has approved it and the HIN has checked it.",
        Link("Our top three", url_for("needs.workspace")),
    )


def came_back(need: Need) -> bool:
    """Tell whether a need was returned and waits for its writers."""
    return need.draft is not None and need.sign_off is not None and need.sign_off.step is Stage.RETURNED


def changes_asked(need: Need) -> bool:
    """Tell whether a HIN asks for changes of the published text."""
    return need.sign_off is not None and need.sign_off.asked_at is not None and need.sign_off.unseen


def _asked_line(need: Need) -> Line:
    assert need.sign_off is not None  # noqa: S101 - the caller looked
    ready = need.draft is not None
    return Line(
        Link(title_of(need), url_for("needs.check" if ready else "needs.need", ref=need.ref)),
        f"{reviewer(need.sign_off)} read the published text and asks for changes",
        (CHANGES_ASKED,),
    )


def _own_line(need: Need) -> Line:
    assert need.sign_off is not None  # noqa: S101 - the caller looked
    open_ = sum(one.settled_at is None for one in need.comments_to_settle)
    words = (
        f"{count(open_, 'comment')} to deal with"
        if open_
        else f"Submitted on {day(need.sign_off.submitted_at)}"
    )
    return Line(
        Link(title_of(need), url_for("needs.check", ref=need.ref)), words, (TAGS[need.sign_off.step],)
    )


# Needs that nobody leads


def deputy_desk(actor: Actor) -> Desk | None:
    """Return the needs that wait for their deputy, where there are any."""
    found = queries.deputising(db.session, actor)
    if not found:
        return None
    first = found[0]
    return Desk(
        heading=f"Deputy, {first.organisation.name}",
        step=Step(
            Link(f"Take over “{title_of(first)}”", url_for("reviews.people", ref=first.ref)),
            "The person who led it has left, and you are its deputy.",
        ),
        blocks=(Block("Needs that wait for you", tuple(_left_line(need) for need in found), ""),),
    )


def left_blocks(actor: Actor, organisation_ids: Sequence[int]) -> tuple[Block, ...]:
    """Return the needs of these organisations that nobody leads any more, where there are any.

    Those that wait for the person as their deputy stand on the desk of the deputy, above this one.
    """
    found = [
        need
        for need in queries.without_owner(db.session, organisation_ids)
        if (need.published_at is not None or actor.may(Permission.NEED_WRITE, need.organisation_id))
        and (need.people is None or need.people.deputy_id != actor.user_id)
    ]
    if not found:
        return ()
    return (
        Block(
            f"Needs that nobody leads any more ({len(found)})",
            tuple(
                _left_line(need, inside=actor.may(Permission.NEED_WRITE, need.organisation_id))
                for need in found[:SHOWN]
            ),
            "",
        ),
    )


def _left_line(need: Need, *, inside: bool = True) -> Line:
    href = url_for("reviews.people", ref=need.ref) if inside else url_for("needs.need", ref=need.ref)
    return Line(
        Link(title_of(need) if inside or need.current is None else need.current.title, href),
        f"{need.organisation.name}. The person who led it has left.",
        (Tag("Nobody leads it", "orange"),),
    )
