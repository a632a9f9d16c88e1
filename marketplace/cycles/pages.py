"""The pages of cycles: finished words and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for

from marketplace import clock
from marketplace.cycles import rules
from marketplace.cycles.models import CancelledCycle
from marketplace.cycles.rules import Answer, Said, Show
from marketplace.needs.models import Cycle, Need
from marketplace.needs.pages.words import PLACE_WORDS, closed_words, cycle_words, is_open, stand_tags
from marketplace.needs.rounds import Stage, Stand, Standing
from marketplace.organisations.models import NEED_KINDS, Kind, Organisation
from marketplace.web.cells import csv_rows
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import UNKNOWN_FILTER, count, day, listed

TEXT_LIMIT = 100
#: So many organisations are told without folding them by region.
FOLDED_FROM = 20
NO_REGION = "Not in one region"

_STAGES = {
    Stage.PLANNED: Tag("Not open yet", "blue"),
    Stage.OPEN: Tag("Open", "green"),
    Stage.LOCKED: Tag("Locked", "orange"),
    Stage.CLOSED: Tag("Closed", "grey"),
}
_KINDS = {
    Kind.ICB: ("ICS", "ICSs", "Integrated care systems"),
    Kind.TRUST: ("trust", "trusts", "NHS trusts"),
    Kind.HIN: ("HIN", "HINs", "Health innovation networks"),
}
_SHOWN = {
    Show.UNFINISHED: "Not yet answered, or with 1 or 2 of 3 needs",
    Show.NONE: "Not yet answered",
    Show.PARTLY: "With 1 or 2 of 3 needs",
    Show.THREE: "With all 3 needs",
    Show.ALL: "All that were asked",
}


def date_rows(cycle: Cycle) -> tuple[Row, ...]:
    """Return the dates of a cycle in words."""
    return (
        Row("Opens", day(cycle.opens_on)),
        Row("Reminds", day(cycle.reminds_on)),
        Row("Last day for answers", day(cycle.locks_on)),
        Row("Last day", day(cycle.closes_on)),
    )


def cycle_line(cycle: Cycle, today: date) -> str:
    """Return a cycle with its dates and its state in one line."""
    return (
        f"{cycle.name}: opens {day(cycle.opens_on)}, reminds {day(cycle.reminds_on)}, "
        f"locks after {day(cycle.locks_on)}, closes after {day(cycle.closes_on)} "
        f"({_STAGES[cycle.round.stage(today)].text.lower()})"
    )


# What administrators do


@dataclass(frozen=True, slots=True)
class CycleLine:
    """A cycle in words."""

    name: str
    tag: Tag
    rows: tuple[Row, ...]
    coverage: Link | None
    change: Link | None
    cancel: Link | None


@dataclass(frozen=True, slots=True)
class CancelledLine:
    """A cycle that was cancelled: what it was, and when and why it went."""

    name: str
    words: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CyclesPage(Page):
    """The cycles, and the form to enter the next one."""

    template = "cycles/cycles.html"

    title: str = "Cycles"
    now: str
    cycles: tuple[CycleLine, ...]
    cancelled: tuple[CancelledLine, ...]

    @classmethod
    def build(cls, cycles: Sequence[Cycle], cancelled: Sequence[CancelledCycle]) -> CyclesPage:
        """Return the page; the latest cycle comes first."""
        today = clock.today()
        opened = next((cycle for cycle in cycles if cycle.opens_on <= today), None)
        return cls(
            now=cycle_words(opened, today),
            cycles=tuple(
                CycleLine(
                    cycle.name,
                    _STAGES[cycle.round.stage(today)],
                    date_rows(cycle),
                    coverage=(
                        Link("Who has answered", url_for("cycles.coverage_of", cycle_id=cycle.id))
                        if cycle.opens_on <= today
                        else None
                    ),
                    change=(
                        Link("Change the dates", url_for("cycles.dates", cycle_id=cycle.id))
                        if rules.movable(cycle.round, today)
                        else None
                    ),
                    cancel=(
                        Link("Cancel the cycle", url_for("cycles.cancelling", cycle_id=cycle.id))
                        if rules.may_cancel(cycle.round, today)
                        else None
                    ),
                )
                for cycle in cycles
            ),
            cancelled=tuple(
                CancelledLine(
                    one.name,
                    f"Would have run from {day(one.opens_on)} to {day(one.closes_on)}. "
                    f"Cancelled on {day(one.cancelled_at)}.",
                    one.reason,
                )
                for one in cancelled
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DatesPage(Page):
    """Move the dates of a cycle that have not passed."""

    template = "cycles/dates.html"

    passed: str
    fixed: frozenset[str]
    rows: tuple[Row, ...]
    back_href: str

    @classmethod
    def build(cls, cycle: Cycle) -> DatesPage:
        """Build the page."""
        today = clock.today()
        free = rules.movable(cycle.round, today)
        fixed = [name for name in rules.DATES if name not in free]
        gone = [rules.DATES[name][:1].lower() + rules.DATES[name][1:] for name in fixed]
        if cycle.round.stage(today) is not Stage.PLANNED:
            fixed.append("name")
        return cls(
            title=f"Change the dates of {cycle.name}",
            passed=f"What has passed stays: {listed(gone)}." if gone else "",
            fixed=frozenset(fixed),
            rows=date_rows(cycle),
            back_href=url_for("cycles.listing"),
        )


@dataclass(frozen=True, kw_only=True)
class CancelPage(Page):
    """Cancel a cycle: what that takes back, or why it cannot be done."""

    template = "cycles/cancel.html"

    refused: str
    costs: tuple[str, ...]
    rows: tuple[Row, ...]
    back_href: str
    dates: Link

    @classmethod
    def build(cls, cycle: Cycle, said: Said, told: int) -> CancelPage:
        """Build the page; ``told`` is how many organisations know of the cycle."""
        refused = ""
        try:
            rules.check_cancel(cycle.round, said, clock.today())
        except rules.CycleError as error:
            refused = f"{error.message}."
        return cls(
            title=f"Cancel {cycle.name}" if not refused else f"{cycle.name} cannot be cancelled",
            refused=refused,
            costs=() if refused else tuple(_costs(cycle, said, told)),
            rows=date_rows(cycle),
            back_href=url_for("cycles.listing"),
            dates=Link("Change the dates", url_for("cycles.dates", cycle_id=cycle.id)),
        )


def _costs(cycle: Cycle, said: Said, told: int) -> Iterable[str]:
    planned = cycle.round.stage(clock.today()) is Stage.PLANNED
    if planned:
        yield "It has not opened: nobody was told of it, and nobody has answered."
    elif not said.confirmed:
        yield "Nobody has answered in it yet."
    else:
        organisations = count(len(said.confirmed), "organisation", "organisations")
        needs = count(said.needs, "need of the last cycle", "needs of the last cycle")
        yield (
            f"{organisations} confirmed {needs} as still true. That is taken back. The needs stand by their places "
            "in the last cycle, and leads are asked about them again in the next one."
        )
    if told:
        leads = count(told, "organisation", "organisations")
        yield f"The need leads of {leads} get an e-mail that it is cancelled, with your reason."
    yield "Drafts are kept. Needs that were withdrawn stay withdrawn."
    yield "Its name and its days are free again." + (
        "" if planned else " Its page of who has answered says that it was cancelled, and why."
    )


# Still true?


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """A need of an earlier cycle: what it says, and what can be said about it."""

    ref: str
    title: Link
    tags: tuple[Tag, ...]
    problem: str
    words: str
    changing: str
    edit_href: str
    draft_href: str
    withdraw_href: str
    confirm_href: str


@dataclass(frozen=True, kw_only=True)
class StillTrue(Page):
    """The needs of earlier cycles, each with the question whether it is still true."""

    template = "cycles/still_true.html"

    title: str = "Are these needs still true?"
    organisation: str
    closed: str
    cycle: str
    open: bool
    until: str
    counted: str
    full: str
    places: tuple[Row, ...]
    waiting: tuple[ToConfirm, ...]
    lapsed: tuple[ToConfirm, ...]
    rank_href: str
    write_href: str
    workspace_href: str

    @classmethod
    def build(
        cls,
        organisation: Organisation,
        cycle: Cycle | None,
        stands: Sequence[tuple[Need, Stand]],
        co_signed: Sequence[tuple[int, Need]] = (),
    ) -> StillTrue:
        """Build the page from all published needs of the organisation and how each stands.

        ``co_signed`` are the needs of others that have a place in this cycle.
        """
        today = clock.today()
        named = [
            (need.priority.rank, need)
            for need, where in stands
            if where.standing is Standing.CURRENT and need.priority is not None
        ]
        named = sorted([*named, *co_signed], key=lambda placed: placed[0])
        free = rules.PLACES - len(named)
        closed = closed_words(organisation)
        can = is_open(cycle, today) and not closed
        return cls(
            organisation=organisation.name,
            closed=closed,
            cycle=cycle_words(cycle, today),
            open=can,
            until=day(cycle.locks_on) if cycle is not None else "",
            counted=f"{len(named)} of {rules.PLACES} places of your top three are taken.",
            full=(
                "All three places are taken. To keep another need, withdraw one of those first."
                if can and not free
                else ""
            ),
            places=tuple(
                Row(
                    PLACE_WORDS[rank - 1],
                    need.current.title if need.current is not None else "",
                    url_for("needs.need", ref=need.ref),
                )
                for rank, need in named
            ),
            waiting=tuple(
                _to_confirm(need, where) for need, where in stands if where.standing is Standing.TO_CONFIRM
            ),
            lapsed=tuple(
                _to_confirm(need, where) for need, where in stands if where.standing is Standing.LAPSED
            ),
            rank_href=url_for("needs.rank", organisation_code=organisation.code),
            write_href=url_for("needs.start") if not closed else "",
            workspace_href=url_for("needs.workspace"),
        )


def _to_confirm(need: Need, where: Stand) -> ToConfirm:
    version = need.current
    draft = need.draft is not None
    return ToConfirm(
        ref=need.ref,
        title=Link(version.title if version is not None else "", url_for("needs.need", ref=need.ref)),
        tags=stand_tags(need, where),
        problem=version.problem if version is not None else "",
        words=(
            f"Version {need.version}, published on {day(version.published_at)}."
            if version is not None
            else ""
        ),
        changing=(
            "It is being changed. What you keep is the published version; the changes follow when they are published."
            if draft
            else ""
        ),
        edit_href=url_for("needs.edit", ref=need.ref) if not draft and not need.organisation.closed else "",
        draft_href=url_for("needs.tasks", ref=need.ref) if draft else "",
        withdraw_href=url_for("needs.withdraw", ref=need.ref),
        confirm_href=url_for("cycles.confirm", ref=need.ref),
    )


# Who has answered


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a kind have answered."""

    number: str
    words: str


