"""Every setting of the service, read from the environment once, typed and checked at start.

README.md lists each name with its default; a test keeps the two in step.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
DEMO_SECRET = "demo-only-secret-key-never-use-this-in-production"  # noqa: S105 - refused in production


class Mode(StrEnum):
    """How the service is being used."""

    DEMO = "demo"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The service's settings. Names in the environment are the same in capitals, with DEMAND_SIGNAL_ before them.

    The one exception is DATABASE_URL, which hosting platforms set by that name.
    """

    model_config = SettingsConfigDict(
        env_prefix="DEMAND_SIGNAL_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    mode: Annotated[Mode, Field(description="demo, or production, which refuses unsafe settings")] = Mode.DEMO
    secret_key: Annotated[
        SecretStr, Field(description="signs sessions and forms; at least 32 characters in production")
    ] = SecretStr(DEMO_SECRET)
    database_url: Annotated[
        str,
        Field(
            validation_alias="DATABASE_URL",
            description="SQLite by default; for PostgreSQL with pgvector postgresql+psycopg://user:password@host/name",
        ),
    ] = f"sqlite:///{PROJECT / 'instance' / 'demand-signal.db'}"
    public_url: Annotated[str, Field(description="the address people use, for links in e-mails")] = (
        "http://127.0.0.1:8000"
    )
    encoder: Annotated[
        str, Field(description="sentence-transformers model: 'packaged', or the path of a model's folder")
    ] = "packaged"
    encoder_before: Annotated[
        str,
        Field(description="the folder of the model used before, while a changed one's index is built"),
    ] = ""
    smtp_host: Annotated[
        str, Field(description="mail server; production needs one, the demo has a mailbox page")
    ] = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535, description="mail server's port")] = 587
    smtp_username: Annotated[str, Field(description="mail server's user name, if it wants one")] = ""
    smtp_password: Annotated[SecretStr, Field(description="mail server's password")] = SecretStr("")
    smtp_tls: Annotated[bool, Field(description="start TLS before sending mail")] = True
    mail_from: Annotated[str, Field(description="the sender of the service's e-mails")] = (
        "Demand Signal <no-reply@demand-signal.example>"
    )
    nhs_logo: Annotated[
        bool, Field(description="show the NHS logo: only for NHS organisations entitled to it")
    ] = False
    session_idle_minutes: Annotated[
        int, Field(ge=5, le=720, description="sign out after so long without a page")
    ] = 60
    session_hours: Annotated[int, Field(ge=1, le=24, description="sign out after so long in any case")] = 12
    invitation_days: Annotated[
        int, Field(ge=1, le=30, description="how long an invitation can be accepted")
    ] = 7
    reset_minutes: Annotated[int, Field(ge=5, le=240, description="how long a password reset link works")] = (
        60
    )
    sign_in_attempts: Annotated[
        int, Field(ge=3, le=100, description="wrong passwords for one account in 15 minutes before it waits")
    ] = 5
    searches_each_minute: Annotated[
        int,
        Field(ge=10, le=10_000, description="searches by meaning in a minute for one person or one address"),
    ] = 120
    body_limit_kib: Annotated[int, Field(ge=64, le=10240, description="largest request body, in KiB")] = 512
    proxies: Annotated[
        int, Field(ge=0, le=5, description="trusted reverse proxies in front of the service")
    ] = 0
    trusted_hosts: Annotated[
        str, Field(description="comma-separated host names that the service answers to; empty means any")
    ] = ""
    log_level: Annotated[
        str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least severe log line")
    ] = "INFO"
    password_memory_kib: Annotated[int, Field(ge=8, description="argon2id memory cost, in KiB")] = 65536
    password_rounds: Annotated[int, Field(ge=1, description="argon2id time cost, in rounds")] = 3
    open_data_per_minute: Annotated[
        int,
        Field(
            ge=10, le=100_000, description="open data requests of one address in a minute, in each process"
        ),
    ] = 300
    ocid_prefix: Annotated[
        str,
        Field(
            pattern="^ocds-[a-z0-9]{6}$",
            description="who publishes: their registered OCDS prefix; the default is a placeholder, not registered",
        ),
    ] = "ocds-000000"
    worker_poll_seconds: Annotated[
        float, Field(gt=0, le=60, description="the worker's pause when nothing waits")
    ] = 0.2

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        """Refuse to start in production with the demo's secret, a short one, plain-HTTP links, or no mail server.

        And refuse to become a demo by forgetting to choose: its mailbox shows every letter to everybody.
        """
        host = urlsplit(self.public_url).hostname
        if "mode" not in self.model_fields_set and host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(
                "Set DEMAND_SIGNAL_MODE to production, or to demo if everybody may read its mailbox"
            )
        if self.mode is Mode.PRODUCTION:
            secret = self.secret_key.get_secret_value()
            if secret == DEMO_SECRET or len(secret) < 32:
                raise ValueError(
                    "In production mode set DEMAND_SIGNAL_SECRET_KEY to a random text of at least 32 characters, "
                    'for example the output of: python -c "import secrets; print(secrets.token_urlsafe(48))"'
                )
            if not self.public_url.startswith("https://"):
                raise ValueError("In production mode DEMAND_SIGNAL_PUBLIC_URL has to start with https://")
            if not self.smtp_host:
                raise ValueError(
                    "In production mode set DEMAND_SIGNAL_SMTP_HOST to your mail server: without it nobody gets an "
                    "invitation or a password link"
                )
        return self

    @property
    def demo(self) -> bool:
        """Tell whether one-click demo accounts are offered."""
        return self.mode is Mode.DEMO

    @property
    def mailbox(self) -> bool:
        """Tell whether there is a mailbox page: in demo mode, as long as e-mails do not go to a mail server."""
        return self.demo and not self.smtp_host

    @property
    def session_idle(self) -> timedelta:
        """Return how long a session lives without a request."""
        return timedelta(minutes=self.session_idle_minutes)
