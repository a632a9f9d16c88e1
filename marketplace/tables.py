"""Import every table, so that `Base.metadata` is whole for migrations and tests."""

from marketplace import remembered
from marketplace.accounts import models as accounts
from marketplace.audit import models as audit
from marketplace.cycles import models as cycles
from marketplace.demand import models as demand
from marketplace.families import models as families
from marketplace.introductions import models as introductions
from marketplace.matches import models as matches
from marketplace.needs import models as needs
from marketplace.notices import models as notices
from marketplace.organisations import models as organisations
from marketplace.outbox import models as outbox
from marketplace.passports import models as passports
from marketplace.questions import models as questions
from marketplace.submissions import models as submissions
from marketplace.technologies import models as technologies

__all__ = [
    "accounts",
    "audit",
    "cycles",
    "demand",
    "families",
    "introductions",
    "matches",
    "needs",
    "notices",
    "organisations",
    "outbox",
    "passports",
    "questions",
    "remembered",
    "submissions",
    "technologies",
]
