"""A made-up history on real NHS organisations, for trying the service out. Refused in production mode."""

from marketplace.demo.loading import PASSWORD, Account, DemoRefused, accounts, check_mode, load
from marketplace.demo.settling import settle_families

__all__ = ["PASSWORD", "Account", "DemoRefused", "accounts", "check_mode", "load", "settle_families"]
