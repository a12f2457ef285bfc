"""The lists that recordings are looked after by, in words, and how many recordings are on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from ccportal.portal.takes import FINDINGS
from ccportal.portal.wording import capped
from cdr.search import count_capped
from recordings.kinds import KINDS, Chosen
from recordings.models import Finding, Recording

DAMAGED = "damaged"


@dataclass(frozen=True)
class Kind:
    """What a list is called, and what is on it."""

    key: str
    title: str
    sentence: str
    tone: str = ""


FLOW = (
    Kind("expected", "Expected", "Asked for by a policy, a queue, the dialplan or a person."),
    Kind("present", "Present", "Their file arrived, and was verified in storage."),
    Kind("ready", "Processed", "Converted, named and cut: ready."),
    Kind("playable", "Playable", "They can be heard now."),
)
ON_THE_WAY = (
    Kind("waiting", "Not begun", "The switch was asked to record, and has not begun."),
    Kind("recording", "Being recorded", "The switch writes."),
    Kind("received", "Being processed", "The file has arrived and is being checked and converted."),
)
TO_MEND = (
    Kind("missing", "Missing", "There should be a file, and none was found.", "warn"),
    Kind("failed", "Failed", "The file could not be made ready, or never began.", "bad"),
    Kind(DAMAGED, "Damaged", "A stored file was read again and is not what was stored.", "bad"),
)
DELIVERIES = (
    Kind("failed", "Not delivered", "Files and messages that another address did not take.", "bad"),
    Kind("pending", "Waiting to be delivered", "Tried again by itself, for two days."),
)
FINDING_TITLES = {
    Finding.EMPTY: "Empty",
    Finding.UNFINISHED: "Unfinished",
    Finding.OVERWRITTEN: "Overwritten",
    Finding.OUTSIDE: "Outside the folders",
    Finding.UNREADABLE: "Not audio",
    Finding.LENGTH: "Another length",
    Finding.MIXED: "Two in one file",
}
FOUND = tuple(
    Kind(
        finding.value, FINDING_TITLES.get(finding, finding.label), FINDINGS.get(finding, f"{finding.label}.")
    )
    for finding in Finding
    if finding.value in KINDS and finding.value not in ("missing", "discarded")
)
GONE = (
    Kind("discarded", "Discarded", "Thrown away, because shorter than what is kept."),
    Kind("deleted", "Deleted", "Their audio was removed on purpose."),
)
GROUPS = (
    ("All", FLOW),
    ("On the way", ON_THE_WAY),
    ("To mend", TO_MEND),
    ("What was found in files", FOUND),
    ("Gone", GONE),
)
BY_KEY = {kind.key: kind for _, group in GROUPS for kind in group}


@dataclass(frozen=True)
class Figure:
    """How many recordings are on a list, counted up to a limit, and where the list is."""

    kind: Kind
    count: int
    address: str
    also: Figure | None = None

    @property
    def shown(self) -> str:
        return capped(self.count)

    @property
    def word(self) -> str:
        return self.kind.title.lower()

    @property
    def tone(self) -> str:
        return self.kind.tone if self.count else ""


def figures(
    kinds: Iterable[Kind], rows: QuerySet[Recording], of: Chosen, address: Callable[[str], str]
) -> list[Figure]:
    """Count each list; ``address`` leads from its key to where it is."""
    return [
        Figure(
            kind,
            count_capped([Chosen(kind.key, of.since, of.until, of.queue_name).of(rows)]),
            address(kind.key),
        )
        for kind in kinds
    ]
