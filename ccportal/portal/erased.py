"""Erasures as people read them: how far one is, what went, what stayed and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line
from recordings.erasure.models import Erasure, Phase

GOES_ON = Mark("Being erased", "talk")
IS_DONE = Mark("Erased", "good")
KEPT_SOME = Mark("Some stayed", "warn")
WHY = {
    "calls on hold": "A legal hold keeps them. Release it and erase the number again.",
    "recordings on hold": "A legal hold keeps them. Release it and erase the number again.",
    "files in a switch's folder that no recording knows": "They are the switch's own. See Orphans.",
}


@dataclass(frozen=True)
class Erased:
    """One erasure; the number is known by its last digits only."""

    key: str
    ending: str
    mark: Mark
    doing: str
    trouble: str
    asked: Moment
    asked_by: str
    finished: Moment
    went: list[tuple[str, int]]
    stayed: list[tuple[str, int, str]]
    elsewhere: list[tuple[str, int]]
    number_key: str

    @property
    def is_done(self) -> bool:
        return self.mark != GOES_ON


def erased(row: Erasure, clock: Clock) -> Erased:
    mark = (KEPT_SOME if row.stayed else IS_DONE) if row.is_done else GOES_ON
    return Erased(
        key=row.pk.hex,
        ending=row.ending,
        mark=mark,
        doing="" if row.is_done else str(Phase(row.phase).label),
        trouble=on_one_line(row.trouble),
        asked=clock.at(row.asked_at),
        asked_by=on_one_line(row.asked_by),
        finished=clock.at(row.finished_at),
        went=sorted((name, count) for name, count in row.counts.items() if count),
        stayed=[(name, count, WHY.get(name, "")) for name, count in sorted(row.stayed.items())],
        elsewhere=sorted(row.elsewhere.items()),
        number_key=row.key,
    )


def report_of(row: Erased, account: str) -> Iterator[str]:
    """The report as lines of plain text, without the number."""
    yield f"Erasure of a number ending in {row.ending}"
    yield f"Account: {account}"
    yield f"Asked: {row.asked.title} by {row.asked_by}"
    yield f"Finished: {row.finished.title or 'not yet'}"
    yield f"Keyed hash of the number: {row.number_key}"
    yield from section("What went", [f"{name}: {count}" for name, count in row.went])
    stayed = [f"{name}: {count}. {why}".strip() for name, count, why in row.stayed]
    yield from section("What stayed, and why", stayed)
    sent = [f"{host}: {count}" for host, count in row.elsewhere]
    yield from section("What had been sent to other places before, and only they can erase", sent)


def section(title: str, lines: list[str]) -> Iterator[str]:
    yield from ("", title)
    yield from (f"  {line}" for line in lines or ["nothing"])
