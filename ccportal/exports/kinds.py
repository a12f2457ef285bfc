"""What can be exported: the lists of the API, with their columns, filters and order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from ccportal.api.cdrs import CdrList, InteractionList
from ccportal.api.queue_calls import QueueCallList
from ccportal.api.recordings import RecordingList
from ccportal.api.views import ListView
from cdr.models import Call, Leg, QueueVisit
from recordings.exports import ExportKind
from recordings.models import Recording


@dataclass(frozen=True)
class Kind:
    """A list; ``resource`` is what a narrowed token must be allowed to read."""

    model: type[Model]
    view: type[ListView]
    resource: str


KINDS: dict[str, Kind] = {
    ExportKind.CALLS: Kind(Call, InteractionList, "cdrs"),
    ExportKind.LEGS: Kind(Leg, CdrList, "cdrs"),
    ExportKind.QUEUE_CALLS: Kind(QueueVisit, QueueCallList, "queue_calls"),
    ExportKind.RECORDINGS: Kind(Recording, RecordingList, "recordings"),
}


def kind_of(export: Any) -> Kind:
    return KINDS[export.kind]
