"""The pages of sign-off: finished words and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.accounts.models import Invitation
from marketplace.accounts.queries import Member
from marketplace.needs import coach, queries, signed, signing
from marketplace.needs.models import Need, NeedFields, ReviewComment, SignOff
from marketplace.needs.pages.reading import Statement
from marketplace.needs.pages.words import (
    PLACE_WORDS,
    UNTITLED,
    as_text,
    closed_words,
    organisation_link,
    value_of,
)
from marketplace.needs.questions import ASKS, Shape
from marketplace.needs.rules import NeedContent
from marketplace.needs.signing import Step
from marketplace.organisations.models import Kind
from marketplace.reviews.queries import Comparable
from marketplace.reviews.rules import Pair, compare_lists, compare_texts
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.search import meanings_of
from marketplace.web.words import count, day, moment

NOT_CHECKED = Tag("Not checked", "orange")

# What stands beside a field


@dataclass(frozen=True, slots=True)
class FieldNote:
    """What a reviewer sees beside a field: what the coach asks, what changed, and what was said before."""

    name: str
    label: str
    findings: tuple[str, ...]
    changed: tuple[Pair, ...]
    earlier: tuple[Row, ...]


def notes_of(
    content: NeedContent, before: NeedContent | None, left: Sequence[str], earlier: Sequence[ReviewComment]
) -> dict[str, FieldNote]:
    """Return the note of each field.

    ``before`` is the text that it is compared with; ``left`` are the coach's findings that the writers left.
    """
    found = coach.look_over(content, meanings_of)
    return {
        name: FieldNote(
            name=name,
            label=ask.short,
            findings=tuple(
                one.question + (" (The writers left it as it is.)" if one.key in left else "")
                for one in found
                if one.field == name and one.words
            ),
            changed=tuple(changes_of(name, before, content)) if before is not None else (),
            earlier=tuple(Row(one.text, signed.comment_state(one)) for one in earlier if one.field == name),
        )
        for name, ask in ASKS.items()
    }


def changes_of(name: str, old: NeedContent, new: NeedContent) -> list[Pair]:
    """Return how an answer differs, side by side; empty when it is the same."""
    if getattr(old, name) == getattr(new, name):
        return []
    ask = ASKS[name]
    if ask.shape in (Shape.STATEMENTS, Shape.EVIDENCE):
        return compare_lists(value_of(ask, old)[1], value_of(ask, new)[1])
    return [compare_texts(value_of(ask, old)[0], value_of(ask, new)[0])]


# The queue


@dataclass(frozen=True, slots=True)
class Waiting:
    """A need that waits for a decision: what is needed to decide whether to open it, and the text itself."""

    ref: str
    key: str
    title: Link
    tags: tuple[Tag, ...]
    words: str
    looks: str
    statement: Statement
    may_decide: bool
    closed: str = ""
    publish: str = ""
    round: int = 0
    lock_version: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What waits at one organisation."""

    organisation: Link
    needs: tuple[Waiting, ...]


@dataclass(frozen=True, kw_only=True)
class QueuePage(Page):
    """What waits for a sponsor's approval and for a HIN's check."""

    template = "reviews/queue.html"

    title: str = "Needs to sign off"
    sponsor: bool
    hin: bool
    to_approve: tuple[Batch, ...]
    with_hin: tuple[Waiting, ...]
    to_check: tuple[Waiting, ...]
    unseen: tuple[Waiting, ...]
    approve_href: str
    several: bool

    @classmethod
    def build(
        cls,
        actor: Actor,
        to_approve: Sequence[SignOff],
        approved: Sequence[SignOff],
        to_check: Sequence[SignOff],
        unseen: Sequence[SignOff],
    ) -> QueuePage:
        """Build the page for a sponsor, a HIN's broker, or somebody who is both."""
        batches: dict[int, list[SignOff]] = {}
        for one in to_approve:
            batches.setdefault(one.need.organisation_id, []).append(one)
        return cls(
            sponsor=actor.may(Permission.NEED_APPROVE),
            hin=actor.may(Permission.NEED_CHECK),
            to_approve=tuple(
                Batch(
                    organisation_link(theirs[0].need.organisation),
                    tuple(_waiting(actor, one) for one in _by_place(theirs)),
                )
                for theirs in batches.values()
            ),
            with_hin=tuple(_waiting(actor, one) for one in approved),
            to_check=tuple(_waiting(actor, one) for one in to_check),
            unseen=tuple(_waiting(actor, one) for one in unseen),
            approve_href=url_for("reviews.approve"),
            several=len(to_approve) > 1,
        )


