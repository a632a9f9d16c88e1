"""How far the sign-off of a need has come, who leads it, and what reviewers said: finished words for its pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.needs import queries, rules, signing
from marketplace.needs.models import Need, ReviewComment, SignOff
from marketplace.needs.questions import ASKS
from marketplace.needs.signing import Step
from marketplace.web.pages import Link, Row, Tag
from marketplace.web.words import day, moment

TAGS: Mapping[Step, Tag] = {
    Step.SUBMITTED: Tag("Waiting for the sponsor", "yellow"),
    Step.APPROVED: Tag("Being checked by the HIN", "yellow"),
    Step.RETURNED: Tag("Returned with comments", "orange"),
    Step.TAKEN_BACK: Tag("Taken back", "grey"),
    Step.PUBLISHED: Tag("Published", "green"),
}
CHANGES_ASKED = Tag("The HIN asks for changes", "orange")


def reviewer(sign_off: SignOff) -> str:
    """Return who returned a submission: the sponsor by name, a HIN as an organisation."""
    if sign_off.hin is not None:
        return sign_off.hin.name
    name = queries.name_of(sign_off.returned_by_id)
    return f"{name} (sponsor)" if name else "The sponsor"


# What reviewers said


@dataclass(frozen=True, slots=True)
class Comment:
    """What a reviewer said about a field, with what the writers do about it; ``error`` is about their reply."""

    id: int
    field: str
    label: str
    by: str
    text: str
    settled: bool
    reply: str
    state: str
    error: str = ""

    @property
    def anchor(self) -> str:
        """Return the name of its place on a page."""
        return f"comment-{self.field}"


def comments_of(
    need: Need, typed: Mapping[int, str | None] | None = None, errors: Mapping[int, str] | None = None
) -> tuple[Comment, ...]:
    """Return what was said when the need was returned last, in the order of the questions.

    ``typed`` is what stands in a form that could not be saved, ``errors`` what is wrong with it.
    """
    if need.sign_off is None or not need.comments_to_settle:
        return ()
    by, said = reviewer(need.sign_off), {one.field: one for one in need.comments_to_settle}
    return tuple(_comment(said[name], by, typed or {}, errors or {}) for name in ASKS if name in said)


def _comment(
    one: ReviewComment, by: str, typed: Mapping[int, str | None], errors: Mapping[int, str]
) -> Comment:
    settled, reply = one.settled_at is not None, one.reply
    if one.id in typed:
        said = typed[one.id]
        settled, reply = said is not None, said or ""
    return Comment(
        id=one.id,
        field=one.field,
        label=ASKS[one.field].short,
        by=by,
        text=one.text,
        settled=settled,
        reply=reply,
        state=comment_state(one),
        error=errors.get(one.id, ""),
    )


def changes_asked(need: Need) -> tuple[Row, ...]:
    """Return what a HIN asks to change in the published text, by field, in the order of the questions."""
    sign_off = need.sign_off
    if sign_off is None or sign_off.asked_at is None or not sign_off.unseen:
        return ()
    said = {one.field: one for one in sign_off.comments}
    rows = [Row(ASKS[name].short, said[name].text) for name in ASKS if name in said]
    note = [Row("Note", sign_off.return_note)] if sign_off.return_note else []
    return (*rows, *note)


def comment_state(one: ReviewComment) -> str:
    """Say what the writers did about a comment."""
    if one.settled_at is None:
        return "Not dealt with yet"
    return f"Answered: {one.reply}" if one.reply else "Marked as dealt with"


def comment_links(need: Need, back: str | None = None) -> tuple[Link, ...]:
    """Return the way to each comment that nobody has dealt with."""
    return tuple(
        Link(
            f"{one.label}: {one.text}",
            url_for("needs.question", ref=need.ref, slug=rules.page_of(one.field).slug, back=back)
            + f"#{one.anchor}",
        )
        for one in comments_of(need)
        if not one.settled
    )


# Who leads it


@dataclass(frozen=True, slots=True)
class Leaders:
    """Who leads a need and who is the deputy; ``warning`` says what is wrong with that."""

    owner: str
    deputy: str
    warning: str
    left: bool
    change: Link


def leaders_of(need: Need, members: Mapping[int, set[Role]]) -> Leaders:
    """Return who leads a need; ``members`` are the people of its organisation in force."""
    people = need.people
    owner, deputy = (people.owner, people.deputy) if people is not None else (None, None)
    left = owner is not None and not queries.leads(members, owner.id)
    deputy_left = deputy is not None and deputy.id not in members
    warning = ""
    if left and owner is not None:
        warning = f"{owner.name}, who led this need, has left."
    elif deputy_left and deputy is not None:
        warning = f"{deputy.name}, who was the deputy, has left."
    elif deputy is None:
        warning = "This need has no deputy."
    return Leaders(
        owner=f"{owner.name} (has left)"
        if owner is not None and left
        else owner.name
        if owner
        else "Nobody yet",
        deputy=(f"{deputy.name} (has left)" if deputy_left else deputy.name) if deputy else "Nobody yet",
        warning=warning,
        left=left,
        change=Link("Change who leads this need", url_for("reviews.people", ref=need.ref)),
    )


def has_left(need: Need, members: Mapping[int, set[Role]]) -> bool:
    """Tell whether the person who led a need has left."""
    return (
        need.people is not None
        and need.people.owner_id is not None
        and not queries.leads(members, need.people.owner_id)
    )


# How far it has come


@dataclass(frozen=True, slots=True)
class SigningOff:
    """Where the sign-off of a need stands, and what can be done meanwhile."""

    tag: Tag
    words: str
    help: str = ""
    link: Link | None = None
    take_back: str = ""


def signing_off_of(actor: Actor, need: Need) -> SigningOff | None:
    """Return where the latest submission stands, while it is open or just returned; None otherwise."""
    sign_off = need.sign_off
    if sign_off is None or need.withdrawn_at is not None:
        return None
    step = sign_off.step
    if step is Step.RETURNED and need.draft is not None and sign_off.returned_at is not None:
        note = f" They wrote: “{sign_off.return_note}”" if sign_off.return_note else ""
        return SigningOff(
            TAGS[step], f"{reviewer(sign_off)} returned it on {day(sign_off.returned_at)}.{note}"
        )
    if sign_off.unseen and sign_off.asked_at is not None:
        note = f" {sign_off.return_note}" if sign_off.return_note else ""
        return SigningOff(
            CHANGES_ASKED,
            f"{reviewer(sign_off)} read the published text on {day(sign_off.asked_at)} and asks for changes.{note}",
        )
    if not step.open:
        return None
    take_back = (
        url_for("reviews.take_back", ref=need.ref)
        if actor.may(Permission.NEED_PUBLISH, need.organisation_id)
        else ""
    )
    if step is Step.APPROVED and sign_off.approved_at is not None:
        hins = queries.checking_hins(need.organisation)
        names = " or ".join(one.name for one in hins) or "The HIN"
        by, late = (
            signing.check_by(sign_off.approved_at),
            signing.is_silent(sign_off.approved_at, clock.now()),
        )
        return SigningOff(
            Tag("Overdue at the HIN", "red") if late else TAGS[step],
            f"The sponsor approved it on {day(sign_off.approved_at)}. "
            + (
                f"{names} had until {moment(by)} to check it."
                if late
                else f"{names} checks it by {moment(by)}."
            ),
            help="The sponsor may now publish it as not checked, or wait for the HIN."
            if late
            else "After that the sponsor may publish it as not checked.",
            take_back=take_back,
        )
    help_, link = sponsor_help(need.organisation_id, need.organisation.code, sign_off.writers)
    return SigningOff(
        TAGS[step],
        f"Submitted on {moment(sign_off.submitted_at)}. The sponsor reads it next.",
        help=help_,
        link=link,
        take_back=take_back,
    )


def sponsor_help(
    organisation_id: int, organisation_code: str, writers: Collection[int]
) -> tuple[str, Link | None]:
    """Say who can approve, or what to do when nobody can."""
    sponsors = queries.sponsors_of(organisation_id)
    free = [one.name for one in sponsors if one.id not in writers]
    if free:
        return f"Sponsors who can approve it: {', '.join(free)}.", None
    invite = Link("Invite a sponsor", url_for("accounts.members", organisation_code=organisation_code))
    if sponsors:
        return (
            (
                "Every sponsor of your organisation wrote in this need, and nobody approves their own work. "
                "Invite one more sponsor, such as a director or the chair."
            ),
            invite,
        )
    return (
        (
            "Your organisation has no sponsor here yet. A sponsor is a senior person, such as a director, who "
            "approves needs before they are published. Invite one: your need waits until they join."
        ),
        invite,
    )


def signed_words(sign_off: SignOff | None) -> str:
    """Say in public who signed a version off; empty for one that was published before there was sign-off."""
    if sign_off is None or sign_off.approved_at is None:
        return ""
    approved = f"Approved by the organisation’s sponsor on {day(sign_off.approved_at)}"
    if sign_off.checked_at is not None and sign_off.hin is not None and sign_off.unchecked is not None:
        return (
            f"{approved}, and published before a health innovation network had checked it. "
            f"Checked by {sign_off.hin.name} on {day(sign_off.checked_at)}."
        )
    if sign_off.checked_at is not None and sign_off.hin is not None:
        return f"{approved}, and checked by {sign_off.hin.name} on {day(sign_off.checked_at)}."
    if sign_off.unchecked is not None:
        return f"{approved}. Not checked by a health innovation network: {sign_off.unchecked.words}."
    return f"{approved}."
