"""Who takes part in a call that is told again: a seeded choice of a tenant's people, queues and callers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ccportal.demo.tenants import FIRST_NAMES, LAST_NAMES, DemoPerson, DemoQueue, DemoTenant
from switch.esl.captures import CapturedEvent
from switch.esl.tokens import Renaming
from switch.esl.waits import Wait

CAPTURED_WORD: Final = re.compile(
    rb"(?<![0-9A-Za-z])(0[0-9]{9,10}|10[0-9]{2}|510[0-9]{2}|300[0-9](?:@default)?)(?![0-9A-Za-z])"
)
UNKNOWN_DESTINATION: Final = "07099999999"
CALLERS_PER_TENANT: Final = 400
NAMED_CALLERS: Final = 0.6
LONGEST_TALK: Final = 1500
LONGEST_WAIT: Final = 180


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone outside; many have no name that the carrier tells."""

    number: str
    name: str


def captured_words(events: Iterable[CapturedEvent]) -> list[str]:
    """Return the numbers, extensions and queues that a capture speaks of."""
    found = {match.decode() for event in events for match in CAPTURED_WORD.findall(event.body)}
    return sorted(found)


def make_callers(tenant: DemoTenant) -> list[Caller]:
    """Return the tenant's callers, the same every time; those at the front call more often."""
    chance = random.Random(tenant.name)  # noqa: S311 - nothing secret
    callers: list[Caller] = []
    for _ in range(CALLERS_PER_TENANT):
        digits = 12 if tenant.country == "DE" else 11
        prefix = chance.choice(tenant.outside_prefixes)
        number = prefix + "".join(chance.choices("0123456789", k=digits - len(prefix)))
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        callers.append(Caller(number, name if chance.random() < NAMED_CALLERS else ""))
    return callers


class Cast:
    """Chooses the people of one tenant's calls."""

    def __init__(self, tenant: DemoTenant) -> None:
        self.tenant = tenant
        self._callers = make_callers(tenant)

    def choose(self, chance: random.Random, words: Sequence[str]) -> Renaming:
        """Give each captured number, extension and queue another: consistent within the call."""
        queues = chance.sample(self.tenant.queues, len(self.tenant.queues))
        team = self.tenant.team_of(queues[0]) or self.tenant.agents
        agents = chance.sample(team, len(team)) + [agent for agent in self.tenant.agents if agent not in team]
        chosen: dict[str, str] = {}
        names: dict[str, str] = {}
        extensions = [word for word in words if len(word) == 4 and word.startswith("10")]
        for word, agent in zip(extensions, agents, strict=False):
            chosen[word] = agent.extension
            names[word] = agent.name
        for word in words:
            if word.startswith("010"):
                caller = self._caller(chance)
                chosen[word], names[word] = caller.number, caller.name
            elif word not in chosen:
                chosen[word] = self._inside(word, queues, chosen, agents)
        return Renaming(chosen, {word: name for word, name in names.items() if name}, self.tenant.realm)

    def _caller(self, chance: random.Random) -> Caller:
        return self._callers[min(int(chance.expovariate(4 / CALLERS_PER_TENANT)), CALLERS_PER_TENANT - 1)]

    def _inside(
        self, word: str, queues: Sequence[DemoQueue], chosen: dict[str, str], agents: Sequence[DemoPerson]
    ) -> str:
        """Return what stands for a queue, a number that leads inside, or a recorded extension."""
        if word.endswith("@default"):
            return queues[int(word[3]) % len(queues)].name
        if word.startswith("510"):
            return "5" + chosen.get(word[1:], agents[-1].extension)
        if word == UNKNOWN_DESTINATION:
            return self.tenant.unowned_number
        if word.startswith(("07070061", "07070071")):
            return self.tenant.direct_prefix + chosen.get(word[-4:], agents[0].extension)
        return queues[int(word[3]) % len(queues) if len(word) == 4 else 0].number


def choose_extra_seconds(chance: random.Random, waits: Sequence[Wait], talk: float, wait: float) -> list[int]:
    """Return how much longer each quiet time lasts: talks about `talk` seconds, waits about `wait`."""
    extra: list[int] = []
    for quiet in waits:
        typical, longest = (talk, LONGEST_TALK) if quiet.talking else (wait, LONGEST_WAIT)
        extra.append(min(int(chance.lognormvariate(0.0, 0.8) * typical), longest))
    return extra
