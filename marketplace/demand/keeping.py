"""The pages of saved searches, as finished words and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace import clock
from marketplace.demand import actions, emails
from marketplace.demand.models import SavedSearch
from marketplace.demand.pages import address
from marketplace.demand.queries import Places, Shared, Thing
from marketplace.demand.rules import Asked
from marketplace.demand.saving import Key, News, can_stop
from marketplace.demand.wording import described
from marketplace.needs.pages.words import organisation_link
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import ago, count, listed

#: So many new things are listed on the page of a search.
NEW_MOST = 50


@dataclass(frozen=True, kw_only=True)
class SavePage(Page):
    """Save a search: its name, how often we write and, without an account, where."""

    template = "demand/save.html"

    title: str = "Save this search"
    looks_for: str
    back: str
    feed: str
    signed_in: bool

    @classmethod
    def build(cls, asked: Asked, places: Places, *, signed_in: bool) -> SavePage:
        """Build the page."""
        return cls(
            looks_for=described(asked, places),
            back=address("demand.find", asked),
            feed=address("demand.feed", asked),
            signed_in=signed_in,
        )


@dataclass(frozen=True, kw_only=True)
class CheckEmail(Page):
    """The same words whatever the address is."""

    template = "demand/check_email.html"

    title: str = "Check your e-mail"


@dataclass(frozen=True, kw_only=True)
class ConfirmPage(Page):
    """One button that confirms: links alone are opened by mail scanners too."""

    template = "demand/confirm.html"

    title: str = "Confirm your saved search"
    name: str
    looks_for: str
    often: str
    done: bool
    manage: str

    @classmethod
    def build(cls, search: SavedSearch, places: Places) -> ConfirmPage:
        """Build the page, before the button is pressed or after it."""
        done = search.confirmed_at is not None
        return cls(
            title="Your search is saved" if done else "Confirm your saved search",
            name=search.name,
            looks_for=described(emails.asked_by(search), places),
            often=search.frequency.label,
            done=done,
            manage=url_for("demand.by_mail", token=actions.token(actions.MANAGE, search.ref)) if done else "",
        )


@dataclass(frozen=True, slots=True)
class SavedLine:
    """One saved search in a list."""

    link: Link
    looks_for: str
    often: str
    tag: Tag | None
    results: str
    feed: str


@dataclass(frozen=True, kw_only=True)
class SavedList(Page):
    """What a person has saved."""

    template = "demand/saved.html"

    title: str = "Saved searches"
    lines: tuple[SavedLine, ...]
    find: str

    @classmethod
    def build(
        cls, searches: Sequence[SavedSearch], fresh: Mapping[int, Sequence[News]], places: Places
    ) -> SavedList:
        """Build the page."""
        return cls(
            lines=tuple(line_of(search, fresh.get(search.id, ()), places) for search in searches),
            find=url_for("demand.find"),
        )


def line_of(search: SavedSearch, fresh: Sequence[News], places: Places) -> SavedLine:
    """Return a saved search as a line of a list."""
    asked = emails.asked_by(search)
    return SavedLine(
        link=Link(search.name, url_for("demand.saved_one", ref=search.ref)),
        looks_for=described(asked, places),
        often=search.frequency.told,
        tag=new_tag(fresh),
        results=address("demand.find", asked),
        feed=address("demand.feed", asked),
    )


def new_tag(fresh: Sequence[News]) -> Tag | None:
    """Return how much is new as a label; None where nothing is."""
    return Tag(count(len(fresh), "new", "new"), "green") if fresh else None


@dataclass(frozen=True, slots=True)
class NewLine:
    """Something that a saved search has not told yet."""

    title: Link
    by: Link
    words: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Other:
    """Another search that is saved for the same address."""

    link: Link
    often: str


@dataclass(frozen=True, kw_only=True)
class SavedPage(Page):
    """One saved search: what is new, and what can be changed."""

    template = "demand/saved_one.html"

    looks_for: str
    lines: tuple[NewLine, ...]
    more: str
    results: str
    feed: str
    here: str
    seen_href: str
    delete_href: str
    back: Link | None
    others: tuple[Other, ...]

    @classmethod
    def build(
        cls,
        search: SavedSearch,
        fresh: Sequence[News],
        things: Mapping[Key, Thing],
        places: Places,
        *,
        token: str = "",
        others: Sequence[SavedSearch] = (),
    ) -> SavedPage:
        """Build the page of a signed-in person or, with the ``token`` of a letter, of an address."""
        asked = emails.asked_by(search)
        lines = [new_line(things[one.key], one) for one in fresh if one.key in things]
        return cls(
            title=f"Saved search: {search.name}" if token else search.name,
            looks_for=described(asked, places),
            lines=tuple(lines),
            more=f"And {len(fresh) - len(lines)} more." if len(fresh) > len(lines) else "",
            results=address("demand.find", asked),
            feed=address("demand.feed", asked),
            here=url_for("demand.by_mail", token=token)
            if token
            else url_for("demand.saved_one", ref=search.ref),
            seen_href="" if token else url_for("demand.seen", ref=search.ref),
            delete_href=url_for("demand.unsubscribe", token=actions.token(actions.STOP, search.ref))
            if token
            else url_for("demand.delete", ref=search.ref),
            back=None if token else Link("Saved searches", url_for("demand.saved")),
            others=tuple(
                Other(
                    Link(
                        one.name,
                        url_for("demand.by_mail", token=actions.token(actions.MANAGE, one.ref)),
                    ),
                    one.frequency.label,
                )
                for one in others
            ),
        )


def new_line(thing: Thing, one: News) -> NewLine:
    """Return what is new for a search as a line."""
    if isinstance(thing, Shared):
        here = url_for("families.family", ref=thing.ref)
        by = Link(f"Shared by {listed(thing.organisations)}", here)
        return NewLine(Link(thing.name, here), by, "Family of needs", Tag("New", "green"))
    need, version = thing, thing.current
    title = version.title if version is not None else ""
    when = ago(version.published_at, clock.today()) if version is not None else ""
    note = f": {version.change_note}" if one.changed and version is not None and version.change_note else ""
    return NewLine(
        Link(title, url_for("needs.need", ref=need.ref)),
        organisation_link(need.organisation),
        f"{'Changed' if one.changed else 'Published'} {when}{note}",
        Tag("Changed", "yellow") if one.changed else Tag("New", "green"),
    )


@dataclass(frozen=True, kw_only=True)
class StopPage(Page):
    """One button that stops a search's e-mails, or that they are stopped."""

    template = "demand/unsubscribe.html"

    title: str
    name: str
    done: bool
    whole: bool
    find: str

    @classmethod
    def build(cls, search: SavedSearch | None, *, done: bool) -> StopPage:
        """Build the page; ``search`` is None where it is gone."""
        nothing = search is None or not can_stop(search.frequency, of_address=search.user_id is None)
        return cls(
            title="You will get no more of these e-mails" if done or nothing else "Stop these e-mails",
            name=search.name if search is not None else "",
            done=done or nothing,
            whole=search is None or search.user_id is None,
            find=url_for("demand.find"),
        )
