"""The server answers as its own description says, whatever it is sent: every operation that is described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from pytest_django.live_server_helper import LiveServer
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.keys import issue_key, issue_token
from accounts.models import User
from ccportal.api import channels
from queues.models import Queue
from tests.api.conftest import Api, api_of
from tests.factories import (
    make_account,
    make_agent,
    make_call,
    make_device,
    make_leg,
    make_media,
    make_offer,
    make_phone_number,
    make_queue,
    make_recording,
    make_user,
    make_visit,
)

EXAMPLES = 8
# A schema cannot say which names are taken, which cities have a time zone, or what an opaque key is.
NOT_CHECKED = [positive_data_acceptance]
LAST = ("delete",)
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@schemathesis.serializer("audio/mpeg", "audio/wav", "application/octet-stream")
def as_bytes(context: Any, value: Any) -> bytes:
    """What is sent as audio is no audio here: any bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def make_world() -> tuple[Api, dict[str, list[str]]]:
    """A tenant with a row for every parameter of a path; those without a line get made-up values only."""
    api = api_of(make_user(make_account("Acme")))
    account = api.account
    call = make_call(account)
    leg = make_leg(call)
    make_leg(make_call(account, ended_at=None), ended_at=None, uuid="living-leg")
    make_offer(make_visit(call))
    recording = make_recording(call)
    make_media(recording)
    other = make_user(account, "agent")
    things = [other, make_device(account), make_phone_number(account), issue_key(account)[0]]
    queue: Queue = make_queue(account)
    ids = {
        "account_id": [account.pk.hex],
        "item_id": [thing.pk.hex for thing in (*things, queue)],
        "user_id": [other.pk.hex],
        "agent_id": [make_agent(account).pk.hex],
        "queue_id": [queue.pk.hex],
        "recording_id": [recording.pk.hex],
        "interaction_id": [call.pk.hex, leg.pk.hex],
        "cdr_id": [leg.pk.hex],
        "call_id": ["living-leg"],
    }
    return api, ids


def operations(description: Any) -> list[Any]:
    """All that is described; what takes things away comes last."""
    found = [result.ok() for result in description.get_all_operations()]
    return sorted(found, key=lambda operation: (operation.method in LAST, operation.path, operation.method))


def real_values(ids: dict[str, list[str]], operation: Any) -> strategies.SearchStrategy[dict[str, str]]:
    names = [parameter.name for parameter in operation.path_parameters if parameter.name in ids]
    return strategies.fixed_dictionaries({name: strategies.sampled_from(ids[name]) for name in names})


def failures_of(operation: Any, user: User, ids: dict[str, list[str]], codes: set[int]) -> Iterator[str]:
    """What an operation answered otherwise than described; the codes of its answers are added."""
    cases = strategies.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES))

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=real_values(ids, operation))
    def answers_are_as_described(case: Any, real: dict[str, str]) -> None:
        case.path_parameters = {**(case.path_parameters or {}), **real}
        headers = {"X-Auth-Token": issue_token(user=user)}
        answer = case.call(headers=headers)
        codes.add(answer.status_code)
        case.validate_response(answer, headers=headers, excluded_checks=NOT_CHECKED)

    try:
        answers_are_as_described()
    except (FailureGroup, AssertionError) as failed:
        yield f"{operation.method} {operation.path}: {failed}\n{getattr(failed, 'exceptions', '')}"


@pytest.mark.slow
def test_every_operation_answers_as_described(
    live_server: LiveServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CCPORTAL_API_RATE = 0
    monkeypatch.setattr(channels, "PATIENCE_SECONDS", 0.0)
    api, ids = make_world()
    schema = Client().get("/v2/schema", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    description = schemathesis.openapi.from_dict(schema)
    description.config.update(base_url=live_server.url)
    codes: dict[str, set[int]] = {}
    failures = [
        failure
        for operation in operations(description)
        for failure in failures_of(
            operation, api.user, ids, codes.setdefault(f"{operation.method} {operation.path}", set())
        )
    ]
    assert not failures, "\n\n".join(failures)
    reached = [name for name, found in codes.items() if found & {200, 201}]
    assert len(reached) > len(codes) / 2, codes