def _by_place(sign_offs: Sequence[SignOff]) -> list[SignOff]:
    return sorted(
        sign_offs,
        key=lambda one: (
            one.need.priority.rank if one.need.priority is not None and not one.based_on else 9,
            one.id,
        ),
    )


def _waiting(actor: Actor, sign_off: SignOff) -> Waiting:
    need, content = sign_off.need, sign_off.content()
    tags, closed = [_kind_tag(sign_off)], closed_words(sign_off.need.organisation)
    words = f"{need.organisation.name}. Submitted on {day(sign_off.submitted_at)}"
    publish, hands = "", set(sign_off.writers)
    if sign_off.unseen:
        words += ". Published without a check."
        tags.append(NOT_CHECKED)
        hands |= {sign_off.approved_by_id or 0}
    elif sign_off.approved_at is not None:
        until = signing.check_by(sign_off.approved_at)
        late = signing.is_silent(sign_off.approved_at, clock.now())
        words += f", approved on {day(sign_off.approved_at)}. "
        words += f"The HIN’s time ended on {moment(until)}." if late else f"To check by {moment(until)}."
        tags.append(Tag("Overdue", "red") if late else Tag("Being checked by the HIN", "yellow"))
        if late and not closed and actor.may(Permission.NEED_APPROVE, need.organisation_id):
            publish = url_for("reviews.publish", ref=need.ref)
        hands |= {sign_off.approved_by_id or 0}
    else:
        words += "."
    asked = sum(1 for one in coach.look_over(content, meanings_of) if one.words)
    return Waiting(
        ref=need.ref,
        key=f"{need.ref}:{sign_off.round}:{sign_off.lock_version}",
        title=Link(sign_off.title or UNTITLED, url_for("reviews.review", ref=need.ref)),
        tags=tuple(tags),
        words=words,
        looks=f"The coach asks {count(asked, 'question')} about it." if asked else "",
        statement=Statement.of(content),
        may_decide=actor.user_id not in hands and not closed,
        closed=closed,
        publish=publish,
        round=sign_off.round,
        lock_version=sign_off.lock_version,
    )


def _kind_tag(sign_off: SignOff) -> Tag:
    need = sign_off.need
    if sign_off.based_on:
        return Tag("New version", "blue")
    if need.priority is not None:
        return Tag(PLACE_WORDS[need.priority.rank - 1], "blue")
    return Tag("New need", "blue")


# One need under review


