"""Who may ask, answer and set aside."""

from __future__ import annotations

from collections.abc import Callable

from marketplace.questions.rules import Reason
from tests.factories.needs import make_draft, make_need
from tests.factories.questions import ANSWERED, ASKED, make_question
from tests.web.access.world import INNOVATORS, LEADS, Case, Who, World

Asked = tuple[str, dict[str, object]]


def about(state: str, **data: object) -> Callable[[World], Asked]:
    """Return the door through which a need in a state is asked about."""

    def build(world: World) -> Asked:
        lead = world.organisations[Who.LEAD]
        if state == "draft":
            need = make_draft(world.session, lead)
        else:
            need = make_need(world.session, lead, withdrawn="Solved" if state == "withdrawn" else "")
        return f"/needs/{need.ref}/ask", dict(data)

    return build


def question(path: str, state: str, **data: object) -> Callable[[World], Asked]:
    """Return a door of a question in a state."""

    def build(world: World) -> Asked:
        need = make_need(world.session, world.organisations[Who.LEAD])
        found = make_question(
            world.session,
            need,
            world.organisations[Who.INNOVATOR],
            answer=ANSWERED if state == "answered" else "",
            declined=Reason.NOT_ABOUT if state == "set aside" else None,
        )
        return f"/questions/{found.ref}/{path}", data and {"lock_version": found.lock_version} | data

    return build


#: Whose role comes to the door, and to whom the question does not belong: for them it does not exist.
STRANGERS = dict.fromkeys(LEADS - {Who.LEAD}, 404)
ANSWER = {"question": ASKED, "answer": ANSWERED}
STATES = ("waiting", "answered", "set aside")

CASES = [
    Case("questions.listing", "GET", "any", lambda _: ("/questions", {}), allowed=LEADS | INNOVATORS),
    *(
        Case(
            "questions.ask",
            "GET",
            state,
            about(state),
            allowed=INNOVATORS if state == "published" else frozenset(),
            others=dict.fromkeys(INNOVATORS, 404) if state != "published" else {},
        )
        for state in ("published", "draft", "withdrawn")
    ),
    Case(
        "questions.do_ask",
        "POST",
        "published",
        about("published", question=ASKED),
        allowed=INNOVATORS,
        status=303,
    ),
    Case(
        "questions.do_ask",
        "POST",
        "draft",
        about("draft", question=ASKED),
        allowed=frozenset(),
        others=dict.fromkeys(INNOVATORS, 404),
    ),
    Case(
        "questions.do_ask",
        "POST",
        "withdrawn",
        about("withdrawn", question=ASKED),
        allowed=frozenset(),
        others=dict.fromkeys(INNOVATORS, 409),
    ),
    *(
        Case(
            f"questions.{endpoint}",
            "GET",
            state,
            question(path, state),
            allowed=frozenset({Who.LEAD}),
            others=STRANGERS,
        )
        for endpoint, path in (("answer", "answer"), ("aside", "set-aside"))
        for state in STATES
    ),
    *(
        Case(
            "questions.do_answer",
            "POST",
            state,
            question("answer", state, **ANSWER),
            allowed=frozenset({Who.LEAD}) if state != "set aside" else frozenset(),
            status=303,
            others=STRANGERS | ({} if state != "set aside" else {Who.LEAD: 409}),
        )
        for state in STATES
    ),
    *(
        Case(
            "questions.do_aside",
            "POST",
            state,
            question("set-aside", state, reason=Reason.NOT_ABOUT.value),
            allowed=frozenset({Who.LEAD}) if state == "waiting" else frozenset(),
            status=303,
            others=STRANGERS | ({} if state == "waiting" else {Who.LEAD: 409}),
        )
        for state in STATES
    ),
]
