"""Signing in, resets and changes of passwords on a real database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts import actions, passwords, queries, rules
from marketplace.accounts.models import PasswordReset, Registration, SignIn, SignInAttempt, User
from marketplace.errors import DomainError
from marketplace.notices.models import Email
from tests.factories.joining import make_registration, make_reset
from tests.factories.people import PASSWORD, make_user

LIMITS = actions.Limits(account=5, address=50, hours=12)
PHRASE = "A whole new passphrase"


def sign_in(email: str, password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return actions.sign_in(email, password, address=address, limits=LIMITS)


def ask(email: str, address: str = "192.0.2.1") -> None:
    actions.ask_for_reset(email, address=address, minutes=60)


def test_the_fifth_wrong_password_is_looked_at_and_the_sixth_is_not(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    for _ in range(5):
        with pytest.raises(rules.WrongCredentials):
            sign_in(user.email, "wrong")
    with pytest.raises(rules.TooManyTries):
        sign_in(user.email)
    with time_machine.travel(clock.now() + rules.ATTEMPT_WINDOW + timedelta(seconds=1)):
        assert sign_in(user.email)


def test_a_right_password_forgets_the_wrong_ones(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(rules.WrongCredentials):
                sign_in(user.email, "wrong")
        sign_in(user.email)


def test_right_passwords_from_one_place_are_not_counted_and_wrong_ones_still_are(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    few = actions.Limits(account=5, address=3, hours=12)
    for _ in range(5):
        assert actions.sign_in(user.email, PASSWORD, address="192.0.2.1", limits=few)
    for number in range(3):
        with pytest.raises(rules.WrongCredentials):
            actions.sign_in(f"somebody{number}@people.example", "wrong", address="192.0.2.1", limits=few)
    with pytest.raises(rules.TooManyTries):
        actions.sign_in(user.email, PASSWORD, address="192.0.2.1", limits=few)


def test_many_accounts_tried_from_one_place_have_to_wait_too(session: Session) -> None:
    for number in range(50):
        with pytest.raises(rules.WrongCredentials):
            sign_in(f"somebody{number}@people.example")
    with pytest.raises(rules.TooManyTries):
        sign_in(make_user(session, Role.NEED_LEAD).email)
    assert "192.0.2.1" not in "".join(session.scalars(select(SignInAttempt.key)))


def test_of_forty_parallel_guesses_no_more_than_the_limit_are_looked_at(app: Flask, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    email = user.email
    session.rollback()
    results: list[str] = []

    def guess() -> None:
        with app.app_context():
            for _ in range(5):
                try:
                    sign_in(email, "wrong")
                except DomainError as error:
                    results.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results.count("WrongCredentials") == 5
    assert results.count("TooManyTries") == 35


def test_a_disabled_person_neither_signs_in_nor_stays_signed_in(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    token = sign_in(user.email)
    assert queries.user_of_token(session, token) is not None
    user.disabled_at = clock.now()
    session.commit()
    assert queries.user_of_token(session, token) is None
    with pytest.raises(rules.WrongCredentials):
        sign_in(user.email)


def test_a_sign_in_ends_by_itself_after_its_hours(session: Session) -> None:
    token = sign_in(make_user(session, Role.NEED_LEAD).email)
    with time_machine.travel(clock.now() + timedelta(hours=12, seconds=1)):
        assert queries.user_of_token(session, token) is None


def test_a_reset_sets_the_password_once_and_ends_every_sign_in(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    before = sign_in(user.email)
    ask(user.email.upper())
    session.rollback()
    letter = session.scalars(select(Email)).one()
    assert letter.to == user.email
    token = letter.body.partition("/reset-password/")[2].split()[0]
    other = make_reset(session, user)
    actions.reset_password(token, PHRASE)
    session.expire_all()
    assert passwords.verify(user.password_hash, PHRASE)
    assert queries.user_of_token(session, before) is None
    for used in (token, other):
        with pytest.raises(rules.DeadLink):
            actions.reset_password(used, "Another long passphrase")
    assert sign_in(user.email, PHRASE)
    assert session.scalars(select(Email.subject).order_by(Email.id)).all()[1:] == [
        "Your Demand Signal password was changed"
    ]


def test_a_reset_link_runs_out(session: Session) -> None:
    token = make_reset(session, make_user(session, Role.NEED_LEAD))
    with time_machine.travel(clock.now() + timedelta(hours=1, seconds=1)), pytest.raises(rules.DeadLink):
        actions.reset_password(token, PHRASE)


def test_a_weak_password_does_not_use_the_link_up(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    token = make_reset(session, user)
    with pytest.raises(DomainError, match="12 characters or more"):
        actions.reset_password(token, "short")
    actions.reset_password(token, PHRASE)
    assert sign_in(user.email, PHRASE)


@pytest.mark.parametrize("who", ["unknown", "disabled"])
def test_nobody_else_gets_a_letter_and_the_answer_is_the_same(session: Session, who: str) -> None:
    user = make_user(session, Role.NEED_LEAD, disabled_at=clock.now())
    ask(user.email if who == "disabled" else "nobody@people.example")
    assert session.scalars(select(Email)).all() == []
    assert session.scalars(select(PasswordReset)).all() == []


def test_a_link_does_not_work_for_somebody_disabled_meanwhile(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    token = make_reset(session, user)
    user.disabled_at = clock.now()
    session.commit()
    with pytest.raises(rules.DeadLink):
        actions.reset_password(token, PHRASE)


def test_resets_are_limited_for_known_and_unknown_addresses_alike(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    for email in (user.email, "nobody@people.example"):
        for _ in range(rules.RESETS):
            ask(email)
        with pytest.raises(rules.TooManyTries):
            ask(email)


def test_only_a_hash_of_a_link_is_stored(session: Session) -> None:
    ask(make_user(session, Role.NEED_LEAD).email)
    body = session.scalars(select(Email.body)).one()
    stored = session.scalars(select(PasswordReset.token_hash)).one()
    assert stored not in body
    assert rules.hashed(body.partition("/reset-password/")[2].split()[0]) == stored


def test_changing_the_password_ends_all_other_sign_ins(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    here, elsewhere = sign_in(user.email), sign_in(user.email)
    actor = queries.actor_of(session, user)
    with pytest.raises(DomainError) as caught:
        actions.change_password(actor, old="wrong", new=PHRASE, token=here, limits=LIMITS)
    assert caught.value.field == "old_password"
    actions.change_password(actor, old=PASSWORD, new=PHRASE, token=here, limits=LIMITS)
    assert queries.user_of_token(session, here) is not None
    assert queries.user_of_token(session, elsewhere) is None
    assert sign_in(user.email, PHRASE)


def test_guessing_the_old_password_is_limited_like_signing_in(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    here, actor = sign_in(user.email), queries.actor_of(session, user)
    for _ in range(5):
        with pytest.raises(DomainError, match="not right"):
            actions.change_password(actor, old="wrong", new=PHRASE, token=here, limits=LIMITS)
    with pytest.raises(rules.TooManyTries):
        actions.change_password(actor, old=PASSWORD, new=PHRASE, token=here, limits=LIMITS)
    assert session.get_one(User, user.id).password_hash == user.password_hash


def test_sign_ins_links_and_counts_are_deleted_a_week_after_their_end(session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    sign_in(user.email)
    make_reset(session, user)
    make_registration(session, "late@new.example")
    with pytest.raises(rules.WrongCredentials):
        sign_in(user.email, "wrong")

    def left() -> list[int]:
        session.rollback()
        tables = (SignIn, PasswordReset, Registration, SignInAttempt)
        return [len(session.scalars(select(table)).all()) for table in tables]

    actions.prune()
    assert left() == [1, 1, 1, 2]
    with time_machine.travel(clock.now() + timedelta(days=6)):
        actions.prune()
        assert left() == [1, 1, 1, 0]
    with time_machine.travel(clock.now() + timedelta(days=9)):
        actions.prune()
        assert left() == [0, 0, 0, 0]