@dataclass(frozen=True, kw_only=True)
class ReviewPage(Page):
    """A need as the public will read it, with what a reviewer has to know beside each field."""

    template = "reviews/review.html"

    organisation: Link
    tags: tuple[Tag, ...]
    need_title: str
    words: str
    change_note: str
    compared: str
    compare: Link | None
    statement: Statement
    notes: Mapping[str, FieldNote]
    asked: int
    changed: tuple[str, ...]
    decision: str
    act: str
    send_back: str
    next: str
    may_decide: str
    conflict: str
    typed: tuple[Row, ...]
    publish: str
    queue_href: str

    @classmethod
    def build(
        cls, actor: Actor, need: Need, *, conflict: str = "", typed: Mapping[str, str] | None = None
    ) -> ReviewPage:
        """Build the page of the latest submission; ``typed`` are comments that came too late."""
        sign_off = need.sign_off
        assert sign_off is not None  # noqa: S101 - the query finds submitted needs alone
        content = sign_off.content()
        previous = _known_rounds(actor, need, sign_off)
        before, compared = _compared_with(need, sign_off, previous)
        said = previous[-1] if previous else None
        earlier = said.comments if said is not None and (said.version is None or said.asked_at) else []
        left = need.draft.left_as_is if need.draft is not None else []
        notes = notes_of(content, before, left, earlier)
        decision = _decision(actor, need, sign_off)
        late = sign_off.step is Step.APPROVED and signing.is_silent(sign_off.approved_at, clock.now())
        closed = closed_words(need.organisation)
        may_publish = late and not closed and actor.may(Permission.NEED_APPROVE, need.organisation_id)
        return cls(
            title=f"Sign off: {sign_off.title}" if decision else f"Submitted: {sign_off.title}",
            organisation=organisation_link(need.organisation),
            tags=(
                _kind_tag(sign_off),
                Tag("Overdue", "red") if late else signed.TAGS[sign_off.step],
                *((NOT_CHECKED,) if sign_off.unseen else ()),
            ),
            need_title=sign_off.title,
            words=_how_far(sign_off),
            change_note=sign_off.change_note,
            compared=compared,
            compare=Link("Compare side by side", url_for("reviews.compare", ref=need.ref))
            if compared
            else None,
            statement=Statement.of(content),
            notes=notes,
            asked=sum(len(note.findings) for note in notes.values()),
            changed=tuple(note.label for note in notes.values() if note.changed),
            decision=decision,
            act=_act_words(sign_off, decision),
            send_back=_send_back_words(sign_off),
            next=_next_words(need, decision),
            may_decide=(closed or _own_words(actor, sign_off)) if decision else "",
            conflict=conflict,
            typed=tuple(
                Row(ASKS[name].short if name in ASKS else "The note", text)
                for name, text in (typed or {}).items()
                if text
            ),
            publish=url_for("reviews.publish", ref=need.ref) if may_publish else "",
            queue_href=url_for("reviews.queue"),
        )


def _known_rounds(actor: Actor, need: Need, sign_off: SignOff) -> list[SignOff]:
    """Return the earlier rounds that this reviewer may read: a HIN those alone that a sponsor had approved."""
    inside = actor.may(Permission.NEED_APPROVE, need.organisation_id)
    return [
        one
        for one in need.sign_offs
        if one.round < sign_off.round and (inside or one.approved_at is not None)
    ]


def _compared_with(
    need: Need, sign_off: SignOff, previous: Sequence[SignOff]
) -> tuple[NeedContent | None, str]:
    """Return the text that the reviewer knows: the one that was returned last, or else the published version."""
    returned = [one for one in previous if one.step is Step.RETURNED]
    if returned and returned[-1].based_on == sign_off.based_on:
        last = returned[-1]
        when = f" on {day(last.returned_at)}" if last.returned_at is not None else ""
        return last.content(), f"Changes since the text that was returned{when}"
    if sign_off.based_on:
        old = next((one for one in need.versions if one.number == sign_off.based_on), None)
        if old is not None:
            return old.content(), f"Changes since version {old.number}, published on {day(old.published_at)}"
    return None, ""


def _decision(actor: Actor, need: Need, sign_off: SignOff) -> str:
    """Return what this person can do now: approve, check, or nothing."""
    if sign_off.step is Step.SUBMITTED and actor.may(Permission.NEED_APPROVE, need.organisation_id):
        return "approve"
    if (sign_off.step is Step.APPROVED or sign_off.unseen) and actor.may(Permission.NEED_CHECK):
        own = actor.organisations(Permission.NEED_CHECK)
        if any(hin.id in own for hin in queries.checking_hins(need.organisation)):
            return "check"
    return ""


def _act_words(sign_off: SignOff, decision: str) -> str:
    if decision == "approve":
        return "Approve"
    return "Checked" if sign_off.unseen else "Checked: publish it"


def _send_back_words(sign_off: SignOff) -> str:
    """Return what the other button says; empty where changes were asked for already."""
    if not sign_off.unseen:
        return "Return with comments"
    return "Ask for changes" if sign_off.asked_at is None else ""


def _own_words(actor: Actor, sign_off: SignOff) -> str:
    hands = {*sign_off.writers, sign_off.approved_by_id}
    if actor.user_id not in hands:
        return ""
    return (
        "You wrote, submitted or approved this need, so somebody else has to decide on it. You can still return it "
        "with comments."
    )


