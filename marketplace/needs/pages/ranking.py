"""Ranking the top three, withdrawing and discarding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace import clock
from marketplace.needs import rules, signed, signing
from marketplace.needs.models import Cycle, Need, NeedDraft
from marketplace.needs.pages.words import PLACE_WORDS, UNTITLED, closed_words, cycle_words, is_open
from marketplace.needs.rules import State
from marketplace.needs.signing import Step
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Tag


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
    closed: str
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
        today, closed = clock.today(), closed_words(organisation)
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
            closed=closed,
            cycle=cycle_words(cycle, today),
            open=is_open(cycle, today) and not closed,
            needs=tuple(rankable),
            unfinished=tuple(unfinished),
            workspace_href=url_for("needs.workspace"),
            write_href=url_for("needs.start") if not closed else "",
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
