"""Count what a first need costs its writer: ``python -m benchmarks.first_need``.

Walks from "Our top three" to "submitted" as a lead without JavaScript does, in a new database, with the texts of a
demo need, and counts screens, the words on them (everything inside ``main``, hints included) and the words typed.
A page that comes again is a screen again, but only what is new on it is read. Minutes are reading and typing alone,
at the speeds that are printed: thinking, and asking colleagues for figures, takes longer than either.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
from html import unescape
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import migrating
from marketplace.access.policy import Role
from marketplace.database import make_engine
from marketplace.demo import content
from marketplace.demo.shapes import DemoNeed
from marketplace.factory import create_app
from marketplace.needs.forms import DETAIL
from marketplace.needs.models import Need, SignOff
from marketplace.needs.questions import QUESTIONS
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Organisation
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.factories.needs import make_cycle
from tests.factories.people import make_user

READ_A_MINUTE = 238
"""Words that adults read silently in a minute, in the mean (Brysbaert 2019, a review of 190 studies)."""
TYPED_A_MINUTE = 52
"""Words that people type in a minute, in the mean, from a text before them (Dhakal and others 2018)."""
CODE = "RWE"
CHOSEN = ("clinical_area", "care_setting", "shift", "timing", "funding_state", "evidence_wanted")
"""Answers that are picked, not typed."""


def main_words(page: str) -> int:
    """Return how many words a page shows inside ``main``; of a list to pick from none, which is not read through."""
    inside = re.search(r"<main\b.*?</main>", page, flags=re.S)
    body = re.sub(r"<(script|style|template|select)\b.*?</\1>", " ", inside[0] if inside else "", flags=re.S)
    return len(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def answers(need: DemoNeed) -> dict[str, object]:
    """Return what is typed and chosen, by field name of the forms."""
    names = ("title", "problem", "who_affected", "how_many", "how_many_note", "pathway_today", "outcome")
    plain: dict[str, object] = {
        name: getattr(need, name) for name in (*names, "measure", "baseline", "target")
    }
    plain |= {name: getattr(need, name).value for name in CHOSEN[:-1]}
    plain |= {f"must-{at}": text for at, text in enumerate(need.must)}
    plain["evidence_wanted"] = [wanted.type.value for wanted in need.evidence_wanted]
    plain |= {DETAIL + wanted.type.name.lower(): wanted.detail for wanted in need.evidence_wanted}
    return plain


class Walk:
    """What a writer has met so far."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.screens, self.read = browser, 0, 0
        self.known: dict[str, int] = {}

    def see(self, path: str) -> None:
        """Open a page, and count it."""
        self.note(self.browser.get(path))

    def send(self, path: str, data: dict[str, object]) -> str:
        """Send the form of the page, count the page that follows, and return its address."""
        shown = self.browser.post(path, data)
        self.note(shown)
        return shown.request.path

    def note(self, shown: TestResponse) -> None:
        """Count the page that is shown; raises RuntimeError for anything but a page that worked."""
        if shown.status_code != 200 or "There is a problem" in self.browser.text:
            raise RuntimeError(
                f"screen {self.screens + 1}, status {shown.status_code}: {self.browser.text[:900]}"
            )
        self.screens += 1
        now = main_words(self.browser.page)
        self.read += max(0, now - self.known.get(shown.request.path, 0))
        self.known[shown.request.path] = max(now, self.known.get(shown.request.path, 0))


def walk(browser: Browser, session: Session, need: DemoNeed) -> dict[str, float]:
    """Write and submit one need; return screens, words and minutes."""
    typed = answers(need)
    seen = Walk(browser)
    seen.see("/top-three")
    seen.see("/top-three/new")
    seen.send("/top-three/new", {"organisation": CODE})
    row = session.scalars(select(Need).order_by(Need.id.desc()).limit(1)).one()
    ref = row.ref
    session.rollback()
    for question in QUESTIONS:
        wanted = tuple(question.names)
        fields = {
            name: value
            for name, value in typed.items()
            if name.split("-")[0] in wanted or ("evidence_wanted" in wanted and name.startswith(DETAIL))
        }
        page = f"/needs/{ref}/questions/{question.slug}"
        if seen.send(page, fields) == page:  # the coach asks about something: it stays as it is
            seen.send(page, fields)
    seen.see(f"/needs/{ref}/people")
    deputy = re.search(r'<option value="([^"]+)"[^>]*>[^<]*Dora Deputy', browser.page)
    if deputy is None:
        raise RuntimeError("nobody can be named as deputy")
    seen.send(f"/needs/{ref}/people", {"deputy": deputy[1]})
    seen.see(f"/needs/{ref}/check")
    seen.see(f"/organisations/{CODE}/top-three")
    seen.send(f"/organisations/{CODE}/top-three", {f"place-{ref}": "1"})
    submitted = session.scalars(select(SignOff)).all()
    session.rollback()
    if len(submitted) != 1:
        raise RuntimeError(f"nothing was submitted: {browser.text[:900]}")
    words = sum(len(str(one).split()) for name, one in typed.items() if name not in CHOSEN)
    return {
        "screens": seen.screens,
        "words on them": seen.read,
        "words typed": words,
        "minutes": round(seen.read / READ_A_MINUTE + words / TYPED_A_MINUTE, 1),
    }


def measure(need: DemoNeed) -> dict[str, float]:
    """Walk in a new database with a lead and a colleague who can be the deputy."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'first.db'}"
        engine = make_engine(url, create=True)
        migrating.upgrade(engine)
        engine.dispose()
        app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
        with app.app_context():
            load_reference()
        engine = app.extensions["engine"]
        with Session(engine) as session:
            session.connection(execution_options={"writes": True})
            make_cycle(session)
            trust = session.scalars(select(Organisation).where(Organisation.ods_code == CODE)).one()
            email = make_user(session, Role.NEED_LEAD, trust).email
            make_user(session, Role.NEED_LEAD, trust, name="Dora Deputy")
            session.rollback()
            found = walk(Browser(app.test_client()).sign_in(email), session, need)
        engine.dispose()
        return found


def main() -> None:
    """Walk with every tenth need of the demo, and print each and the medians."""
    print(f"Assumed: {READ_A_MINUTE} words read and {TYPED_A_MINUTE} typed in a minute.")
    found = []
    for need in content.needs()[::10]:
        found.append(measure(need))
        print(json.dumps({"title": need.title, **found[-1]}), flush=True)
    print(json.dumps({"median": {name: statistics.median(one[name] for one in found) for name in found[0]}}))


if __name__ == "__main__":
    main()
