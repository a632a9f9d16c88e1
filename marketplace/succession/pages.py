"""The pages of changes of organisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.organisations.lineage import Lineage
from marketplace.organisations.models import Organisation, Succession
from marketplace.organisations.rules import Change
from marketplace.succession import movers, queries, rules, wording
from marketplace.succession.importing import Fault, Read
from marketplace.succession.placing import Contest
from marketplace.succession.queries import Holdings, Orphan
from marketplace.succession.rules import UNPLACED, WITHDRAW, ChangePlan, Item, State
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import count, day, listed, moment

TAGS = {
    State.PLANNED: Tag("Planned", "blue"),
    State.WAITING: Tag("Waits for its handover", "orange"),
    State.DONE: Tag("Done", "green"),
    State.CANCELLED: Tag("Cancelled", "grey"),
}
#: So many things are shown on one page of choices.
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in words."""

    title: Link
    sentence: str
    tag: Tag


@dataclass(frozen=True, kw_only=True)
class ListingPage(Page):
    """Every change that is recorded."""

    template = "succession/listing.html"

    title: str = "Changes of organisations"
    changes: tuple[ChangeLine, ...]
    left: str
    left_href: str
    without_code: tuple[Link, ...]

    @classmethod
    def build(
        cls, changes: Sequence[Succession], orphans: int, without_code: Sequence[Organisation]
    ) -> ListingPage:
        """Return the page."""
        return cls(
            changes=tuple(change_line(one) for one in changes),
            left=f"{count(orphans, 'thing')} still {'belongs' if orphans == 1 else 'belong'} to a closed organisation"
            if orphans
            else "Nothing belongs to a closed organisation",
            left_href=url_for("succession.left_behind"),
            without_code=tuple(
                Link(one.name, url_for("succession.ods_code", organisation_code=one.code))
                for one in without_code
            ),
        )


def change_line(change: Succession) -> ChangeLine:
    """Return a change as a line of a list."""
    names = [one.name for one in change.successors] or [one.name for one in change.predecessors]
    title = f"{change.kind.word}: {listed(names)}, {day(change.effective_on)}"
    return ChangeLine(
        Link(title, url_for("succession.change", ref=change.ref)),
        wording.sentence(change),
        TAGS[queries.state_of(change)],
    )


@dataclass(frozen=True, kw_only=True)
class NewPage(Page):
    """Record a change: the questions and, once they are answered, what would be recorded."""

    template = "succession/new.html"

    title: str = "Record a change of organisations"
    organisations: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    summary: tuple[Row, ...]

    @classmethod
    def build(
        cls, organisations: Sequence[tuple[str, str]], starts: int, ends: int, plan: ChangePlan | None
    ) -> NewPage:
        """Return the page."""
        return cls(
            organisations=tuple(f"{name} ({code})" for code, name in organisations),
            starts=tuple(range(1, starts + 1)),
            ends=tuple(range(1, ends + 1)),
            summary=plan_rows(plan) if plan is not None else (),
        )


def plan_rows(plan: ChangePlan) -> tuple[Row, ...]:
    """Return what a change would do, in words."""
    ends = plan.kind.ends
    rows = [
        Row("What happens", plan.kind.label),
        Row("First day", day(plan.effective_on)),
        Row(
            "Closes on that day" if ends else "Organisation",
            "",
            items=tuple(
                f"{one.name} ({one.code})" for one in plan.starts if not ends or one not in plan.ends
            ),
        ),
    ]
    if plan.kind is Change.RENAME:
        rows.append(Row("New name", plan.new_name))
    else:
        rows.append(
            Row(
                "Successors",
                "",
                items=tuple(
                    f"{link.end.name}"
                    + (f" ({link.end.code})" if link.end.code else "")
                    + (", new" if link.end.new else "")
                    + (f", {link.share} percent of {link.start.name}" if link.share else "")
                    for link in plan.links
                ),
            )
        )
    rows.append(Row("Source", f"{plan.source}, {day(plan.source_date)}"))
    if plan.note:
        rows.append(Row("Note", plan.note))
    return tuple(rows)


