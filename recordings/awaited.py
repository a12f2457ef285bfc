"""Recordings whose file a program is going to send: found by call and name, or made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Switch
from cdr.models import Call, Leg
from recordings.call_tags import give_to_calls
from recordings.candidates import UPLOADED
from recordings.matching import text
from recordings.models import Origin, Recording, State
from recordings.storage import safe_name
from recordings.uploads import recount

LOOKED_FOR = timedelta(days=2)
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Coming:
    """What a program says of the file: the call's id at the switch, a name, and its leg where it is known."""

    call_id: str
    name: str
    began: datetime | None
    switch: Switch
    leg: Leg | None

    @property
    def path(self) -> str:
        return f"{UPLOADED}{safe_name(self.name) or safe_name(self.call_id)}"


def expect(account: Account, coming: Coming) -> Recording:
    """The recording of the call that has no file yet, or a new one; asked again, the same one."""
    if known := waiting_take(account, coming.call_id):
        return known
    leg = coming.leg
    recording, is_new = Recording.objects.get_or_create(
        pk=uuid.uuid5(account.pk, f"{coming.call_id}:{coming.path}"),
        defaults={
            "account": account,
            "switch": coming.switch,
            "leg_uuid": text(coming.call_id),
            "path": coming.path,
            "origin": Origin.UPLOAD,
            "state": State.EXPECTED,
            "started_at": coming.began or (leg and leg.answered_at) or timezone.now(),
        },
    )
    if is_new and leg:
        adopt(recording, leg.call)
    return recording


def leg_of(account: Account, call_id: str) -> Leg | None:
    legs = Leg.objects.filter(account=account, uuid=call_id).select_related("call", "switch")
    return legs.order_by("-created_at").first()


def waiting_take(account: Account, call_id: str) -> Recording | None:
    """A take that the switch told of, whose file we could not have."""
    ended = (State.RECEIVED, State.MISSING, State.FAILED)
    takes = Recording.objects.filter(
        account=account, leg_uuid=call_id, stored_at=None, state__in=ended
    ).exclude(path__startswith=UPLOADED)
    return takes.order_by("-started_at", "-pk").first()


def adopt(recording: Recording, call: Call) -> None:
    """Write down what the recording repeats of its call."""
    Recording.objects.filter(pk=recording.pk).update(
        call=call,
        queue_name=call.queue_name,
        agent_name=call.agent_name,
        caller_number=call.caller_number,
        caller_name=call.caller_name,
        callee_number=call.callee_number,
        direction=call.direction,
        user=call.user_id,
    )
    give_to_calls([recording.pk])
    recount(call.pk)


def find_calls() -> int:
    """Give files that came before their call its call: one of the same account and leg, never of another."""
    since = timezone.now() - LOOKED_FOR
    rows = list(
        Recording.objects.filter(origin=Origin.UPLOAD, call=None, state_at__gt=since).exclude(leg_uuid="")[
            :MOST_AT_ONCE
        ]
    )
    legs = Leg.objects.filter(
        Q(uuid__in={row.leg_uuid for row in rows}), account__in={row.account_id for row in rows}
    ).select_related("call")
    found = {(leg.account_id, leg.uuid): leg for leg in legs}
    adopted = 0
    for row in rows:
        leg = found.get((row.account_id, row.leg_uuid))
        if leg:
            adopt(row, leg.call)
            adopted += 1
    return adopted