def _next_words(need: Need, decision: str) -> str:
    if decision == "check" and need.sign_off is not None and need.sign_off.unseen:
        if need.sign_off.asked_at is not None:
            return (
                f"Changes were asked for on {day(need.sign_off.asked_at)}; the new version comes to you when it is "
                "submitted. If you check this one, its page says so."
            )
        return (
            "It is public already, as not checked. When you have checked it, its page says so. If you ask for "
            "changes, it stays public until the organisation publishes a new version, which you check first."
        )
    if decision == "check":
        return "When you have checked it, it is published at once."
    if not decision:
        return ""
    hins = queries.checking_hins(need.organisation)
    if hins:
        names = " or ".join(one.name for one in hins)
        return (
            f"After your approval {names} checks it within {signing.WORKING_DAYS_TO_CHECK} working days; then it is "
            "published."
        )
    why = signing.Unchecked.OWN if need.organisation.kind is Kind.HIN else signing.Unchecked.NO_HIN
    return f"It is published as soon as you approve it. Its page will say that no HIN has checked it: {why.words}."


def _how_far(sign_off: SignOff) -> str:
    parts = [f"Submitted on {moment(sign_off.submitted_at)} by {queries.name_of(sign_off.submitted_by_id)}."]
    if sign_off.approved_at is not None:
        parts.append(
            f"Approved on {moment(sign_off.approved_at)} by {queries.name_of(sign_off.approved_by_id)}."
        )
    if sign_off.step is Step.APPROVED and sign_off.approved_at is not None:
        until = moment(signing.check_by(sign_off.approved_at))
        late = signing.is_silent(sign_off.approved_at, clock.now())
        parts.append(f"The HIN’s time to check ended on {until}." if late else f"To check by {until}.")
    if sign_off.returned_at is not None:
        parts.append(f"Returned on {moment(sign_off.returned_at)} by {signed.reviewer(sign_off)}.")
    if sign_off.taken_back_at is not None:
        parts.append(f"Taken back by the writers on {moment(sign_off.taken_back_at)}.")
    if sign_off.version is not None:
        parts.append(f"Published as version {sign_off.version}.")
    if sign_off.asked_at is not None:
        parts.append(f"{signed.reviewer(sign_off)} asked for changes on {day(sign_off.asked_at)}.")
    return " ".join(parts)


# Comparing versions


@dataclass(frozen=True, slots=True)
class Version:
    """A text that can be compared: ``key`` stands in addresses."""

    key: str
    words: str
    content: NeedContent


@dataclass(frozen=True, slots=True)
class Option:
    """A version to pick."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that differs, side by side."""

    label: str
    pairs: tuple[Pair, ...]
    list: bool


@dataclass(frozen=True, kw_only=True)
class ComparePage(Page):
    """Two versions of a need side by side."""

    template = "reviews/compare.html"

    title: str = "Compare two versions"
    need: Link
    note: str
    older: tuple[Option, ...]
    newer: tuple[Option, ...]
    older_words: str
    newer_words: str
    counted: str
    differences: tuple[Difference, ...]
    same: tuple[Row, ...]
    same_words: str

    @classmethod
    def build(cls, found: Comparable, older: str, newer: str) -> ComparePage:
        """Build the page; unknown or missing keys fall back to the last two versions, and the page says so."""
        versions = versions_of(found)
        known = {one.key: one for one in versions}
        note = ""
        if (older and older not in known) or (newer and newer not in known):
            note = "We did not know one of the versions in the address, so we show the latest ones."
        new = known.get(newer, versions[-1])
        old = known.get(older) or versions[max(0, versions.index(new) - 1)]
        differences = [
            Difference(ask.short, tuple(pairs), ask.shape in (Shape.STATEMENTS, Shape.EVIDENCE))
            for name, ask in ASKS.items()
            if (pairs := changes_of(name, old.content, new.content))
        ]
        same = [
            Row(ask.short, as_text(ask, new.content))
            for name, ask in ASKS.items()
            if getattr(old.content, name) == getattr(new.content, name)
        ]
        title = found.need.current.title if found.need.current is not None else new.content.title or UNTITLED
        published = found.need.published_at is not None
        return cls(
            need=Link(title, url_for("needs.need", ref=found.need.ref) if published else ""),
            note=note,
            older=tuple(Option(one.key, one.words, one is old) for one in versions),
            newer=tuple(Option(one.key, one.words, one is new) for one in versions),
            older_words=old.words,
            newer_words=new.words,
            counted=_counted(len(versions), old, new, len(differences)),
            differences=tuple(differences),
            same=tuple(same),
            same_words=f"{count(len(same), 'answer')} that {'is' if len(same) == 1 else 'are'} the same",
        )


