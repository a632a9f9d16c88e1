"""The pages of sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.web.pages import Page


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account that demo mode offers by one click."""

    email: str
    name: str
    role: str
    organisation: str


@dataclass(frozen=True, kw_only=True)
class SignInPage(Page):
    """Sign in, with the demo accounts in demo mode."""

    template = "accounts/sign_in.html"

    title: str = "Sign in"
    demo_accounts: tuple[DemoAccount, ...] = ()