@dataclass(frozen=True, slots=True)
class RegionLine:
    """One region's counts, a cell for each kind."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Organised:
    """An organisation in the list: who it is, and how far it has come."""

    link: Link
    kind: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class RegionList:
    """The organisations of a region that are shown."""

    name: str
    counted: str
    organisations: tuple[Organised, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a filter."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for in the list of answers."""

    text: str = ""
    kind: Kind | None = None
    region: str = ""
    show: Show = Show.UNFINISHED
    unknown: bool = False

    @classmethod
    def read(cls, arguments: Mapping[str, str]) -> Asked:
        """Read an address; what is not known there is left out."""
        kind, show = arguments.get("kind", ""), arguments.get("show", "")
        return cls(
            text=" ".join(arguments.get("q", "").split())[:TEXT_LIMIT],
            kind=Kind(kind) if kind in NEED_KINDS else None,
            region=arguments.get("region", ""),
            show=Show(show) if show in set(Show) else Show.UNFINISHED,
            unknown=kind not in {"", *NEED_KINDS} or show not in {"", *Show},
        )


@dataclass(frozen=True, kw_only=True)
class Coverage(Page):
    """Who has answered in a cycle, by kind and region."""

    template = "cycles/coverage.html"
    partial = "cycles/_answers.html"

    cycle: str
    headline: str
    note: str
    as_of: str
    counts: tuple[Count, ...]
    heads: tuple[str, ...]
    regions: tuple[RegionLine, ...]
    text: str
    kinds: tuple[Option, ...]
    places: tuple[Option, ...]
    shows: tuple[Option, ...]
    counted: str
    groups: tuple[RegionList, ...]
    folded: bool
    action: str
    csv_href: str
    cycles: tuple[Link, ...]
    board_href: str

    @classmethod
    def build(
        cls,
        cycle: Cycle,
        cycles: Sequence[Cycle],
        answers: Sequence[Answer],
        on: date,
        asked: Asked,
        *,
        always: bool,
    ) -> Coverage:
        """Build the page from everybody's answers on a day; ``cycles`` are all, the latest first.

        ``always`` tells that the address is the one that always shows the current cycle.
        """
        today = clock.today()
        regions = {answer.region_code: answer.region or NO_REGION for answer in answers}
        order = sorted(regions, key=lambda code: (not code, regions[code]))
        region = asked.region if asked.region in regions else ""
        shown = rules.chosen(answers, text=asked.text, kind=asked.kind, region=region, show=asked.show)
        return cls(
            title="Who has answered" if always else f"Who has answered in {cycle.name}",
            cycle=cycle_words(cycle, today),
            headline=headline(answers),
            note=UNKNOWN_FILTER if asked.unknown or region != asked.region else "",
            as_of=f"Counted on {day(on)}." if on == today else f"As it was when the cycle closed, {day(on)}.",
            counts=tuple(_count(kind, answers) for kind in _KINDS),
            heads=tuple(words for kind, (_, _, words) in _KINDS.items() if kind is not Kind.HIN),
            regions=tuple(
                _region_line(regions[code], here)
                for code in order
                if (here := [one for one in answers if one.region_code == code and one.kind is not Kind.HIN])
            ),
            text=asked.text,
            kinds=(
                Option("", "All kinds", asked.kind is None),
                *(Option(kind.value, words[2], asked.kind is kind) for kind, words in _KINDS.items()),
            ),
            places=(
                Option("", "All regions", not region),
                *(Option(code, regions[code], region == code) for code in order if code),
            ),
            shows=tuple(Option(show.value, words, asked.show is show) for show, words in _SHOWN.items()),
            counted=f"{count(len(shown), 'organisation')}: {_told(asked.show)}",
            groups=tuple(
                _region_list(regions[code], here)
                for code in order
                if (here := [one for one in shown if one.region_code == code])
            ),
            folded=len(shown) > FOLDED_FROM,
            action=url_for("cycles.coverage_of", cycle_id=cycle.id),
            csv_href=url_for("cycles.coverage_csv", cycle_id=cycle.id),
            cycles=tuple(
                Link(one.name, url_for("cycles.coverage_of", cycle_id=one.id))
                for one in cycles
                if one.opens_on <= today and one.id != cycle.id
            ),
            board_href=url_for("demand.find"),
        )


