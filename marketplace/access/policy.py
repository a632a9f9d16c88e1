"""Who may do what: the whole policy of the service, to be read like a table.

A role comes from membership of an organisation and counts for that organisation alone. This table is the door;
the object itself is checked in the action, with `marketplace.access.actor.ensure`.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person does for an organisation."""

    NEED_LEAD = "need-lead"
    INNOVATOR = "innovator"
    ASSESSOR = "assessor"
    BROKER = "broker"
    ADMINISTRATOR = "administrator"
    SPONSOR = "sponsor"

    @property
    def label(self) -> str:
        """Return the role's name as people read it."""
        return {
            Role.NEED_LEAD: "Need lead",
            Role.INNOVATOR: "Innovator",
            Role.ASSESSOR: "Assessor",
            Role.BROKER: "HIN broker",
            Role.ADMINISTRATOR: "Administrator",
            Role.SPONSOR: "Sponsor",
        }[self]


class Permission(StrEnum):
    """Something a person may be allowed to do."""

    HOME_READ = "home-read"
    MEMBER_INVITE = "member-invite"
    NEED_WRITE = "need-write"
    NEED_PUBLISH = "need-publish"
    NEED_APPROVE = "need-approve"
    NEED_CHECK = "need-check"
    NEED_REVIEW = "need-review"
    NEED_MATCHES_READ = "need-matches-read"
    TECHNOLOGY_WRITE = "technology-write"
    TECHNOLOGY_MATCHES_READ = "technology-matches-read"
    PASSPORT_ISSUE = "passport-issue"
    PATCH_READ = "patch-read"
    PATCH_EDIT = "patch-edit"
    INTRODUCTION_PROPOSE = "introduction-propose"
    INTRODUCTION_READ = "introduction-read"
    INTRODUCTION_DECIDE = "introduction-decide"
    FAMILY_SETTLE = "family-settle"
    QUESTION_ASK = "question-ask"
    QUESTION_ANSWER = "question-answer"
    QUESTION_READ = "question-read"
    ORGANISATION_IMPORT = "organisation-import"
    ORGANISATION_CHANGE = "organisation-change"
    SUCCESSION_CHOOSE = "succession-choose"
    SERVICE_OVERSEE = "service-oversee"


LEAD, INNOVATOR, ASSESSOR, BROKER, ADMIN, SPONSOR = Role

POLICY: dict[Permission, frozenset[Role]] = {
    Permission.HOME_READ: frozenset({LEAD, INNOVATOR, ASSESSOR, BROKER, ADMIN, SPONSOR}),
    Permission.MEMBER_INVITE: frozenset({LEAD, INNOVATOR, ASSESSOR, BROKER, ADMIN, SPONSOR}),
    Permission.NEED_WRITE: frozenset({LEAD}),
    Permission.NEED_PUBLISH: frozenset({LEAD}),
    Permission.NEED_APPROVE: frozenset({SPONSOR}),
    Permission.NEED_CHECK: frozenset({BROKER}),
    Permission.NEED_REVIEW: frozenset({SPONSOR, BROKER}),
    Permission.NEED_MATCHES_READ: frozenset({LEAD, BROKER, SPONSOR}),
    Permission.TECHNOLOGY_WRITE: frozenset({INNOVATOR}),
    Permission.TECHNOLOGY_MATCHES_READ: frozenset({INNOVATOR, BROKER}),
    Permission.PASSPORT_ISSUE: frozenset({ASSESSOR}),
    Permission.PATCH_READ: frozenset({BROKER, ADMIN}),
    Permission.PATCH_EDIT: frozenset({ADMIN}),
    Permission.INTRODUCTION_PROPOSE: frozenset({BROKER}),
    Permission.INTRODUCTION_READ: frozenset({LEAD, INNOVATOR, BROKER}),
    Permission.INTRODUCTION_DECIDE: frozenset({LEAD, INNOVATOR}),
    Permission.FAMILY_SETTLE: frozenset({BROKER}),
    Permission.QUESTION_ASK: frozenset({INNOVATOR}),
    Permission.QUESTION_ANSWER: frozenset({LEAD}),
    Permission.QUESTION_READ: frozenset({LEAD, INNOVATOR}),
    Permission.ORGANISATION_IMPORT: frozenset({ADMIN}),
    Permission.ORGANISATION_CHANGE: frozenset({ADMIN}),
    Permission.SUCCESSION_CHOOSE: frozenset({LEAD, ADMIN}),
    Permission.SERVICE_OVERSEE: frozenset({ADMIN}),
}
