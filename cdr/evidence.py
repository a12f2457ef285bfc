"""What was heard about each conversation, kept so that whatever comes late is judged with all the rest."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Mapping

import msgspec
from django.db.models import Q
from django.utils import timezone

from accounts.models import Switch
from cdr.conversations import IN_ROOM, ROOM
from cdr.models import Evidence, EvidenceKey, Leg
from database.bulk import Table, chunks
from switch import events as ev

Events = dict[tuple[str, int], ev.Event]

EVIDENCE = Table(Evidence, ["id", "switch_id", "events", "updated_at"])
KEYS = Table(EvidenceKey, ["switch_id", "key", "evidence_id"], key=["switch_id", "key"])

NOWHERE = uuid.UUID(int=0)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[ev.AnyEvent]).decode


def pack(events: Iterable[ev.Event]) -> bytes:
    return zlib.compress(_encode(list(events)), 1)


def unpack(packed: bytes) -> list[ev.Event]:
    return list(_decode(zlib.decompress(packed)))


def find(switch: Switch, keys: Iterable[str]) -> dict[str, uuid.UUID]:
    """Where the named legs and rooms already have evidence."""
    found: dict[str, uuid.UUID] = {}
    for some in chunks(keys):
        found |= EvidenceKey.objects.filter(switch=switch, key__any_of=some).values_list("key", "evidence_id")
        legs = [key for key in some if not key.startswith((ROOM, IN_ROOM))]
        named = Leg.objects.filter(switch=switch, uuid__any_of=legs).order_by()
        found |= named.values_list("uuid", "call_id")
    return found


def load(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Events]:
    """The events kept under each id, by their identity."""
    found: dict[uuid.UUID, Events] = {}
    for some in chunks(ids, 1_000):
        for row in Evidence.objects.filter(id__any_of=some).iterator():
            found[row.pk] = {event.identity: event for event in unpack(bytes(row.events))}
    return found


def keep(switch: Switch, evidence: Mapping[uuid.UUID, Events], keys: Mapping[str, uuid.UUID]) -> None:
    """Store what is known, and under which names without a leg it is found."""
    now = timezone.now()
    EVIDENCE.upsert([(id_, switch.pk, pack(events.values()), now) for id_, events in evidence.items()])
    KEYS.upsert([(switch.pk, key, id_) for key, id_ in keys.items() if len(key) <= 255])


def forget(call_ids: Iterable[uuid.UUID]) -> None:
    """Drop what was heard of calls that are being removed, and let their legs lead nowhere from now on."""
    now, ids = timezone.now(), list(call_ids)
    known = EvidenceKey.objects.filter(evidence_id__in=ids)
    known.filter(Q(key__startswith=ROOM) | Q(key__startswith=IN_ROOM)).delete()
    known.update(evidence_id=NOWHERE, forgotten_at=now)
    EvidenceKey.objects.bulk_create(
        [
            EvidenceKey(switch_id=switch, key=leg, evidence_id=NOWHERE, forgotten_at=now)
            for switch, leg in Leg.objects.filter(call__in=ids).values_list("switch_id", "uuid")
        ],
        update_conflicts=True,
        unique_fields=["switch", "key"],
        update_fields=["evidence_id", "forgotten_at"],
    )
    Evidence.objects.filter(pk__in=ids).delete()


def retire(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Lead from evidence that went into another's to that."""
    for old, new in absorbed.items():
        EvidenceKey.objects.filter(evidence_id=old).update(evidence_id=new)
    Evidence.objects.filter(pk__in=absorbed).delete()