@dataclass(frozen=True, kw_only=True)
class NoCoverage(Page):
    """Before the first cycle nobody was asked."""

    template = "cycles/no_coverage.html"

    title: str = "Who has answered"


def headline(answers: Sequence[Answer]) -> str:
    """Return who has answered in one sentence, such as 31 of 42 ICSs, 88 of 207 trusts and 9 of 15 HINs."""
    parts = []
    for kind, (one, many, _) in _KINDS.items():
        tally = rules.tally(answer for answer in answers if answer.kind is kind)
        parts.append(f"{tally.answered} of {tally.total} {one if tally.total == 1 else many}")
    return listed(parts)


def _count(kind: Kind, answers: Iterable[Answer]) -> Count:
    tally = rules.tally(answer for answer in answers if answer.kind is kind)
    one, many, _ = _KINDS[kind]
    return Count(f"{tally.answered} of {tally.total}", f"{one if tally.total == 1 else many} answered")


def _region_line(name: str, answers: Sequence[Answer]) -> RegionLine:
    kinds = [kind for kind in _KINDS if kind is not Kind.HIN]
    tallies = [rules.tally(answer for answer in answers if answer.kind is kind) for kind in kinds]
    return RegionLine(
        name, tuple(f"{one.answered} of {one.total}" if one.total else "none" for one in tallies)
    )