@dataclass(frozen=True, kw_only=True)
class ImportPage(Page):
    """Import changes: the file, its faults, or what it would record."""

    template = "succession/import.html"

    title: str = "Import changes of organisations"
    faults: tuple[str, ...]
    plans: tuple[tuple[Row, ...], ...]

    @classmethod
    def build(cls, faults: Sequence[Fault] = (), found: Read | None = None) -> ImportPage:
        """Return the page."""
        return cls(
            faults=tuple(fault.words for fault in faults),
            plans=tuple(plan_rows(plan) for plan in found.plans) if found is not None else (),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a handover: what has to be chosen, and how far that is."""

    link: Link
    hint: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class SumRow:
    """One count before and after."""

    organisation: str
    kind: str
    state: str
    before: str
    after: str


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

    @classmethod
    def build(
        cls, change: Succession, holdings: Holdings | None, contests: Sequence[Contest], found: Sequence[str]
    ) -> ChangePage:
        """Return the page; ``holdings`` is None where nothing is to be handed over any more."""
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
            if holdings is not None and not found
            else "",
            cancel_href=url_for("succession.cancel", ref=change.ref) if open_ else "",
            sums=sum_rows(change),
            totals=_totals(change),
            closes=change.kind.ends,
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
    for mover in movers.MOVERS:
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


_KINDS = {"place": "Places"}


def sum_rows(change: Succession) -> tuple[SumRow, ...]:
    """Return the counts of a handover, before beside after; none until it is done."""
    return paired(change.before, change.after) if change.settled_at is not None else ()


def paired(before: Sequence[Sequence[str | int]], after: Sequence[Sequence[str | int]]) -> tuple[SumRow, ...]:
    """Return counts before beside counts after."""
    left = {tuple(row[:3]): row[3] for row in before}
    right = {tuple(row[:3]): row[3] for row in after}
    headings = {mover.kind: mover.heading for mover in movers.MOVERS} | _KINDS
    order = [*(mover.kind for mover in movers.MOVERS), *_KINDS]
    return tuple(
        SumRow(
            str(key[0]),
            headings.get(str(key[1]), str(key[1])),
            str(key[2]),
            f"{left.get(key, 0)}",
            f"{right.get(key, 0)}",
        )
        for key in sorted(
            {*left, *right},
            key=lambda key: (
                order.index(str(key[1])) if str(key[1]) in order else 99,
                str(key[2]),
                str(key[0]),
            ),
        )
    )


def _totals(change: Succession) -> str:
    if change.settled_at is None:
        return ""
    needs = [sum(int(row[3]) for row in side if row[1] == "need") for side in (change.before, change.after)]
    return f"{count(needs[0], 'need')} before, {count(needs[1], 'need')} after."


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a list."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Choose:
    """One thing with its choices."""

    subject: str
    title: str
    href: str
    state: str
    detail: str
    owner: str
    options: tuple[Option, ...]
    suggested: str
    error: str


@dataclass(frozen=True, kw_only=True)
class ChoicesPage(Page):
    """Choose for each thing of one kind where it goes."""

    template = "succession/choices.html"

    sentence: str
    hint: str
    items: tuple[Choose, ...]
    fills: tuple[Option, ...]
    left: str
    back: str
    lock_version: int
    where: str
    previous: str
    following: str

    @classmethod
    def build(
        cls,
        holdings: Holdings,
        mover: movers.Mover,
        number: int,
        *,
        typed: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> ChoicesPage:
        """Return the page; ``typed`` are choices that could not be saved."""
        change = holdings.change
        items = holdings.of(mover.kind)
        pages = max(1, -(-len(items) // PER_PAGE))
        number = min(max(1, number), pages)
        shown = items[(number - 1) * PER_PAGE : number * PER_PAGE]
        owners = {one.id: one.name for one in change.predecessors}
        left = sum(not holdings.choice(item) for item in items)

        def address(page: int) -> str:
            return url_for("succession.choices", ref=change.ref, kind=mover.kind, page=page)

        return cls(
            title=mover.heading,
            sentence=wording.sentence(change),
            hint=mover.hint,
            items=tuple(
                _choose(
                    holdings, item, owners, (typed or {}).get(item.subject), (errors or {}).get(item.subject)
                )
                for item in shown
            ),
            fills=_fills(holdings, items),
            left=f"{left} of {len(items)} still to choose" if left else f"All {len(items)} chosen",
            back=url_for("succession.change", ref=change.ref),
            lock_version=change.lock_version,
            where=f"Page {number} of {pages}" if pages > 1 else "",
            previous=address(number - 1) if number > 1 else "",
            following=address(number + 1) if number < pages else "",
        )


def _choose(
    holdings: Holdings, item: Item, owners: Mapping[int, str], typed: str | None, error: str | None
) -> Choose:
    chosen = holdings.choice(item) if typed is None else typed
    suggested = holdings.suggestion(item)
    return Choose(
        subject=item.subject,
        title=item.title,
        href=item.href,
        state=item.state,
        detail=item.detail,
        owner=owners.get(item.owner_id, "") if len(owners) > 1 else "",
        options=tuple(
            Option(choice, holdings.words_of(choice), choice == chosen) for choice in holdings.allowed(item)
        ),
        suggested=holdings.words_of(suggested) if not chosen and suggested else "",
        error=error or "",
    )


def _fills(holdings: Holdings, items: Sequence[Item]) -> tuple[Option, ...]:
    common: list[str] = []
    for item in items:
        common += [one for one in holdings.allowed(item) if one not in common]
    return (
        Option("suggested", "What is suggested for each", False),
        *(Option(choice, holdings.words_of(choice), False) for choice in common),
    )


@dataclass(frozen=True, slots=True)
class Contender:
    """A need that held a place, with what can become of it."""

    field: str
    ref: str
    title: str
    by: str
    options: tuple[Option, ...]
    suggested: str
    reason: str
    may_withdraw: bool
    error: str


@dataclass(frozen=True, slots=True)
class Round:
    """The places of one cycle."""

    heading: str
    words: str
    contenders: tuple[Contender, ...]
    problem: str


@dataclass(frozen=True, kw_only=True)
class PlacesPage(Page):
    """Choose whose needs hold the three places of a successor."""

    template = "succession/places.html"

    sentence: str
    rounds: tuple[Round, ...]
    back: str
    lock_version: int

    @classmethod
    def build(
        cls,
        holdings: Holdings,
        contests: Sequence[Contest],
        *,
        typed: Mapping[tuple[int, str], tuple[str, str]] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> PlacesPage:
        """Return the page of one successor's contests."""
        return cls(
            title=f"Top three of {contests[0].successor.name}",
            sentence=wording.sentence(holdings.change),
            rounds=tuple(_round(holdings, contest, typed, errors or {}) for contest in contests),
            back=url_for("succession.change", ref=holdings.change.ref),
            lock_version=holdings.change.lock_version,
        )


def place_words(choice: str) -> str:
    """Return a choice of place as people read it."""
    return {
        **{str(number): words for number, words in enumerate(PLACE_WORDS, start=1)},
        UNPLACED: "No place: it stays published, off the board",
        WITHDRAW: "Withdraw it",
    }[choice]


def _round(
    holdings: Holdings,
    contest: Contest,
    typed: Mapping[tuple[int, str], tuple[str, str]] | None,
    errors: Mapping[str, str],
) -> Round:
    saved = {place.ref: (place.choice, place.words) for place in contest.chosen(holdings)}
    contenders = []
    for one in contest.candidates:
        choice, reason = (typed or {}).get((contest.cycle.id, one.ref), saved[one.ref])
        contenders.append(
            Contender(
                field=f"{contest.cycle.id}-{one.ref}",
                ref=one.ref,
                title=one.title,
                by=f"Place {one.rank} of {one.by} before" + ("" if one.own else ", co-signed"),
                options=tuple(Option(value, place_words(value), value == choice) for value in one.options),
                suggested=place_words(one.suggestion) if one.suggestion and not choice else "",
                reason=reason,
                may_withdraw=WITHDRAW in one.options,
                error=errors.get(one.ref, ""),
            )
        )
    number = len(contest.candidates)
    problem = contest.problem(holdings)
    begun = any(choice for choice, _ in saved.values())
    return Round(
        heading=contest.cycle.name,
        words=f"{count(number, 'need')} held a place, and there are three."
        if number > rules.PLACES
        else f"{count(number, 'need')} held a place. All of them can keep one.",
        contenders=tuple(contenders),
        problem=problem.message if problem is not None and begun else "",
    )


@dataclass(frozen=True, kw_only=True)
class ConfirmPage(Page):
    """The last look before everything is handed over."""

    template = "succession/confirm.html"

    sentence: str
    rows: tuple[SumRow, ...]
    places: tuple[Row, ...]
    problems: tuple[str, ...]
    back: str
    lock_version: int

    @classmethod
    def build(cls, holdings: Holdings, contests: Sequence[Contest], found: Sequence[str]) -> ConfirmPage:
        """Return the page."""
        return cls(
            title="Confirm the handover",
            sentence=wording.sentence(holdings.change),
            rows=_destinations(holdings),
            places=tuple(_place_row(holdings, contest) for contest in contests),
            problems=tuple(found),
            back=url_for("succession.change", ref=holdings.change.ref),
            lock_version=holdings.change.lock_version,
        )


def _destinations(holdings: Holdings) -> tuple[SumRow, ...]:
    counted: dict[tuple[str, str, str], int] = {}
    for item in holdings.items:
        mover = movers.mover_of(item.kind)
        heading = mover.heading if mover is not None else item.kind
        key = (heading, item.state, holdings.words_of(holdings.choice(item)))
        counted[key] = counted.get(key, 0) + 1
    return tuple(SumRow(where, kind, state, str(n), "") for (kind, state, where), n in counted.items())


def _place_row(holdings: Holdings, contest: Contest) -> Row:
    lines = []
    for place in sorted(contest.chosen(holdings), key=lambda one: one.choice):
        if place.choice:
            reason = f". Reason: {place.words}" if place.choice == WITHDRAW else ""
            lines.append(f"{place_words(place.choice)}: {place.title}{reason}")
    return Row(f"{contest.successor.name}, {contest.cycle.name}", "", items=tuple(lines))


@dataclass(frozen=True, kw_only=True)
class CancelPage(Page):
    """Ask before a change is cancelled."""

    template = "succession/cancel.html"

    title: str = "Cancel this change?"
    sentence: str
    back: str

    @classmethod
    def build(cls, change: Succession) -> CancelPage:
        """Return the page."""
        return cls(sentence=wording.sentence(change), back=url_for("succession.change", ref=change.ref))


@dataclass(frozen=True, slots=True)
class LeftGroup:
    """What still belongs to one closed organisation."""

    organisation: Link
    closed: str
    lines: tuple[str, ...]
    change: Link | None


@dataclass(frozen=True, kw_only=True)
class LeftPage(Page):
    """Everything that still belongs to a closed organisation."""

    template = "succession/left_behind.html"

    title: str = "What closed organisations still hold"
    groups: tuple[LeftGroup, ...]
    total: str

    @classmethod
    def build(cls, orphans: Sequence[Orphan], changes: Sequence[Succession]) -> LeftPage:
        """Return the page; ``changes`` are those whose handover waits."""
        by_organisation: dict[int, list[Orphan]] = {}
        for orphan in orphans:
            by_organisation.setdefault(orphan.organisation.id, []).append(orphan)
        waiting = {one.id: change for change in changes if change.kind.ends for one in change.predecessors}
        return cls(
            groups=tuple(
                _left(found, waiting.get(organisation_id))
                for organisation_id, found in by_organisation.items()
            ),
            total=count(len(orphans), "thing"),
        )


def _left(found: Sequence[Orphan], change: Succession | None) -> LeftGroup:
    organisation = found[0].organisation
    lines = []
    for orphan in found:
        mover = movers.mover_of(orphan.item.kind)
        lines.append(
            f"{mover.heading if mover else orphan.item.kind}: {orphan.item.title} ({orphan.item.state})"
        )
    return LeftGroup(
        Link(organisation.name, url_for("succession.history", organisation_code=organisation.code)),
        f"Closed since {day(organisation.closed_on)}" if organisation.closed_on else "",
        tuple(lines),
        Link("Choose where it goes", url_for("succession.change", ref=change.ref)) if change else None,
    )


@dataclass(frozen=True, kw_only=True)
class CodePage(Page):
    """Enter the ODS code of an organisation that has none yet."""

    template = "succession/ods_code.html"

    organisation: str
    back: str

    @classmethod
    def build(cls, organisation: Organisation) -> CodePage:
        """Return the page."""
        return cls(
            title="Enter the ODS code",
            organisation=organisation.name,
            back=url_for("succession.listing"),
        )


# What everybody may read


@dataclass(frozen=True, slots=True)
class Told:
    """One change in an organisation's history."""

    when: str
    sentence: str
    source: str
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class HistoryPage(Page):
    """What an organisation came from and went into."""

    template = "succession/history.html"

    organisation: Link
    kind: str
    facts: tuple[Row, ...]
    told: tuple[Told, ...]
    now: tuple[Link, ...]
    now_words: str
    nothing: str

    @classmethod
    def build(
        cls, organisation: Organisation, lineage: Lineage, successors: Sequence[Organisation], needs: int
    ) -> HistoryPage:
        """Return the page; ``needs`` were handed on from here."""
        changes = sorted((*lineage.formed, *lineage.became), key=lambda one: (one.effective_on, one.id))
        facts = []
        if organisation.ods_code:
            facts.append(Row("ODS code", organisation.ods_code))
        elif not changes:
            facts.append(Row("ODS code", "None"))
        else:
            facts.append(Row("ODS code", "Not known to this service yet"))
        if organisation.opened_on:
            facts.append(Row("Open since", day(organisation.opened_on)))
        if organisation.closed_on:
            facts.append(Row("Closed since", day(organisation.closed_on)))
        if needs:
            facts.append(Row("Needs handed on", count(needs, "need")))
        return cls(
            title=f"History of {organisation.name}",
            organisation=Link(
                organisation.name, url_for("needs.organisation", organisation_code=organisation.code)
            ),
            kind=organisation.kind.label,
            facts=tuple(facts),
            told=tuple(_told(change, organisation) for change in changes),
            now=tuple(
                Link(one.name, url_for("needs.organisation", organisation_code=one.code))
                for one in successors
            ),
            now_words="Its needs are now those of" if len(successors) == 1 else "Its needs now belong to",
            nothing="" if changes else "No merger, split or new name is recorded for this organisation.",
        )


def _told(change: Succession, organisation: Organisation) -> Told:
    others = {one.id: one for one in (*change.predecessors, *change.successors) if one.id != organisation.id}
    return Told(
        when=day(change.effective_on),
        sentence=wording.sentence(change),
        source=f"Source: {change.source}, {day(change.source_date)}",
        links=tuple(
            Link(one.name, url_for("succession.history", organisation_code=one.code))
            for one in others.values()
        ),
    )