def _counted(number: int, old: Version, new: Version, differences: int) -> str:
    if number == 1:
        return "There is one version only, so there is nothing to compare yet."
    if old is new:
        return "You chose the same version twice. Choose two different ones."
    if not differences:
        return "The two versions are the same."
    return f"{count(differences, 'answer differs', 'answers differ')}."


def versions_of(found: Comparable) -> list[Version]:
    """Return what can be compared, the oldest first."""
    texts: list[tuple[datetime, int, Version]] = [
        (
            one.published_at,
            one.number,
            Version(
                f"version-{one.number}",
                f"Version {one.number}, published on {day(one.published_at)}",
                one.content(),
            ),
        )
        for one in found.versions
    ]
    texts += [
        (sent.submitted_at, sent.round, Version(f"round-{sent.round}", _sent(sent), sent.content()))
        for sent in found.submissions
    ]
    return [version for _, _, version in sorted(texts, key=lambda item: item[:2])]


def _sent(sign_off: SignOff) -> str:
    became = {
        Step.SUBMITTED: "waiting for the sponsor",
        Step.APPROVED: "being checked by the HIN",
        Step.RETURNED: "returned",
        Step.TAKEN_BACK: "taken back",
        Step.PUBLISHED: "published",
    }[sign_off.step]
    return f"Submitted on {day(sign_off.submitted_at)}, {became} (not public)"


# Who leads a need


@dataclass(frozen=True, kw_only=True)
class PeoplePage(Page):
    """Who leads a need, and its deputy."""

    template = "reviews/people.html"

    title: str = "Who leads this need"
    need: str
    back: Link
    leaders: signed.Leaders
    may_change: bool
    nobody: str
    invite: Link
    invited: tuple[str, ...]
    take_over: str
    take_over_words: str

    @classmethod
    def build(
        cls, actor: Actor, need: Need, people: Sequence[Member], invited: Sequence[Invitation]
    ) -> PeoplePage:
        """Build the page for a lead of the organisation or the deputy."""
        members = queries.members_in_force(need.organisation_id)
        leaders = signed.leaders_of(need, members)
        writes = actor.may(Permission.NEED_WRITE, need.organisation_id)
        owner_id = need.people.owner_id if need.people is not None else None
        code = need.organisation.code
        text: NeedFields | None = need.draft or need.current
        others = [one for one in people if one.user_id != owner_id]
        words = ""
        if leaders.left:
            words = "You can take it over with one click. You then lead it, and name a deputy of your own."
            if not writes:
                words += (
                    f" You also become a need lead of {need.organisation.name}, so that you can write in it."
                )
        return cls(
            need=(text.title if text is not None else "") or UNTITLED,
            back=_back(actor, need),
            leaders=leaders,
            may_change=writes,
            nobody=""
            if others
            else f"You are the only person of {need.organisation.name} here, so nobody can be the deputy yet. Invite "
            "a colleague; you can go on writing meanwhile, and submit the need when they have joined.",
            invite=Link("Invite a colleague", url_for("accounts.members", organisation_code=code)),
            invited=tuple(f"{one.email}, {one.role.label.lower()}" for one in invited),
            take_over=url_for("reviews.take_over", ref=need.ref) if leaders.left else "",
            take_over_words=words,
        )


def _back(actor: Actor, need: Need) -> Link:
    if need.draft is not None and actor.may(Permission.NEED_WRITE, need.organisation_id):
        return Link("Back to the list of questions", url_for("needs.tasks", ref=need.ref))
    if need.published_at is not None:
        return Link("Back to the need", url_for("needs.need", ref=need.ref))
    return Link("Home", url_for("home.start"))
