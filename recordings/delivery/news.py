"""What happened, to the webhooks that want to hear of it: written with it, signed when it is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from accounts.contacts import name_callers
from cdr.ingest import Touched
from cdr.models import Call
from database.sealed import LOST_WORDS, is_lost
from recordings.delivery import http
from recordings.delivery.documents import call_document, iso, recording_document
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import Delivery, Event, Kind, Webhook, hooks_for
from recordings.delivery.network import Network
from recordings.delivery.outbox import SENT_KEPT_FOR, put
from recordings.models import Media, Recording, State, Variant

CLOCKS_DIFFER = timedelta(minutes=1)
DOCUMENTS_AT_ONCE = 500
TEST = "test"


def calls_ended(touched: Iterable[Touched]) -> None:
    """Tell of the calls of a batch that are over; of each once, however often it is touched.

    It costs one query while no webhook of their accounts wants to hear of it.
    """
    ended = {
        each.id: each.account_id
        for each in touched
        if each.account_id and each.conversation.call and each.conversation.call.ended
    }
    tell_of_calls(ended)


def calls_assigned(call_ids: Collection[uuid.UUID]) -> None:
    """Tell those who have them now of calls that were over before anybody had them."""
    over = Call.objects.filter(pk__in=call_ids, ended_at__isnull=False, account__isnull=False)
    tell_of_calls(dict(over.values_list("pk", "account")))


def tell_of_calls(ended: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Tell the accounts of calls; which call is whose is given."""
    hooks = hooks_for(Event.CALL_ENDED, set(ended.values()))
    wanted = {hook.account_id for hook in hooks}
    ids = [call for call, account in ended.items() if account in wanted]
    for start in range(0, len(ids), DOCUMENTS_AT_ONCE):
        put(list(news_of_calls(ids[start : start + DOCUMENTS_AT_ONCE], hooks)))


def news_of_calls(ids: Sequence[uuid.UUID], hooks: Sequence[Webhook]) -> Iterator[Delivery]:
    recordings = Recording.objects.only("id", "call").order_by("started_at", "id")
    calls = Call.objects.filter(pk__in=ids, ended_at__isnull=False, account__isnull=False)
    found = calls.select_related("account").prefetch_related(
        Prefetch("recordings", recordings, to_attr="takes")
    )
    name_callers(list(found))
    for call in found:
        document = call_document(call, [take.pk for take in call.takes])
        for hook in hooks:
            if hook.account_id == call.account_id and call.ended_at and is_news(hook, call.ended_at):
                yield delivery_of(hook, Event.CALL_ENDED, call.pk, document)


def is_news(hook: Webhook, moment: datetime) -> bool:
    return is_since(hook.since, moment)


def is_since(since: datetime | None, moment: datetime) -> bool:
    """Whether it happened since the receiver is on, and so lately that we would know if it had been told."""
    if since is None or moment < timezone.now() - SENT_KEPT_FOR:
        return False
    return moment >= since - CLOCKS_DIFFER


def recording_ready(recording_id: uuid.UUID) -> None:
    tell_of_recordings(Event.RECORDING_READY, [recording_id], [State.READY])


def recordings_failed(recording_ids: Collection[uuid.UUID]) -> None:
    """Tell of recordings that failed for good, or have no file."""
    tell_of_recordings(Event.RECORDING_FAILED, recording_ids, [State.FAILED, State.MISSING])


def tell_of_recordings(event: Event, ids: Collection[uuid.UUID], states: Sequence[str]) -> None:
    if not ids:
        return
    files = Media.objects.filter(variant=Variant.CALL).order_by("format")
    rows = Recording.objects.filter(pk__in=ids, state__in=states, account__isnull=False)
    hooks = hooks_for(event, set(rows.order_by().values_list("account", flat=True)))
    if not hooks:
        return
    with_files = rows.select_related("account").prefetch_related(Prefetch("media", files, to_attr="files"))
    recordings = list(with_files)
    name_callers(recordings)
    put(
        [
            delivery_of(
                hook, event, recording.pk, recording_document(recording, next(iter(recording.files), None))
            )
            for recording in recordings
            for hook in hooks
            if hook.account_id == recording.account_id
        ]
    )


def delivery_of(hook: Webhook, event: Event, about: uuid.UUID, document: dict[str, Any]) -> Delivery:
    """One event for one webhook; its id is the event's."""
    return posted(hook, uuid.uuid5(hook.pk, f"{event.value}:{about.hex}"), event.value, document)


def send_test(hook: Webhook) -> Delivery:
    """Have an event sent that says nothing but that it arrived."""
    delivery = posted(hook, uuid.uuid4(), TEST, {"webhook": hook.name})
    put([delivery])
    return delivery


def posted(hook: Webhook, id_: uuid.UUID, event: str, document: dict[str, Any]) -> Delivery:
    body = {
        "id": id_.hex,
        "event": event,
        "created": iso(timezone.now()),
        "account_id": hook.account_id.hex,
        "data": document,
    }
    text = json.dumps(body, separators=(",", ":"))
    return Delivery(
        pk=id_,
        account_id=hook.account_id,
        kind=Kind.WEBHOOK,
        subject=event,
        webhook=hook,
        payload={"event": event, "body": text},
    )


def send(delivery: Delivery, network: Network) -> None:
    """Post the event, signed with the webhook's secret as it is now."""
    hook = delivery.webhook
    if hook is None or not hook.enabled:
        raise DeliveryFailed("The webhook is switched off.", permanent=True)
    if is_lost(hook.secret):
        raise DeliveryFailed(LOST_WORDS)
    body = str(delivery.payload["body"]).encode()
    headers = {
        "Content-Type": "application/json",
        "X-CCPortal-Delivery": delivery.pk.hex,
        "X-CCPortal-Event": str(delivery.payload["event"]),
        "X-CCPortal-Signature": signature(hook.secret, body, int(time.time())),
    }
    try:
        http.send(hook.url, http.Message("POST", headers, http.body_of(body), len(body)), network)
    except DeliveryFailed as failed:
        if delivery.payload["event"] == TEST:
            raise DeliveryFailed(failed.reason, permanent=True) from failed
        raise


def signature(secret: str, body: bytes, moment: int) -> str:
    """``t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">``."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
