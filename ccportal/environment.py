"""Read settings from the process environment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"", "0", "false", "no", "off"})
POSTGRES_SCHEMES = frozenset({"postgres", "postgresql"})
WAIT_FOR_LOCK_SECONDS = 30
CONNECTION_MAX_AGE_SECONDS = 600
MAIL = "django.core.mail.backends"
SUBMISSION_PORT = 587


def read_bool(name: str, default: bool = False) -> bool:
    """Read yes or no; refuse any other word."""
    word = os.environ.get(name, str(default)).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {word!r}.")


def read_int(name: str, default: int, *, minimum: int = 0) -> int:
    """Read a whole number that is at least the minimum."""
    text = os.environ.get(name, "").strip() or str(default)
    try:
        number = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from None
    if number < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {number}.")
    return number


def read_list(name: str, default: str = "") -> list[str]:
    """Read values separated by commas; empty ones are dropped."""
    values = (value.strip() for value in os.environ.get(name, default).split(","))
    return [value for value in values if value]


def read_secret_key(name: str, kept_in: Path) -> str:
    """Return the key from the environment, else the one kept in a file only its owner can read."""
    from_environment = os.environ.get(name, "")
    if from_environment:
        return from_environment
    if not kept_in.exists():
        keep_new_secret(kept_in)
    return kept_in.read_text(encoding="ascii").strip()


def keep_new_secret(path: Path) -> None:
    """Write a new secret; of several processes that start at once the first one's stays."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def mail_from_url(url: str, folder: Path) -> dict[str, Any]:
    """Return Django's settings of e-mail for smtp://, smtps:// or console:; without a url mails are files."""
    if not url:
        return {"EMAIL_BACKEND": f"{MAIL}.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder)}
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": f"{MAIL}.console.EmailBackend"}
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured(
            "CCPORTAL_EMAIL_URL is smtp://user:password@host:587, smtps://… or console:."
        )
    is_tls = parts.scheme == "smtps"
    port = parts.port or (465 if is_tls else 25)
    return {
        "EMAIL_BACKEND": f"{MAIL}.smtp.EmailBackend",
        "EMAIL_HOST": unquote(parts.hostname),
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_tls,
        "EMAIL_USE_TLS": not is_tls and port == SUBMISSION_PORT,
        "EMAIL_TIMEOUT": 20,
    }


def database_from_url(url: str, *, pool_size: int = 0) -> dict[str, Any]:
    """Return Django's DATABASES entry for a sqlite:// or postgresql:// address."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return sqlite_database(url)
    if scheme in POSTGRES_SCHEMES:
        return postgresql_database(url, pool_size)
    raise ImproperlyConfigured(
        f"DATABASE_URL must begin with sqlite:// or postgresql://, not {scheme or 'nothing'}://."
    )


def sqlite_database(url: str) -> dict[str, Any]:
    """Return a write-ahead-log database whose writers wait for each other at BEGIN."""
    name = unquote(url.removeprefix("sqlite://").removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no file: sqlite:///relative or sqlite:////absolute.")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            "timeout": WAIT_FOR_LOCK_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;",
        },
        "CONN_MAX_AGE": CONNECTION_MAX_AGE_SECONDS,
    }


def postgresql_database(url: str, pool_size: int) -> dict[str, Any]:
    """Return a psycopg 3 database; a pool takes the place of connections that are kept open."""
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(options.pop("port", None) or parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if pool_size else CONNECTION_MAX_AGE_SECONDS,
        "CONN_HEALTH_CHECKS": not pool_size,
    }
