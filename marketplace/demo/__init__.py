"""A made-up history on real NHS organisations, for trying the service out. Refused in production mode."""

from marketplace.demo.loading import PASSWORD, Account, DemoRefused, accounts, check_mode, load

__all__ = ["PASSWORD", "Account", "DemoRefused", "accounts", "check_mode", "load"]
