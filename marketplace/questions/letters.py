"""The e-mails about questions, as finished texts. None of them tells who asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketplace.questions.rules import Reason
from marketplace.web.words import day


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraphs) + "\n")


def asked(title: str, question: str, by: date, address: str) -> Letter:
    """Tell the need's leads that somebody asks."""
    return _letter(
        f"A supplier asks about “{title}”",
        f"The question:\n{question}",
        f"Please answer by {day(by)}:\n{address}",
        "Your answer will be public, beside the need. Neither you nor anybody else is told who asks.",
    )


def answered(
    title: str, organisation: str, question: str, answer: str, address: str, *, asker: bool
) -> Letter:
    """Tell the asker, or an innovator whose technology fits the need, that there is an answer."""
    because = (
        "You asked this question."
        if asker
        else "We write to you because a technology of yours fits this need."
    )
    return _letter(
        f"New answer about “{title}”",
        f"{organisation} has answered a question about this need.",
        f"Question:\n{question}",
        f"Answer:\n{answer}",
        f"The need with all its answers:\n{address}",
        because,
    )


def corrected(title: str, organisation: str, answer: str, address: str) -> Letter:
    """Tell those who had the answer that it was corrected."""
    return _letter(
        f"An answer about “{title}” was corrected",
        f"{organisation} has corrected an answer about this need. It now says:\n{answer}",
        f"The need with all its answers:\n{address}",
    )


def declined(title: str, organisation: str, question: str, reason: Reason, address: str) -> Letter:
    """Tell the asker alone that the question was set aside, and why."""
    return _letter(
        f"Your question about “{title}” was not answered in public",
        f"Your question:\n{question}",
        f"{organisation} set it aside. Reason: {reason.label}.",
        f"Nobody else sees this. You can ask again in other words:\n{address}",
    )
