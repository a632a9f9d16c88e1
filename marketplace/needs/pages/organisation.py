"""The board of one organisation: its top three, and what stood there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.needs import queries
from marketplace.needs.models import Cycle, Need
from marketplace.needs.pages.words import PLACE_WORDS, cycle_words, matches_link, people_words, stand_tags
from marketplace.needs.rounds import Round, stand
from marketplace.needs.rules import NeedContent
from marketplace.organisations.models import Organisation
from marketplace.organisations.pages import wider_links
from marketplace.web.pages import Link, Page
from marketplace.web.words import ago, day


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
