"""What can be chosen in a menu."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ccportal.portal.period import PRESETS, Period
from ccportal.portal.wording import on_one_line


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    checked: bool
    tone: str = ""
    icon: str = ""


def named_options(labels: dict[str, str], chosen: Iterable[str]) -> list[Option]:
    """One option a name, those of the address too that nobody knows (any more)."""
    names = labels | {name: on_one_line(name) for name in chosen if name not in labels}
    return [Option(name, label, name in chosen) for name, label in names.items()]


def period_options(period: Period) -> list[Option]:
    return [Option(key, label, key == period.key) for key, label in PRESETS.items()]
