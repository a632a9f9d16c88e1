"""Every page that there is: generated from the cases of the access tests, so that a new page cannot be forgotten."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from tests.browser.conftest import Visitor
from tests.factories.needs import make_draft, make_need
from tests.factories.people import PASSWORD, make_user
from tests.web.access.doors import CASES, signed_in
from tests.web.access.world import Case, Who, World

#: Answers for machines, and what only a file server answers.
NO_PAGE = ("health.", "static", "open_data_api.", "cycles.coverage_csv", "demand.feed")
PAGES = [
    case
    for case in CASES
    if case.method == "GET"
    and case.allowed
    and not case.endpoint.startswith(NO_PAGE)
    and not case.endpoint.endswith("_table")
]
ROOMS = sorted({case.endpoint.partition(".")[0] for case in PAGES})
#: Words that say nothing when a screen reader lists the links of a page.
EMPTY_WORDS = {"here", "click here", "more", "read more", "link", "this", "details", "see", "go"}


def visitor_of(case: Case) -> Who:
    """Return somebody who is let in: the one who may do most on the page."""
    return next(who for who in reversed(list(Who)) if who in case.allowed)


@pytest.mark.parametrize("room", ROOMS)
def test_every_page_can_be_read_on_a_phone_and_with_large_letters(
    visitor: Callable[..., Visitor], app: Flask, session: Session, room: str
) -> None:
    titles: dict[str, str] = {}  # title to endpoint, of pages that do not lead on to another
    people = {}
    wrong = []
    for case in (case for case in PAGES if case.endpoint.startswith(f"{room}.")):
        world = World.make(session)
        path, _ = case.build(world)
        session.commit()
        who = visitor_of(case)
        cookie = signed_in(app, world.people[who].id) if who is not Who.ANONYMOUS else ""
        session.rollback()
        somebody = people.setdefault(who, visitor(width=320))
        somebody.page.context.clear_cookies()
        if cookie:
            name = app.config["SESSION_COOKIE_NAME"]
            somebody.page.context.add_cookies([{"name": name, "value": cookie, "url": somebody.address}])
        try:
            somebody.page.set_viewport_size({"width": 320, "height": 900})
            somebody.open(path).fits().picture(f"every-{case.endpoint}-{len(titles)}-320")
            if case.endpoint not in titles.values():
                # Text at twice its size, on the screen of a desk.
                somebody.page.evaluate("document.documentElement.style.fontSize = '200%'")
                somebody.page.set_viewport_size({"width": 1280, "height": 900})
                somebody.fits()
        except AssertionError as error:
            wrong.append(f"{case}: {error}")
        wrong += [f"{case}: {problem}" for problem in unclear(somebody)]
        title = somebody.page.title()
        if case.status == 200 and titles.setdefault(title, case.endpoint) != case.endpoint:
            wrong.append(f"{case}: its title is also that of {titles[title]}")
    assert not wrong, "\n".join(wrong)


def unclear(somebody: Visitor) -> list[str]:
    """Return what a page lacks that axe does not look for."""
    page = somebody.page
    problems = []
    if not re.fullmatch(r"(Error: )?.+ – Demand Signal", page.title()):
        problems.append(f"its title is “{page.title()}”")
    if (count := page.locator("h1").count()) != 1:
        problems.append(f"it has {count} first headings")
    # What a merge leaves in twice: an address that leads to two places, a part that is told again.
    for kind, names in (
        ("an id", page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")),
        ("a heading", page.locator("main h2").all_inner_texts()),
    ):
        problems += [f"{kind} is there {n} times: {name}" for name, n in Counter(names).items() if n > 1]
    words = {text.strip().lower() for text in page.locator("a").all_inner_texts()}
    if empty := words & EMPTY_WORDS:
        problems.append(f"links say nothing alone: {empty}")
    text = page.locator("body").inner_text()
    if wild := re.findall(
        r"\b\d{4}-\d{2}-\d{2}\b|\b0\d (?:January|February|March)|\b\d{1,2}/\d{1,2}/\d{4}\b", text
    ):
        problems.append(f"dates are written like {wild[0]}")
    if leaks := re.findall(r"(?m)^None$|\{\{|<[a-z]+>|Undefined", text):
        problems.append(f"it shows {leaks[0]}")
    return problems


def test_pages_keep_their_shapes_where_a_person_sets_the_colours(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    lead = make_user(session, Role.NEED_LEAD)
    [role] = lead.memberships
    make_need(session, role.organisation)
    ref = make_draft(session, role.organisation).ref
    session.rollback()
    somebody = visitor()
    somebody.page.emulate_media(forced_colors="active")
    somebody.sign_in(lead.email, PASSWORD).open("/demand").picture("forced-colours-board")
    # A tag and a button are told from the page by an edge, since their own colours are gone.
    for thing in (".nhsuk-tag", ".nhsuk-button"):
        edge = somebody.page.locator(thing).first.evaluate(
            "thing => getComputedStyle(thing).borderTopStyle + getComputedStyle(thing).borderBottomStyle"
        )
        assert "solid" in edge, thing
    somebody.open(f"/needs/{ref}/questions/timing").picture("forced-colours-question")


def test_a_printed_page_holds_its_words_and_no_menu(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    need = make_need(session)
    code, problem = need.organisation.code, need.current.problem if need.current else ""
    session.rollback()
    reader = visitor().open(f"/organisations/{code}")
    reader.page.emulate_media(media="print")
    reader.picture("print-organisation")
    shown = reader.page.locator("body").inner_text()
    # A page of the demonstration says on paper too that its needs are examples.
    assert problem in shown
    assert "Demonstration." in shown
    assert "Sign in" not in shown
    after = reader.page.locator("main h2 a").evaluate("link => getComputedStyle(link, '::after').content")
    assert after == "none", "addresses would stand amid the words"


def test_what_is_folded_on_the_screen_is_printed(visitor: Callable[..., Visitor], session: Session) -> None:
    make_need(session)
    session.rollback()
    reader = visitor().open("/how-matching-works?q=falls")
    folded = reader.page.locator(".nhsuk-details__text").first
    assert not folded.is_visible(), "nothing to prove"
    reader.page.emulate_media(media="print")
    assert folded.is_visible()
    width = reader.open("/about").page.locator(".nhsuk-grid-column-two-thirds").first
    assert width.evaluate("part => part.offsetWidth > 0.9 * part.parentElement.offsetWidth"), (
        "a third of the paper is empty"
    )
