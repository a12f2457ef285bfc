"""What a switch says that it has, compared with what it should have; and both ways to make them equal."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Switch
from queues.models import Agent, Difference, Queue, QueueServer, Tier
from queues.orders import place
from queues.push import Released, steps_between
from queues.wanted import AGENT_VALUES, PARAMETERS, TIER_VALUES, accounts_of, field_of, wanted
from switch.callcenter_conf import Configuration, Values

MOST_DIFFERENCES: Final = 2000
NOT_LISTED: Final = ("announce-sound", "announce-frequency")
Rows = Iterable[Mapping[str, Any]]
Key = tuple[str, str, str]
Pair = tuple[Values | None, Values | None]


def as_listed(queues: Rows, agents: Rows, tiers: Rows) -> Configuration:
    """A switch's own lists, as it answers in JSON."""
    return Configuration(
        queues={str(row.get("name")): listed_values(row, PARAMETERS) for row in queues},
        agents={str(row.get("name")): listed_values(row, AGENT_VALUES) for row in agents},
        tiers={
            (str(row.get("queue")), str(row.get("agent"))): listed_values(row, TIER_VALUES) for row in tiers
        },
    )


def listed_values(row: Mapping[str, Any], names: Iterable[str]) -> Values:
    """Those of the values that the list has; nothing is an empty text."""
    told = {name: row[field_of(name)] for name in names if field_of(name) in row}
    return {name: "" if value is None else str(value) for name, value in told.items()}


def compare(server: QueueServer, theirs: Configuration) -> int:
    """Keep how a switch differs now in place of how it did; return in how many things."""
    found = list(differences(server, wanted(server), theirs))[:MOST_DIFFERENCES]
    keys = {(row.kind, row.name, row.agent_name): row for row in found}
    with transaction.atomic():
        for old in Difference.objects.filter(switch=server.switch):
            new = keys.get((old.kind, old.name, old.agent_name))
            if new is None or (new.ours, new.theirs, new.account_id) != (
                old.ours,
                old.theirs,
                old.account_id,
            ):
                old.delete()
            else:
                del keys[old.kind, old.name, old.agent_name]
        Difference.objects.bulk_create(keys.values())
        QueueServer.objects.filter(pk=server.pk).update(compared_at=timezone.now(), complaint="")
    return len(found)


def differences(server: QueueServer, ours: Configuration, theirs: Configuration) -> Iterator[Difference]:
    owners = Owners(server.switch)
    now = timezone.now()
    for (kind, name, agent_name), (our, their) in unequal(ours, theirs):
        account = owners.of(kind, name)
        yield Difference(
            account_id=account,
            switch=server.switch,
            kind=kind,
            name=name[:255],
            agent_name=agent_name[:255],
            ours=our,
            theirs=their,
            seen_at=now,
        )


def unequal(ours: Configuration, theirs: Configuration) -> Iterator[tuple[Key, Pair]]:
    """What is not the same on both sides; of tiers only those between a queue and an agent of ours."""
    for kind, our, their in (("queue", ours.queues, theirs.queues), ("agent", ours.agents, theirs.agents)):
        for name in sorted(our.keys() | their.keys()):
            if not same(our.get(name), their.get(name)):
                yield (kind, name, ""), (our.get(name), their.get(name))
    for queue, agent in sorted(ours.tiers.keys() | theirs.tiers.keys()):
        pair = ours.tiers.get((queue, agent)), theirs.tiers.get((queue, agent))
        if queue in ours.queues and agent in ours.agents and not same(*pair):
            yield ("tier", queue, agent), pair


def same(ours: Values | None, theirs: Values | None) -> bool:
    """Whether the switch has our values, as far as its list tells them."""
    if ours is None or theirs is None:
        return ours is theirs
    return all(
        as_known(name, theirs[name]) == ours.get(name, "") for name in theirs if name not in NOT_LISTED
    )


def as_known(name: str, value: str) -> str:
    return value.lower() if value.lower() in ("true", "false") else value


class Owners:
    """Whose a name on a switch is: the account that has it, else the switch's own."""

    def __init__(self, switch: Switch) -> None:
        self._default = switch.account_id
        accounts = accounts_of(switch)
        self._queues = dict(Queue.objects.filter(account__in=accounts).values_list("name", "account"))
        self._agents = dict(Agent.objects.filter(account__in=accounts).values_list("name", "account"))

    def of(self, kind: str, name: str) -> uuid.UUID | None:
        names = self._agents if kind == Difference.Kind.AGENT else self._queues
        return names.get(name, self._default)


@dataclass(frozen=True)
class Sides:
    """One difference as two configurations."""

    ours: Configuration
    theirs: Configuration


def sides_of(difference: Difference) -> Sides:
    return Sides(one_of(difference, difference.ours), one_of(difference, difference.theirs))


def one_of(difference: Difference, values: Values | None) -> Configuration:
    found = Configuration()
    if values is None:
        return found
    match difference.kind:
        case Difference.Kind.QUEUE:
            found.queues[difference.name] = values
        case Difference.Kind.AGENT:
            found.agents[difference.name] = values
        case _:
            found.tiers[difference.name, difference.agent_name] = values
    return found


def give_ours(difference: Difference, asked_by: str = "") -> bool:
    """Have the switch brought to what stands here; what is only there and not ours stays."""
    if difference.ours is None and difference.kind != Difference.Kind.TIER:
        return False
    sides = sides_of(difference)
    steps = steps_between(sides.theirs, sides.ours, Released())
    place(difference.switch, steps, difference.account, asked_by)
    return True


def take_theirs(difference: Difference) -> None:
    """Write here what the switch has; ValidationError for what cannot stand here."""
    if difference.account is None:
        raise ValidationError("Nobody knows whose this is: add it to an account first.")
    with transaction.atomic():
        match difference.kind:
            case Difference.Kind.QUEUE:
                take(Queue, difference.account, difference.name, difference.theirs)
            case Difference.Kind.AGENT:
                take(Agent, difference.account, difference.name, difference.theirs)
            case _:
                take_tier(difference, difference.account)
        difference.delete()


def take(model: type[Queue] | type[Agent], account: Account, name: str, values: Values | None) -> None:
    """Bring a row to the values of the switch, and serve it from now on; one that is gone there is let go."""
    row: Any = model._default_manager.filter(account=account, name=name).first()
    row = row or model(account=account, name=name)
    row.managed = values is not None
    for key, value in (values or {}).items():
        setattr(row, field_of(key), from_text(as_known(key, value)))
    row.full_clean()
    row.save()


def from_text(value: str) -> Any:
    return {"true": True, "false": False}.get(value, value)


def take_tier(difference: Difference, account: Account) -> None:
    tiers = Tier.objects.filter(
        queue__account=account, queue__name=difference.name, agent__name=difference.agent_name
    )
    if difference.theirs is None:
        tiers.delete()
        return
    queue = Queue.objects.get(account=account, name=difference.name)
    agent = Agent.objects.get(account=account, name=difference.agent_name)
    tier = tiers.first() or Tier(queue=queue, agent=agent)
    tier.level, tier.position = int(difference.theirs["level"]), int(difference.theirs["position"])
    tier.full_clean()
    tier.save()
