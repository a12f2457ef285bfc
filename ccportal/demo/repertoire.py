"""Which captured calls are told again, how often, and by whom."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from ccportal.demo.cast import Cast, captured_words, choose_extra_seconds
from ccportal.demo.tenants import TENANTS
from switch.esl.captures import capture_name, load_capture
from switch.esl.rejuvenate import NewEvent, Rejuvenator
from switch.esl.subscription import WHAT_MATTERS

CAPTURES: Final = settings.BASE_DIR / "tests" / "data" / "freeswitch"
AUDIO: Final = CAPTURES / "audio"
HOW_OFTEN: Final = {
    "queue_answered": 300,
    "queue_answered_esl_record": 140,
    "queue_answered_mp3": 20,
    "queue_abandoned": 60,
    "queue_abandoned_ringing": 50,
    "queue_abandoned_resume": 15,
    "queue_busy_then_second": 40,
    "queue_noanswer_then_second": 60,
    "queue_max_no_answer": 10,
    "queue_hold": 60,
    "queue_blind_transfer": 30,
    "queue_blind_transfer_noroute": 5,
    "queue_requeue": 30,
    "queue_timeout": 25,
    "queue_no_agent_timeout": 15,
    "onnet_offnet": 120,
    "onnet_onnet_recorded": 50,
    "offnet_onnet_mask": 20,
    "offnet_onnet_record_both": 20,
    "hold_unhold": 40,
    "attended_transfer": 25,
    "blind_transfer_api": 20,
    "rec_answer_req": 25,
    "rec_app": 20,
    "rec_min_sec": 6,
    "rec_limit": 5,
    "rec_dir_gone": 2,
    "conference_rec": 6,
    "fail_busy": 15,
    "fail_caller_cancel": 25,
    "fail_not_registered": 6,
    "fail_unallocated": 8,
    "fail_no_route": 4,
}
TOLD: Final = frozenset(WHAT_MATTERS.events) | {"CUSTOM"}
RECORDING_EVENTS: Final = frozenset({"RECORD_START", "RECORD_STOP", "MEDIA_BUG_START", "MEDIA_BUG_STOP"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """A captured call that can be told again."""

    name: str
    words: tuple[str, ...]
    call: Rejuvenator


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are told: typical talks and waits in seconds, and which events."""

    talk: float
    wait: float
    only: frozenset[str] | None = None


def load_scenario(path: Path) -> Scenario:
    """Read a capture and make it ready to be told again."""
    events = load_capture(path)
    words = captured_words(events)
    return Scenario(capture_name(path), tuple(words), Rejuvenator(events, words, names=TOLD))


class Repertoire:
    """Makes calls, each by its own seed: the same number always gives the same call."""

    def __init__(self, files: Sequence[Path] = (), core: str = "") -> None:
        paths = files or [CAPTURES / f"{name}.jsonl.gz" for name in HOW_OFTEN]
        self.scenarios = [load_scenario(path) for path in paths]
        self._weights = [HOW_OFTEN.get(scenario.name, 10) for scenario in self.scenarios]
        self._casts = [Cast(tenant) for tenant in TENANTS]
        self._core = core
        self._sequence = 1

    def call(self, seed: int | str, at: int, manner: Manner, tenant: int | None = None) -> list[NewEvent]:
        """Tell a call that began at a moment (microseconds since the epoch)."""
        chance = random.Random(seed)  # noqa: S311 - nothing secret
        scenario = chance.choices(self.scenarios, self._weights)[0]
        cast = self._casts[tenant] if tenant is not None else chance.choice(self._casts)
        events = scenario.call.call(
            at,
            seed=chance.getrandbits(64),
            core=self._core,
            first_sequence=self._sequence,
            renaming=cast.choose(chance, scenario.words),
            extra_seconds=choose_extra_seconds(chance, scenario.call.waits, manner.talk, manner.wait),
            only=manner.only,
        )
        self._sequence += scenario.call.sequences
        return events
