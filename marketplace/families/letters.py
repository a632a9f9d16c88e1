"""The e-mails about shared needs, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.families.rules import Ending
from marketplace.web.words import count


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n")


def _local(note: str, how_many: int | None) -> str:
    people = f"They say that it affects {count(how_many, 'person', 'people')} there." if how_many else ""
    differs = f"How it differs there:\n{note}" if note else ""
    return "\n\n".join(part for part in (people, differs) if part)


def co_signed(title: str, organisation: str, note: str, how_many: int | None, address: str) -> Letter:
    """Tell the people of the organisation that published a need that another co-signs it."""
    return _letter(
        f"{organisation} co-signs “{title}”",
        f"{organisation} has made this need of yours one of its own three priorities of this cycle.",
        _local(note, how_many),
        f"The need’s page now shows them:\n{address}",
        "When you change or withdraw the need they are told. You do not need to do anything.",
    )


def we_co_sign(title: str, owner: str, person: str, place: int, address: str) -> Letter:
    """Tell the people of the co-signing organisation."""
    return _letter(
        f"Your organisation co-signs “{title}”",
        f"{person or 'A colleague'} has co-signed this need of {owner}. It takes place {place} of your top three.",
        f"You can take it back, or see what became of it, here:\n{address}",
    )


def taken_back(title: str, organisation: str, address: str) -> Letter:
    """Tell both organisations that a co-signature was taken back."""
    return _letter(
        f"{organisation} no longer co-signs “{title}”",
        f"{organisation} has taken back its co-signature, and its place is free again. The need stands as before.",
        f"The need:\n{address}",
    )


def changed(title: str, owner: str, note: str, compare: str, address: str) -> Letter:
    """Tell co-signers that a need has a new version."""
    return _letter(
        f"A need that you co-sign has changed: “{title}”",
        f"{owner} has published a new version." + (f" They say: {note}" if note else ""),
        f"Your co-signature stands, for the version that you read. The need as it is now:\n{compare}",
        f"Say that it is still yours, or take it back:\n{address}",
    )


def ended(title: str, owner: str, ending: Ending, reason: str, address: str) -> Letter:
    """Tell co-signers that their co-signature has ended."""
    what = {
        Ending.WITHDRAWN: f"{owner} has withdrawn this need. The reason: {reason}",
        Ending.LAPSED: f"{owner} has not confirmed this need in the new cycle, so it has lapsed.",
        Ending.NEW_CYCLE: f"{owner} has confirmed this need in the new cycle.",
    }[ending]
    what_now = {
        Ending.WITHDRAWN: "Your place is free again. If the need is still yours, you can go on with its text",
        Ending.LAPSED: "If the need is still yours, you can go on with its text",
        Ending.NEW_CYCLE: "Co-signatures count for one cycle. If it is still yours, you can co-sign it again",
    }[ending]
    return _letter(
        f"Your co-signature of “{title}” has ended", what, f"{what_now}:\n{address}", "Nothing of it is lost."
    )


def family_settled(name: str, hin: str, what: str, address: str) -> Letter:
    """Tell brokers of other HINs with a need in a family what was settled."""
    return _letter(
        f"{hin} has settled a family of needs: “{name}”",
        f"A need of your patch is in it. {what}",
        f"The family, where you can change this:\n{address}",
    )
