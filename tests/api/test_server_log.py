"""What a real server writes while people and programs sign in: no secret is in it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.keys import issue_key
from accounts.models import User
from tests.factories import PASSWORD, make_account, make_call, make_leg, make_user

WRONG = "wrong horse battery staple"
FORGED = "f" * 64


class Outside:
    """A program, or a browser, that keeps its cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(f"{self.address}{path}", body, named, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                content: bytes = answer.read()
        except HTTPError as refusal:
            with refusal:
                content = refusal.read()
        return content

    def put(self, path: str, data: Any, token: str = "", method: str = "PUT") -> Any:
        headers = {"X_Auth_Token": token} if token else {}
        body = json.dumps({"data": data}).encode()
        return json.loads(self.send(method, f"/v2/{path}", body, Content_Type="application/json", **headers))

    def cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == name), "")

    def sign_in(self, user: User, password: str) -> str:
        """By the page; returns the session that it gave."""
        self.send("GET", "/sign-in/")
        fields = {"email": user.email, "password": password, "csrfmiddlewaretoken": self.cookie("csrftoken")}
        form = urlencode(fields).encode()
        self.send("POST", "/sign-in/", form, Content_Type="application/x-www-form-urlencoded")
        return self.cookie("sessionid")


@contextmanager
def logging_server(environment: dict[str, str], log: Path) -> Iterator[str]:
    """The web process with all its logs, its own and those of requests, in one file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", "2", "--no-ws"]
    command += ["--log-level", "debug", "--access-log", "ccportal.wsgi:application"]
    chatty = environment | {"CCPORTAL_LOG_LEVEL": "DEBUG", "CCPORTAL_ALLOWED_HOSTS": "127.0.0.1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=chatty, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("The server does not listen")


def use_every_secret(outside: Outside, user: User, key: str, call_id: str) -> list[str]:
    """Sign in, rightly and wrongly, in every way there is; return all that was secret."""
    account = f"accounts/{user.account.pk.hex}" if user.account else ""
    session = outside.sign_in(user, PASSWORD)
    Outside(outside.address).sign_in(user, WRONG)
    token = outside.put("api_auth", {"api_key": key})["auth_token"]
    outside.put("api_auth", {"api_key": FORGED})
    person = {"username": user.username, "account_realm": "acme.example"}
    by_password = outside.put("user_auth", person | {"password": PASSWORD})["auth_token"]
    outside.put("user_auth", person | {"password": WRONG})
    outside.send("PUT", "/v2/api_auth", f'{{"data": {{"api_key": "{key}"'.encode())
    outside.send("GET", f"/v2/{account}/cdrs", X_Auth_Token=FORGED)
    outside.send("GET", f"/v2/{account}/cdrs", Authorization=f"Bearer {FORGED}")
    made = outside.put(f"{account}/api_keys", {"name": "CRM"}, token)["data"]["api_key"]
    hook = {"name": "CRM", "url": "https://203.0.114.9/hooks"}
    webhook = outside.put(f"{account}/webhooks", hook, token)["data"]
    path = f"{account}/webhooks/{webhook['id']}"
    rotated = outside.put(path, {"rotate_secret": True}, token, "PATCH")["data"]["secret"]
    awaited = outside.put(f"{account}/recordings", {"call_id": call_id}, token)["data"]
    upload = awaited["upload"]["token"]
    media = f"/v2/{account}/recordings/{awaited['id']}/media/call.wav"
    for secret in (upload, FORGED):
        outside.send("PUT", media, b"no audio", X_Upload_Token=secret)
    new = {"username": "ada", "email": "ada@acme.example", "password": WRONG}
    outside.put(f"{account}/users", new | {"role": "king"}, token)
    outside.put("token_auth", {}, token, "DELETE")
    return [
        PASSWORD,
        WRONG,
        FORGED,
        key,
        session,
        token,
        by_password,
        made,
        webhook["secret"],
        rotated,
        upload,
    ]


@pytest.mark.slow
def test_no_secret_is_in_what_the_server_writes(process_environment: dict[str, str], tmp_path: Path) -> None:
    account = make_account("Acme", realm="acme.example")
    user = make_user(account)
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    User.objects.filter(pk=user.pk).update(password=hashed)
    _, key = issue_key(account)
    leg = make_leg(make_call(account))
    log = tmp_path / "server.log"
    with logging_server(process_environment, log) as address:
        secrets = use_every_secret(Outside(address), user, key, leg.uuid)
    told = log.read_text(errors="replace")
    told += "".join(path.read_text(errors="replace") for path in Path(settings.DATA_DIR).rglob("*.log"))
    assert all(len(secret) > 15 for secret in secrets)
    assert "/sign-in/" in told
    assert "Unauthorized: /v2/api_auth" in told
    assert [secret for secret in secrets if secret in told] == []
