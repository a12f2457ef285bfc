from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ccportal.environment import (
    database_from_url,
    keep_new_secret,
    mail_from_url,
    read_bool,
    read_int,
    read_list,
    read_secret_key,
)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("1", True), ("Yes", True), ("on", True), ("0", False), ("", False), (" false ", False)],
)
def test_yes_and_no(monkeypatch: pytest.MonkeyPatch, text: str, meaning: bool) -> None:
    monkeypatch.setenv("CCPORTAL_DEBUG", text)
    assert read_bool("CCPORTAL_DEBUG") is meaning


def test_a_word_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPORTAL_HTTPS", "maybe")
    with pytest.raises(ImproperlyConfigured, match="CCPORTAL_HTTPS must be 1 or 0, not 'maybe'"):
        read_bool("CCPORTAL_HTTPS")


@pytest.mark.parametrize("text", ["many", "1.5", "0"])
def test_a_number_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CCPORTAL_WORKERS", text)
    with pytest.raises(ImproperlyConfigured, match="CCPORTAL_WORKERS"):
        read_int("CCPORTAL_WORKERS", 2, minimum=1)


def test_an_empty_number_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPORTAL_WORKERS", "")
    assert read_int("CCPORTAL_WORKERS", 2) == 2


def test_a_list_drops_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPORTAL_ALLOWED_HOSTS", "a.example, ,b.example,")
    assert read_list("CCPORTAL_ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_the_secret_is_made_once_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CCPORTAL_SECRET_KEY", raising=False)
    kept = tmp_path / "secret_key"
    first = read_secret_key("CCPORTAL_SECRET_KEY", kept)
    assert len(first) >= 64
    assert read_secret_key("CCPORTAL_SECRET_KEY", kept) == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [kept]


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    kept = tmp_path / "secret_key"
    seen: list[str] = []

    def start() -> None:
        keep_new_secret(kept)
        seen.append(kept.read_text())

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert len(set(seen)) == 1


def test_the_environment_goes_before_the_kept_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPORTAL_SECRET_KEY", "given")
    assert read_secret_key("CCPORTAL_SECRET_KEY", tmp_path / "secret_key") == "given"
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///relative.sqlite3", "relative.sqlite3"),
        ("sqlite:////var/lib/ccportal/db.sqlite3", "/var/lib/ccportal/db.sqlite3"),
        ("sqlite:////srv/a%20b/db.sqlite3", "/srv/a b/db.sqlite3"),
    ],
)
def test_sqlite_files(url: str, name: str) -> None:
    assert database_from_url(url)["NAME"] == name


def test_postgresql_with_everything_in_its_address() -> None:
    database = database_from_url("postgresql://me%40here:p%2Fw@db.example:5433/calls?sslmode=verify-full")
    assert {key: database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")} == {
        "USER": "me@here",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "NAME": "calls",
    }
    assert database["OPTIONS"] == {"sslmode": "verify-full"}
    assert database["CONN_MAX_AGE"] == 600


def test_postgresql_on_a_socket() -> None:
    database = database_from_url("postgres://postgres@/postgres?host=/run/postgresql")
    assert (database["HOST"], database["PORT"], database["OPTIONS"]) == ("/run/postgresql", "", {})


def test_a_pool_takes_the_place_of_connections_that_are_kept() -> None:
    database = database_from_url("postgresql://h/calls", pool_size=8)
    assert database["OPTIONS"]["pool"]["max_size"] == 8
    assert database["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize("url", ["mysql://h/calls", "calls.sqlite3", "sqlite://", "sqlite:///"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database_from_url(url)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://mail.example", {"EMAIL_PORT": 25, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}),
        ("smtp://a%40b:p%2Fw@mail.example:587", {"EMAIL_HOST_USER": "a@b", "EMAIL_USE_TLS": True}),
        ("smtps://a:b@mail.example", {"EMAIL_PORT": 465, "EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}),
        ("console:", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
        ("", {"EMAIL_FILE_PATH": "/data/mail"}),
    ],
)
def test_mail_from_url(url: str, wanted: dict[str, Any]) -> None:
    assert mail_from_url(url, Path("/data/mail")).items() >= wanted.items()


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_mail_from_a_bad_url(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CCPORTAL_EMAIL_URL"):
        mail_from_url(url, Path("/data/mail"))
