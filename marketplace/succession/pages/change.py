"""One change: its facts, what is chosen for its handover, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Succession
from marketplace.organisations.rules import Change
from marketplace.succession import queries, wording
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.pages.listing import TAGS, change_line
from marketplace.succession.pages.sums import SumRow, sum_rows
from marketplace.succession.placing import Contest
from marketplace.succession.queries import Holdings, Part
from marketplace.succession.rules import State
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import count, day, moment


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a handover: what has to be chosen, and how far that is."""

    link: Link
    hint: str
    tag: Tag


@dataclass(frozen=True, kw_only=True)
class ChangePage(Page):
    """One change: its facts and, for its handover, what is chosen and what is left."""

    template = "succession/change.html"

    sentence: str
    tag: Tag
    facts: tuple[Row, ...]
    tasks: tuple[Task, ...]
    problems: tuple[str, ...]
    confirm_href: str
    cancel_href: str
    sums: tuple[SumRow, ...]
    totals: str
    closes: bool
    keeps: bool

    @classmethod
    def build(
        cls,
        change: Succession,
        part: Part,
        holdings: Holdings | None,
        contests: Sequence[Contest],
        found: Sequence[str],
    ) -> ChangePage:
        """Return the page of a person's part; ``holdings`` is None where nothing is to be handed over any more."""
        state = queries.state_of(change)
        open_ = state in (State.PLANNED, State.WAITING)
        return cls(
            title=change_line(change).title.text,
            sentence=wording.sentence(change),
            tag=TAGS[state],
            facts=_facts(change),
            tasks=_tasks(change, holdings, contests) if holdings is not None else (),
            problems=tuple(found),
            confirm_href=url_for("succession.confirm", ref=change.ref)
            if holdings is not None and not found and part.keeps
            else "",
            cancel_href=url_for("succession.cancel", ref=change.ref) if open_ and part.keeps else "",
            sums=sum_rows(change) if part.keeps else (),
            totals=_totals(change),
            closes=change.kind.ends,
            keeps=part.keeps,
        )


def _facts(change: Succession) -> tuple[Row, ...]:
    rows = [Row("First day", day(change.effective_on))]
    for link in change.links:
        if change.kind is Change.RENAME:
            rows += [Row("Name before", change.old_name), Row("Name from that day", change.new_name)]
            break
        share = f", {link.share} percent" if link.share else ""
        rows.append(
            Row(
                f"{link.predecessor.name} ({link.predecessor.code})",
                f"{link.successor.name} ({link.successor.code}){share}",
            )
        )
    rows.append(Row("Source", f"{change.source}, {day(change.source_date)}"))
    if change.note:
        rows.append(Row("Note", change.note))
    rows.append(Row("Recorded", moment(change.recorded_at)))
    if change.settled_at is not None:
        rows.append(Row("Handed over", moment(change.settled_at)))
    if change.cancelled_at is not None:
        rows.append(Row("Cancelled", moment(change.cancelled_at)))
    return tuple(rows)


def _tasks(change: Succession, holdings: Holdings, contests: Sequence[Contest]) -> tuple[Task, ...]:
    tasks = []
    for mover in MOVERS:
        items = holdings.of(mover.kind)
        if not items:
            continue
        made = sum(bool(holdings.choice(item)) for item in items)
        done = made == len(items)
        tasks.append(
            Task(
                Link(mover.heading, url_for("succession.choices", ref=change.ref, kind=mover.kind)),
                f"{made} of {len(items)} chosen",
                Tag("Completed", "green") if done else Tag("To choose", "yellow"),
            )
        )
    by_end: dict[str, list[Contest]] = {}
    for contest in contests:
        by_end.setdefault(contest.successor.code, []).append(contest)
    for code, contested in by_end.items():
        fine = all(contest.problem(holdings) is None for contest in contested)
        number = max(len(contest.candidates) for contest in contested)
        tasks.append(
            Task(
                Link(
                    f"Top three of {contested[0].successor.name}",
                    url_for("succession.places", ref=change.ref, successor_code=code),
                ),
                f"{count(number, 'need')} for three places",
                Tag("Completed", "green") if fine else Tag("To choose", "yellow"),
            )
        )
    return tuple(tasks)


def _totals(change: Succession) -> str:
    if change.settled_at is None:
        return ""
    needs = [sum(int(row[3]) for row in side if row[1] == "need") for side in (change.before, change.after)]
    return f"{count(needs[0], 'need')} before, {count(needs[1], 'need')} after."
