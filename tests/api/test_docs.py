"""The written description, the OpenAPI one, and the page to browse it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver
from pytest_django.live_server_helper import LiveServer

from accounts.keys import issue_key
from ccportal.api import urls
from tests.api.conftest import Api, api_of
from tests.factories import (
    PASSWORD,
    make_account,
    make_call,
    make_leg,
    make_media,
    make_offer,
    make_recording,
    make_user,
    make_visit,
)

TEXT = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
UNDESCRIBED = {"schema", "docs", ""}


def paths_of(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths_of(pattern.url_patterns, path)
        else:
            yield re.sub(r"<str:(\w+)>", r"{\1}", path)


@pytest.fixture
def schema(db: None) -> Any:
    answer = Client().get("/v2/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    return answer.json()


def test_schema_is_openapi_3_1_and_describes_every_route(schema: Any) -> None:
    assert schema["openapi"].startswith("3.1")
    routes = {f"/v2/{path}" for path in paths_of(urls.urlpatterns) if path not in UNDESCRIBED}
    assert set(schema["paths"]) == routes


def test_operations_have_names_of_their_own_and_errors(schema: Any) -> None:
    operations = [operation for item in schema["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all("401" in operation["responses"] for operation in operations)


def test_schema_needs_a_token_but_for_signing_in(schema: Any) -> None:
    schemes = schema["components"]["securitySchemes"]
    assert schemes["X-Auth-Token"] == {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
    open_paths = {
        path for path, item in schema["paths"].items() for op in item.values() if not op.get("security")
    }
    assert open_paths == {"/v2/api_auth", "/v2/user_auth"}


def make_everything(api: Api) -> dict[str, str]:
    """Rows for every route, and the ids to fill in."""
    call = make_call(api.account)
    leg = make_leg(call, custom={"campaign": "spring"})
    make_leg(make_call(api.account))
    make_offer(make_visit(call))
    recording = make_recording(call)
    make_media(recording)
    return {
        "call_id": make_leg(call).uuid,
        "cdr_id": leg.pk.hex,
        "interaction_id": call.pk.hex,
        "recording_id": recording.pk.hex,
        "user_id": api.user.pk.hex,
    }


@pytest.mark.parametrize(
    ("path", "component"),
    [
        ("", "AccountAnswer"),
        ("/cdrs", "CdrPage"),
        ("/cdrs?page_size=1", "CdrPage"),
        ("/users/{user_id}/cdrs", "CdrPage"),
        ("/cdrs/{cdr_id}", "FullCdrAnswer"),
        ("/cdrs/interaction", "InteractionPage"),
        ("/cdrs/legs/{interaction_id}", "FullCdrListAnswer"),
        ("/queue_calls", "QueueCallPage"),
        ("/recordings", "RecordingPage"),
        ("/recordings/{recording_id}", "RecordingAnswer"),
        ("/recordings/{recording_id}/peaks", "PeaksAnswer"),
        ("/recordings/nonsense", "Error"),
        ("/cdrs?page_size=0", "Error"),
    ],
)
def test_answers_are_as_described(api: Api, schema: Any, path: str, component: str) -> None:
    body = api.own(path.format(**make_everything(api))).json()
    reference = {"$ref": f"#/components/schemas/{component}", "components": schema["components"]}
    checker = jsonschema.Draft202012Validator(reference, format_checker=jsonschema.FormatChecker())
    assert list(checker.iter_errors(body)) == []
    assert set(body) <= set(schema["components"]["schemas"][component]["properties"])


def test_page_to_browse_works_under_a_strict_policy(db: None) -> None:
    answer = Client().get("/v2/docs")
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    sources = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(sources) >= 3
    assert all(finders.find(source) for source in sources)
    script = Client().get("/v2/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/v2/schema" in script.content.decode().replace("\\u002D", "-")


def test_page_of_the_portal_keeps_its_policy(api: Api) -> None:
    assert "unsafe-inline" not in api.own()["Content-Security-Policy"]


def test_examples_of_the_documentation_run(live_server: LiveServer, tmp_path: Path) -> None:
    api = api_of(make_user(make_account("Acme")))
    ids = make_everything(api)
    _, key = issue_key(api.account)
    words = {
        "API": f"{live_server.url}/v2",
        "ACCOUNT": api.account.pk.hex,
        "API_KEY": key,
        "USERNAME": api.user.username,
        "PASSWORD": PASSWORD,
        "CDR": ids["cdr_id"],
        "INTERACTION": ids["interaction_id"],
        "RECORDING": ids["recording_id"],
        "CALL": ids["call_id"],
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", EXAMPLES],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "no_proxy": "*"} | words,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert EXAMPLES.count("curl ") == done.stdout.count(b'"status":"success"') + 15
    assert (tmp_path / "march.csv").read_bytes().startswith(b"caller_id_number,")
    assert (tmp_path / "part.wav").stat().st_size == 1000
    [audio] = [path for path in tmp_path.glob("*.wav") if path.name != "part.wav"]
    assert audio.read_bytes().startswith(b"RIFF")