def _told(show: Show) -> str:
    words = _SHOWN[show]
    return words[:1].lower() + words[1:]


def _region_list(name: str, answers: Sequence[Answer]) -> RegionList:
    return RegionList(
        name,
        count(len(answers), "organisation"),
        tuple(
            Organised(
                Link(answer.name, url_for("needs.organisation", organisation_code=answer.code)),
                answer.kind.label,
                named_tag(answer.named),
            )
            for answer in answers
        ),
    )


def named_tag(named: int) -> Tag:
    """Return how far an organisation has come, without blame."""
    if named == 0:
        return Tag("Has not yet answered", "grey")
    return Tag(f"{named} of {rules.PLACES} needs", "green" if named == rules.PLACES else "blue")


#: The columns of the file, in order.
COLUMNS = (
    "cycle",
    "as_of",
    "code",
    "organisation",
    "kind",
    "region_code",
    "region",
    "needs_named",
    "answered",
)


def as_csv(cycle: Cycle, answers: Iterable[Answer], on: date) -> str:
    """Return who has answered as a CSV file that no spreadsheet runs."""
    rows = (
        (
            cycle.name,
            on.isoformat(),
            answer.code,
            answer.name,
            answer.kind.value,
            answer.region_code,
            answer.region,
            answer.named,
            "yes" if answer.named else "not yet",
        )
        for answer in answers
    )
    return csv_rows([COLUMNS, *rows])
