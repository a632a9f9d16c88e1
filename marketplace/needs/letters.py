"""The e-mails about the sign-off of needs, as finished texts: one for each person, however many needs it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.needs.signing import WORKING_DAYS_TO_CHECK
from marketplace.web.words import count


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(["Hello,", *paragraphs, "Demand Signal"]) + "\n")


def _listed(titles: Sequence[str]) -> str:
    return "\n".join(f"- {title}" for title in titles)


def _needs(titles: Sequence[str]) -> str:
    return f"“{titles[0]}”" if len(titles) == 1 else count(len(titles), "need")


def to_approve(writer: str, organisation: str, titles: Sequence[str], link: str) -> Letter:
    """Ask a sponsor to approve what was submitted."""
    return _letter(
        f"For your approval: {_needs(titles)}",
        f"{writer} has submitted for {organisation}:\n{_listed(titles)}",
        f"Read and approve, or return with comments:\n{link}",
        "Nothing is public until you approve it.",
    )


def deputy(organisation: str, titles: Sequence[str], link: str) -> Letter:
    """Tell a deputy of what they are deputy."""
    return _letter(
        f"You are the deputy for {_needs(titles)}",
        f"{organisation} has submitted:\n{_listed(titles)}",
        "You are named as the deputy. If the person who leads it leaves, you can take it over with one click.",
        f"See what waits for you:\n{link}",
    )


def reordered(writer: str, organisation: str, link: str) -> Letter:
    """Tell a sponsor that the order of the published needs is another now."""
    return _letter(
        f"The order of {organisation}’s top three was changed",
        f"{writer} has changed the order of the published needs. Their texts are the same.",
        f"See the order:\n{link}",
    )


def to_check(organisation: str, titles: Sequence[str], until: str, link: str) -> Letter:
    """Ask a HIN's broker to check what a sponsor approved."""
    return _letter(
        f"For your check: {_needs(titles)} of {organisation}",
        f"The sponsor of {organisation} has approved:\n{_listed(titles)}",
        f"Read and check, or return with comments:\n{link}",
        f"Please answer by {until}. After these {WORKING_DAYS_TO_CHECK} working days the organisation may publish "
        "without your check, and the page of the need will say so.",
    )


def returned(title: str, reviewer: str, comments: int, link: str) -> Letter:
    """Tell the writers that a need came back."""
    said = f"with {count(comments, 'comment')}" if comments else "with a note"
    return _letter(
        f"Returned {said}: “{title}”",
        f"{reviewer} has read this need and returned it {said}. Each comment stands beside its question.",
        f"Answer the comments and submit it again:\n{link}",
    )


def checked_later(title: str, hin: str, link: str) -> Letter:
    """Tell the organisation that a need that was published unchecked has been checked now."""
    return _letter(
        f"Checked: “{title}”",
        f"{hin} has checked this need, which was published without its check. Its page says so now.",
        f"See the need:\n{link}",
    )


def changes_asked(title: str, hin: str, comments: int, link: str) -> Letter:
    """Tell the writers that a HIN asks for changes of a need that was published unchecked."""
    said = count(comments, "comment") if comments else "a note"
    return _letter(
        f"Changes asked for: “{title}”",
        f"{hin} has read this need, which was published without its check, and has {said}.",
        "It stays public meanwhile. When you change it, each comment stands beside its question. Your sponsor and "
        "the HIN read the new version before it replaces this one.",
        f"Read what is asked:\n{link}",
    )


def published(titles: Sequence[str], how: str, link: str) -> Letter:
    """Tell the writers that their needs are public."""
    return _letter(
        f"Published: {_needs(titles)}",
        f"Everybody can read now:\n{_listed(titles)}",
        how,
        f"See your top three:\n{link}",
    )


def silent(titles: Sequence[str], hins: str, link: str) -> Letter:
    """Tell the sponsors that a HIN has not answered in its time."""
    return _letter(
        f"Not checked in time: {_needs(titles)}",
        f"{hins} has not answered within {WORKING_DAYS_TO_CHECK} working days:\n{_listed(titles)}",
        f"You may publish without the check. The page of the need will say so. You can also wait:\n{link}",
    )


def owner_left(organisation: str, titles: Sequence[str], lines: Sequence[str], *, deputy: bool) -> Letter:
    """Tell a deputy, the other leads or the HIN that nobody leads some needs; ``lines`` are titles with links."""
    return _letter(
        f"Nobody leads {_needs(titles)} of {organisation} any more",
        "The person who led it has left. "
        + (
            "You are the deputy: take it over with one click."
            if deputy
            else f"Please see that somebody at {organisation} takes it over."
        ),
        _listed(lines),
    )
