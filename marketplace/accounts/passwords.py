"""Password hashes: argon2id with the costs of the settings (argon2-cffi)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Flask, current_app


def init(app: Flask, *, memory_kib: int, rounds: int) -> None:
    """Make the hasher, and a hash of nothing to spend the same time on unknown accounts."""
    hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
    app.extensions["password_hasher"] = hasher
    app.extensions["password_decoy"] = hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Return the argon2id hash."""
    hasher: PasswordHasher = current_app.extensions["password_hasher"]
    return hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether the password belongs to the hash; takes the same time when there is no hash."""
    hasher: PasswordHasher = current_app.extensions["password_hasher"]
    try:
        hasher.verify(stored or current_app.extensions["password_decoy"], password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
