"""Recordings whose file a program is going to send: found by call and name, or made."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Switch
from cdr.models import Call, Leg
from recordings.candidates import UPLOADED
from recordings.matching import text
from recordings.models import Origin, Recording, State
from recordings.storage import safe_name
from recordings.uploads import recount

LOOKED_FOR = timedelta(days=2)
MOST_AT_ONCE = 500


def expect(account: Account, switch: Switch, call_id: str, name: str, began: datetime | None) -> Recording:
    """The recording of the call that has no file yet, or a new one; asked again, the same one."""
    leg = leg_of(account, call_id)
    path = f"{UPLOADED}{safe_name(name) or safe_name(call_id)}"
    known = waiting_take(account, call_id)
    if known:
        return known
    recording, is_new = Recording.objects.get_or_create(
        pk=uuid.uuid5(account.pk, f"{call_id}:{path}"),
        defaults={
            "account": account,
            "switch": leg.switch if leg else switch,
            "leg_uuid": text(call_id),
            "path": path,
            "origin": Origin.UPLOAD,
            "state": State.EXPECTED,
            "started_at": began or (leg and leg.answered_at) or timezone.now(),
        },
    )
    if is_new and leg and leg.call:
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
        if leg and leg.call:
            adopt(row, leg.call)
            adopted += 1
    return adopted
