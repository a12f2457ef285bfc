"""What an Asterisk told of one conversation, by who told it, and what follows from that for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cdr.assembly.asterisk_queues import milliseconds
from switch import events as ev
from switch.asterisk.ids import order_of

HANGUP_EXTENSION = "h"
HANGUP_PLACES = (HANGUP_EXTENSION, "s")
JUST_NOW = 1_500_000
LAST_VERBS = ("ABANDON", "COMPLETEAGENT", "COMPLETECALLER")


@dataclass(slots=True)
class Told:
    """All that is known of one conversation, by who told it."""

    reports: list[ev.AgiReported] = field(default_factory=list)
    rows: list[ev.AsteriskCdr] = field(default_factory=list)
    lines: list[ev.QueueLogged] = field(default_factory=list)

    @property
    def root_id(self) -> str:
        """The channel that the conversation began with."""
        events: list[ev.AsteriskEvent] = [*self.reports, *self.rows, *self.lines]
        named = {event.linked_id for event in events if event.linked_id}
        known = {event.unique_id for event in events}
        return min(named & known or known, key=order_of)

    @property
    def own_rows(self) -> list[ev.AsteriskCdr]:
        """The first channel's rows that say something."""
        own = [row for row in self.rows if row.unique_id == self.root_id]
        return [row for row in own if row.destination != HANGUP_EXTENSION] or own

    @property
    def own_reports(self) -> list[ev.AgiReported]:
        return [report for report in self.reports if report.unique_id == self.root_id]

    def variable(self, *names: str) -> str:
        """What the latest session that knew one of the variables told."""
        for report in reversed(self.own_reports):
            for name in names:
                if value := report.variables.get(name):
                    return value
        return ""

    def longest(self, name: str) -> int:
        """The longest of a time that sessions told, in microseconds."""
        return max((milliseconds(report.variables, name) for report in self.own_reports), default=0)

    @property
    def ended(self) -> int:
        """The hangup: in ``h`` it is exact, but counts only near the CDR's whole second; 0 for none."""
        recorded = max((row.at for row in self.own_rows), default=0)
        hinted = min((at for report in self.own_reports if (at := _hangup(report))), default=0)
        close = abs(hinted - recorded) <= 2 * ev.MICROSECONDS
        return (hinted if hinted and (not recorded or close) else recorded) or _logged_end(self.lines)


def told_by(events: Iterable[ev.Event]) -> Told:
    """Sort the events by who told them, in the order of their moments."""
    told = Told()
    for event in sorted(events, key=lambda event: (event.at, event.core, event.sequence)):
        match event:
            case ev.AgiReported():
                told.reports.append(event)
            case ev.AsteriskCdr():
                told.rows.append(event)
            case ev.QueueLogged():
                told.lines.append(event)
    told.rows.sort(key=lambda row: (row.started, row.at, row.sequence))
    return told


def _hangup(report: ev.AgiReported) -> int:
    """When the channel ended, as its dialplan could read; 0 while it lives.

    After a Dial, the CDR that is read in ``h`` is a new one: it began with the hangup, just before.
    """
    told = report.variables
    if report.extension != HANGUP_EXTENSION and not _is_hangup_handler(report):
        return 0
    ended, begun = _microseconds(told.get("CDR(end,u)", "")), _microseconds(told.get("CDR(start,u)", ""))
    if ended:
        return ended
    is_new = told.get("CDR(dst)") in HANGUP_PLACES and report.at - begun <= JUST_NOW
    return begun if begun and is_new else report.at


def _is_hangup_handler(report: ev.AgiReported) -> bool:
    told = report.variables
    return report.extension == told.get("CDR(dst)") == "s" and told.get("HANGUPCAUSE", "0") != "0"


def _logged_end(lines: Sequence[ev.QueueLogged]) -> int:
    """The end of a call that only queue_log knows."""
    return max((line.at for line in lines if line.verb in LAST_VERBS), default=0)


def _microseconds(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return 0
    digits = fraction[:6] if fraction.isascii() and fraction.isdigit() else ""
    return int(seconds) * ev.MICROSECONDS + int(digits.ljust(6, "0") or 0)
