from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from marketplace.settings import DEMO_SECRET, PROJECT, Settings

LONG = "a-random-text-of-more-than-32-characters"


def names() -> set[str]:
    return {
        str(field.validation_alias or f"DEMAND_SIGNAL_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }


def test_the_readme_documents_every_setting_and_no_other() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    table = readme.partition("## Settings")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", table, flags=re.M)) == names()


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_SIGN_IN_ATTEMPTS", "7")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.db")
    settings = Settings()
    assert (settings.sign_in_attempts, settings.database_url) == (7, "sqlite:///elsewhere.db")


@pytest.mark.parametrize("secret", ["", DEMO_SECRET, "short"])
def test_production_refuses_a_default_or_short_secret(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    monkeypatch.setenv("DEMAND_SIGNAL_PUBLIC_URL", "https://demand-signal.example")
    monkeypatch.setenv("DEMAND_SIGNAL_SECRET_KEY", secret)
    with pytest.raises(ValidationError, match="DEMAND_SIGNAL_SECRET_KEY"):
        Settings()


def test_production_refuses_links_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    monkeypatch.setenv("DEMAND_SIGNAL_SECRET_KEY", LONG)
    with pytest.raises(ValidationError, match="https"):
        Settings()


def test_production_refuses_to_start_without_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    monkeypatch.setenv("DEMAND_SIGNAL_PUBLIC_URL", "https://demand-signal.example")
    monkeypatch.setenv("DEMAND_SIGNAL_SECRET_KEY", LONG)
    with pytest.raises(ValidationError, match="DEMAND_SIGNAL_SMTP_HOST to your mail server"):
        Settings()


def test_production_starts_with_a_secret_and_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_SMTP_HOST", "mail.demand-signal.example")
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    monkeypatch.setenv("DEMAND_SIGNAL_PUBLIC_URL", "https://demand-signal.example")
    monkeypatch.setenv("DEMAND_SIGNAL_SECRET_KEY", LONG)
    assert not Settings().demo


@pytest.mark.parametrize(
    ("name", "value"), [("SESSION_HOURS", "0"), ("SMTP_PORT", "x"), ("LOG_LEVEL", "LOUD")]
)
def test_a_setting_out_of_its_limits_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DEMAND_SIGNAL_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_public_address_without_a_chosen_mode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_PUBLIC_URL", "https://demand-signal.example")
    with pytest.raises(ValidationError, match="DEMAND_SIGNAL_MODE"):
        Settings()
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "demo")
    assert Settings().demo
