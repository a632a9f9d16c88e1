"""The pages of the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import url_for

from marketplace.history.queries import PastBoard, PastNeed, PastText
from marketplace.needs.pages.words import PLACE_WORDS, people_words, value_of
from marketplace.needs.questions import QUESTIONS, Shape
from marketplace.needs.rules import NeedContent
from marketplace.organisations.models import NEED_KINDS
from marketplace.web.pages import Link, Page, Row
from marketplace.web.paging import PER_PAGE, Paging
from marketplace.web.words import count, day


@dataclass(frozen=True, kw_only=True)
class AskPage(Page):
    """Ask for a day."""

    template = "history/ask.html"

    title: str = "Needs as they stood on a past day"
    message: str
    parts: tuple[str, str, str]
    first: str
    today_href: str

    @classmethod
    def build(cls, first: date | None, parts: tuple[str, str, str], message: str = "") -> AskPage:
        """Return the page; ``message`` says why what was asked for cannot be shown."""
        return cls(
            message=message,
            parts=parts,
            first=f"The first need was published here on {day(first)}."
            if first
            else "Nothing has been published here yet.",
            today_href=url_for("demand.find"),
        )


@dataclass(frozen=True, slots=True)
class PastLine:
    """One line of a list of the past."""

    title: Link
    facts: str
    note: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class PastPage(Page):
    """What every page of the past tells: its day, and the way back to today."""

    banner: str
    today: Link
    other_day: str
    tabs: tuple[tuple[Link, bool], ...]


def _tabs(on: date, current: str) -> tuple[tuple[Link, bool], ...]:
    return tuple(
        (Link(text, url_for(endpoint, day=on.isoformat())), endpoint == current)
        for text, endpoint in (
            ("Needs", "history.board"),
            ("Organisations", "history.organisations"),
            ("Withdrawn", "history.withdrawn"),
        )
    )


def _banner(on: date) -> str:
    return f"You are reading the past: this is how it stood at the end of {day(on)}."


@dataclass(frozen=True, kw_only=True)
class BoardPage(PastPage):
    """The board of a day."""

    template = "history/board.html"

    found: str
    cycle: str
    regions: tuple[Choice, ...]
    chosen_organisation: str
    needs: tuple[PastLine, ...]
    paging: Paging
    action: str

    @classmethod
    def build(cls, board: PastBoard, asked: Mapping[str, str]) -> BoardPage:
        """Return the page of the filters and the page number of an address."""
        region, organisation = asked.get("region", ""), asked.get("organisation", "")
        shown = [
            need
            for need in board.needs
            if (not region or need.owner.region == region)
            and (not organisation or need.owner.code == organisation)
        ]
        on = board.day.isoformat()
        named = next((one.name for one in board.organisations.values() if one.code == organisation), "")
        paging = Paging.build(
            "history.board",
            {"day": on, "region": region, "organisation": organisation},
            asked.get("page", ""),
            len(shown),
        )
        regions = sorted({need.owner.region for need in board.needs if need.owner.region})
        return cls(
            title=f"Needs on {day(board.day)}",
            banner=_banner(board.day),
            today=Link("See the needs of today", url_for("demand.find")),
            other_day=url_for("history.ask"),
            tabs=_tabs(board.day, "history.board"),
            found=count(len(shown), "need") + (f" of {named}" if named else ""),
            cycle=f"Cycle {board.round}" if board.round else "No cycle had opened yet",
            regions=(
                Choice("", "Every region", not region),
                *(Choice(one, one, one == region) for one in regions),
            ),
            chosen_organisation=organisation,
            needs=tuple(_line(need, on) for need in shown[paging.offset : paging.offset + PER_PAGE]),
            paging=paging,
            action=url_for("history.board", day=on),
        )


def _line(need: PastNeed, on: str) -> PastLine:
    place = PLACE_WORDS[need.rank - 1]
    facts = [need.owner.name, place, need.area, need.setting, f"version {need.version}"]
    return PastLine(
        Link(need.title, url_for("history.need", day=on, ref=need.ref)),
        " · ".join(fact for fact in facts if fact),
        f"Named in {need.round}, not yet confirmed for the cycle of that day" if need.waiting else "",
    )


@dataclass(frozen=True, kw_only=True)
class OrganisationsPage(PastPage):
    """The organisations that were open on a day."""

    template = "history/organisations.html"

    found: str
    kinds: tuple[tuple[str, tuple[PastLine, ...]], ...]

    @classmethod
    def build(cls, board: PastBoard) -> OrganisationsPage:
        """Return the page."""
        counted: dict[int, int] = {}
        for need in board.needs:
            counted[need.owner.id] = counted.get(need.owner.id, 0) + 1
        return cls(
            title=f"Organisations on {day(board.day)}",
            banner=_banner(board.day),
            today=Link("See the needs of today", url_for("demand.find")),
            other_day=url_for("history.ask"),
            tabs=_tabs(board.day, "history.organisations"),
            found=count(
                len(board.open), "organisation that publishes needs", "organisations that publish needs"
            ),
            kinds=tuple(
                (
                    f"{kind.label}: {sum(one.kind is kind for one in board.open)}",
                    tuple(
                        PastLine(
                            Link(one.name, url_for("succession.history", organisation_code=one.code)),
                            " · ".join(fact for fact in (one.code, one.region) if fact),
                            count(counted[one.id], "open need") if one.id in counted else "",
                        )
                        for one in board.open
                        if one.kind is kind
                    ),
                )
                for kind in NEED_KINDS
            ),
        )


@dataclass(frozen=True, kw_only=True)
class WithdrawnPage(PastPage):
    """What had been withdrawn in the cycle of a day."""

    template = "history/withdrawn.html"

    found: str
    needs: tuple[PastLine, ...]

    @classmethod
    def build(cls, board: PastBoard) -> WithdrawnPage:
        """Return the page."""
        return cls(
            title=f"Withdrawn by {day(board.day)}",
            banner=_banner(board.day),
            today=Link("See the needs of today", url_for("demand.find")),
            other_day=url_for("history.ask"),
            tabs=_tabs(board.day, "history.withdrawn"),
            found=count(len(board.withdrawn), "need") + " withdrawn in the cycle of that day",
            needs=tuple(
                PastLine(
                    Link(one.title, url_for("needs.need", ref=one.ref)),
                    f"{one.owner.name} · withdrawn on {day(one.at)}",
                    one.reason,
                )
                for one in board.withdrawn
            ),
        )


def _answers(content: NeedContent) -> list[Row]:
    """Return what a version says, question by question."""
    rows = [Row("Problem", content.problem), Row("Who is affected", people_words(content))]
    for question in QUESTIONS:
        for ask in question.asks:
            if ask.name in {"title", "problem", "how_many", "how_many_note"}:
                continue
            text, items = value_of(ask, content)
            if text or items:
                rows.append(Row(ask.short, text, items=items if ask.shape is not Shape.CHOICE else ()))
    return rows


@dataclass(frozen=True, kw_only=True)
class NeedPage(PastPage):
    """A need as people read it on a day."""

    template = "history/need.html"

    organisation: Link
    words: str
    since: str
    rows: tuple[Row, ...]
    now: Link

    @classmethod
    def build(cls, found: PastText, on: date) -> NeedPage:
        """Return the page."""
        need, version = found.need, found.version
        # Who withdraws a text takes it back for every day: only that it was there stays public.
        rows = _answers(version.content()) if need.withdrawn_at is None else []
        since = ""
        if need.withdrawn_at is not None:
            since = (
                f"It was withdrawn on {day(need.withdrawn_at)}, and its text with it. "
                f"Reason: {need.withdrawn_reason}"
            )
        elif need.version != version.number:
            since = f"It has changed since: version {need.version} is the latest."
        return cls(
            title=version.title,
            banner=_banner(on),
            today=Link("See the needs of today", url_for("demand.find")),
            other_day=url_for("history.ask"),
            tabs=(),
            organisation=Link(
                found.owner.name, url_for("succession.history", organisation_code=found.owner.code)
            ),
            words=f"Version {version.number}, published on {day(version.published_at)}",
            since=since,
            rows=tuple(rows),
            now=Link("This need today", url_for("needs.need", ref=need.ref)),
        )
