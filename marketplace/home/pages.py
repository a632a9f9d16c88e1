"""The start page of each role: what waits, what is new, and one next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from marketplace import clock
from marketplace.home.queries import Counts
from marketplace.needs.models import Need
from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import ago, count

WHAT_IT_IS = (
    "NHS organisations publish the three problems they most want solved, innovators show what they have and who has "
    "assessed it, and a broker brings the two together."
)

BELONGS_NOWHERE = (
    "You do not belong to an organisation at the moment, so nothing waits for you.",
    "Ask the person who invited you, or the administrator of this service, for a new invitation.",
    "You can still look at needs and technologies.",
)


@dataclass(frozen=True, slots=True)
class Door:
    """One of the three ways in."""

    link: Link
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, and where to see what was counted."""

    number: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a list: what, some facts, and a label."""

    link: Link
    detail: str = ""
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A short list, or what will appear in it. ``more`` leads to the whole of it."""

    heading: str
    lines: tuple[Line, ...]
    empty: str
    more: Link | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The one thing to do next, and why."""

    link: Link
    why: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What one role has before it."""

    heading: str
    step: Step
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Welcome(Page):
    """What the service is, for somebody not signed in."""

    template = "home/welcome.html"

    title: str = "Where NHS demand meets proven technology"
    lede: str = WHAT_IT_IS
    doors: tuple[Door, ...]
    figures: tuple[Figure, ...]
    newest: tuple[Line, ...]
    picture: tuple[Link, ...]
    as_of: str


@dataclass(frozen=True, kw_only=True)
class StartPage(Page):
    """What waits for a person, role by role."""

    template = "home/start.html"

    title: str = "What waits for you"
    desks: tuple[Desk, ...]
    nobody: tuple[str, ...] = ()


_TABLES = {
    "current": "As this release needs them",
    "not current": "Of another release: run “python -m marketplace migrate”",
    "unknown": "Not known",
}
_ENCODER = {
    "ready": "Ready",
    "starting": "Being loaded: until then searches compare words alone",
    "words-only": "Could not be loaded: searches compare words alone",
}


@dataclass(frozen=True, kw_only=True)
class HealthPage(Page):
    """What programs are told of the service, in words for an administrator."""

    template = "home/health.html"

    title: str = "Health of the service"
    ready: bool
    rows: tuple[Row, ...]
    parked: str

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> HealthPage:
        """Put the report of `/health` into words."""
        outbox = told["outbox"]
        rows = [
            Row("Database", "Answers" if told["database"] == "answers" else "Does not answer"),
            Row("Tables", _TABLES[told["migrations"]]),
        ]
        parked = ""
        if outbox is not None:
            waits = f"{count(outbox['waiting'], 'piece')} waiting"
            if outbox["oldest_seconds"]:
                waits += f", the oldest for {_for(outbox['oldest_seconds'])}"
            rows += [Row("Work", waits), Row("Work that failed five times", f"{outbox['parked']:,}")]
            if outbox["parked"]:
                parked = (
                    "What failed five times waits for a person. Whoever runs the server reads why, and tries again, "
                    "with “python -m marketplace outbox show” and “python -m marketplace outbox retry”."
                )
        if told["encoder"] is not None:
            rows.append(Row("Language model", _ENCODER.get(told["encoder"], told["encoder"])))
        return cls(ready=bool(told["ready"]), rows=tuple(rows), parked=parked)


def _for(seconds: int) -> str:
    if seconds < 60:
        return count(seconds, "second")
    return count(seconds // 60, "minute") if seconds < 3600 else count(seconds // 3600, "hour")


def welcome(counts: Counts, newest: Sequence[Need], as_of: str) -> Welcome:
    """Return the first page of somebody who is not signed in."""
    return Welcome(
        doors=(
            Door(
                Link("Look for demand", url_for("demand.find")),
                "See what trusts, integrated care systems and health innovation networks want solved.",
            ),
            Door(
                Link("Look for technology", url_for("technologies.register")),
                "See what is offered, what it answers, and which NHS body has assessed it.",
            ),
            Door(
                Link("Sign in", url_for("accounts.sign_in")),
                "Publish your top three, list a technology, issue a passport, or broker an introduction.",
            ),
        ),
        figures=(
            Figure(
                f"{counts.needs:,}",
                "need published" if counts.needs == 1 else "needs published",
                url_for("demand.find"),
            ),
            Figure(
                f"{counts.organisations:,}",
                "organisation has answered" if counts.organisations == 1 else "organisations have answered",
                url_for("cycles.coverage"),
            ),
            Figure(
                f"{counts.technologies:,}",
                "technology listed" if counts.technologies == 1 else "technologies listed",
                url_for("technologies.register"),
            ),
            Figure(
                f"{counts.passports:,}",
                "valid passport" if counts.passports == 1 else "valid passports",
                url_for("passports.register"),
            ),
        ),
        newest=tuple(need_line(need) for need in newest),
        picture=(
            Link("Which organisations have answered", url_for("cycles.coverage")),
            Link("Needs that several organisations share", url_for("families.listing")),
            Link("Demand on a map of England", url_for("picture.map_page")),
            Link("Demand by theme and region", url_for("picture.themes")),
        ),
        as_of=as_of,
    )


def need_line(need: Need) -> Line:
    """Return a published need as a line: what, who, where in the top three, how fresh."""
    version = need.current
    tags = [Tag(PLACE_WORDS[need.priority.rank - 1], "blue")] if need.priority else []
    if version and version.clinical_area:
        tags.append(Tag(version.clinical_area.label, "white"))
    fresh = f", published {ago(need.published_at, clock.today())}" if need.published_at else ""
    return Line(
        Link(version.title if version else "", url_for("needs.need", ref=need.ref)),
        f"{need.organisation.name}{fresh}",
        tuple(tags),
    )
