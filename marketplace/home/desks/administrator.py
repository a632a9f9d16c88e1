"""The desk of an administrator."""

from __future__ import annotations

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.cycles.pages import headline
from marketplace.cycles.queries import answers
from marketplace.database import db
from marketplace.home import changes as changing
from marketplace.home import queries
from marketplace.home.desks.shared import SHOWN, heading
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.needs import queries as needs
from marketplace.needs.pages.words import cycle_words
from marketplace.organisations import queries as organisations
from marketplace.outbox.actions import backlog
from marketplace.reviews import queries as reviews
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count, moment


def administrator_desk(actor: Actor) -> Desk:
    """Return the health of the service, the last import, and organisations that nobody leads."""
    waiting = backlog(db.session)
    last = organisations.last_import(db.session)
    orphans = queries.without_lead(db.session, SHOWN)
    unsponsored, without_sponsor = queries.without_sponsor(db.session, SHOWN)
    left, without_anybody = reviews.without_anybody(db.session, SHOWN)
    registry = Link("Organisations", url_for("organisations.registry"))
    work = f"{count(waiting.waiting, 'piece')} of work waiting"
    if waiting.oldest is not None:
        work += f", the oldest since {moment(waiting.oldest)}"
    cycle = needs.current_cycle()
    cycles = Link("Cycles", url_for("cycles.listing"))
    words = cycle_words(cycle, clock.today())
    answered: tuple[Line, ...] = ()
    if cycle is not None:
        counted = headline(answers(db.session, cycle.id, min(clock.today(), cycle.closes_on)))
        answered = (Line(Link("Who has answered", url_for("cycles.coverage")), f"{counted}."),)
    if waiting.parked:
        why = f"{count(waiting.parked, 'piece')} of work failed five times and is parked."
        step = Step(Link("See the health of the service", url_for("home.health")), why)
    elif cycle is None or cycle.closes_on < clock.today():
        step = Step(
            Link("Enter the next cycle", cycles.href), f"{words} Until then nobody can publish needs."
        )
    elif without_sponsor and (first := without_sponsor[0]).waiting and not first.invited:
        step = Step(
            Link(f"Invite a sponsor for {first.name}", _people(first.code)),
            f"{count(first.waiting, 'need waits', 'needs wait')} there, and nobody can approve "
            f"{'it' if first.waiting == 1 else 'them'}.",
        )
    elif orphans.total:
        code, name = orphans.first[0]
        step = Step(
            Link(f"Invite a lead for {name}", _people(code)),
            f"{count(orphans.total, 'organisation has', 'organisations have')} nobody to publish needs.",
        )
    else:
        step = Step(registry, "Nothing is wrong. Check that the registry is up to date.")
    imported: tuple[Line, ...] = ()
    if last is not None:
        changes = f"{last.opened} opened, {last.changed} changed, {last.closed} closed"
        imported = (
            Line(Link(last.filename, registry.href), f"Read on {moment(last.imported_at)}: {changes}"),
        )
    return Desk(
        heading=heading(actor, Role.ADMINISTRATOR),
        step=step,
        blocks=(
            Block(
                "Work behind the scenes",
                (
                    Line(
                        Link(work, url_for("home.health")),
                        f"{waiting.parked} parked",
                        (Tag("Needs you", "red") if waiting.parked else Tag("Healthy", "green"),),
                    ),
                    Line(
                        Link("Search index", url_for("matches.index")),
                        "Which one serves, how far the next is, and what its last check found",
                    ),
                ),
                "",
            ),
            Block("Cycle", (Line(cycles, words), *answered), ""),
            Block(
                "Last import of organisations",
                imported,
                "No file has been imported. The registry holds what the service came with.",
                registry,
            ),
            changing.planned_block(),
            Block(
                f"Organisations without a need lead ({orphans.total})",
                tuple(Line(Link(name, _people(code))) for code, name in orphans.first),
                "Every organisation has somebody who can publish its needs.",
                registry,
            ),
            Block(
                f"Organisations without a sponsor ({unsponsored})",
                tuple(_no_sponsor_line(one) for one in without_sponsor),
                "Wherever needs are written, somebody can approve them.",
            ),
            Block(
                f"Needs without a lead or a deputy ({left})",
                tuple(_orphan_line(one) for one in without_anybody),
                "Where a lead has left, a deputy can take over.",
            ),
        ),
    )


def _people(code: str) -> str:
    return url_for("accounts.members", organisation_code=code)


def _no_sponsor_line(one: queries.NoSponsor) -> Line:
    tags: tuple[Tag, ...] = ()
    if one.waiting:
        tags = (Tag(count(one.waiting, "need waits", "needs wait"), "orange"),)
    words = (
        "A sponsor is invited and has not joined yet."
        if one.invited
        else "Invite a sponsor: nobody there can approve needs."
    )
    return Line(Link(one.name, _people(one.code)), words, tags)


def _orphan_line(one: reviews.Orphan) -> Line:
    need = one.need
    # Only what everybody may read: an administrator is no reader of drafts.
    title = f"“{need.current.title}”" if need.current is not None else "A need that is not published yet"
    words = (
        "A need lead there can take it over and name a deputy. All were told."
        if one.leads
        else "Invite a need lead, who can take it over."
    )
    return Line(Link(need.organisation.name, _people(need.organisation.code)), f"{title}. {words}")
