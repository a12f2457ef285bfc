"""``/accounts/A/queues``: what mod_callcenter knows of a queue, and who serves it."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import models
from django.db.models import Model, Prefetch, QuerySet

from ccportal.api.attributes import Attribute, Resource, line, switch
from ccportal.api.columns import Column, Kind, by_name, flag, identifier, moment, text, whole
from ccportal.api.errors import Invalid
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.shapes import collection_of, item_of
from ccportal.api.writing import Document, ResourceDetail, ResourceList, ResourceView
from queues.models import Agent, Queue, Tier
from queues.push import pushed
from queues.wanted import AGENT_VALUES, PARAMETERS, field_of

TIERS: Final = "tiers"
MOST_TIERS: Final = 2000
TIER_SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["agent_id"],
    "properties": {
        "agent_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "agent_name": {"type": "string"},
        "level": {"type": "integer", "minimum": 1, "maximum": 1000},
        "position": {"type": "integer", "minimum": 1, "maximum": 100_000},
    },
}
TIERS_SCHEMA: Final = {"type": "array", "maxItems": MOST_TIERS, "items": TIER_SCHEMA}


def columns_of(model: type[Model], parameters: tuple[str, ...]) -> list[Column]:
    """Columns for parameters of the switch's, by their fields."""
    makers = {"BooleanField": flag, "PositiveIntegerField": whole}
    fields = [model._meta.get_field(field_of(name)) for name in parameters]
    return [
        makers.get(field.get_internal_type(), text)(field.name, field.name, about_of(field))
        for field in fields
    ]


def attributes_of(model: type[Model], parameters: tuple[str, ...]) -> list[Attribute]:
    """The same parameters as they are written."""
    return [attribute_of(model._meta.get_field(field_of(name))) for name in parameters]


def attribute_of(field: Any) -> Attribute:
    about = about_of(field)
    if field.choices:
        shape = {"type": "string", "enum": [value for value, _ in field.choices], "description": about}
        return Attribute(field.name, field.name, shape)
    match field.get_internal_type():
        case "BooleanField":
            return switch(field.name, field.name, about)
        case "PositiveIntegerField":
            limits = {"minimum": 0, "maximum": highest(field)}
            return Attribute(field.name, field.name, {"type": "integer", "description": about, **limits})
    return line(field.name, field.name, field.max_length, about)


def highest(field: models.Field[Any, Any]) -> int:
    limits = [getattr(validator, "limit_value", 0) for validator in field.validators]
    return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=86_400)


def about_of(field: Any) -> str:
    return str(field.help_text or field.verbose_name.capitalize())


def tiers_of(queue: Queue) -> list[Document]:
    return [
        {
            "agent_id": tier.agent_id.hex,
            "agent_name": tier.agent.name,
            "level": tier.level,
            "position": tier.position,
        }
        for tier in queue.tiers.all()
    ]


QUEUES = Resource(
    "Queue",
    Queue,
    (
        identifier("id", "id"),
        text("name", "name", "The switch's name of the queue"),
        text("label", "label"),
        flag("managed", "managed", "Whether switches are given it from here"),
        flag("record", "record"),
        *columns_of(Queue, PARAMETERS),
        Column(TIERS, Kind.LIST, tiers_of, about="Who serves it"),
        moment("created", "created_at"),
    ),
    (
        line("name", "name", 255, "The switch's name of the queue, such as 3000@default", required=True),
        line("label", "label", 128),
        switch("managed", "managed", "Serve it to the switches of the account and keep it equal there"),
        switch("record", "record", "Record callers from an agent's answer on"),
        *attributes_of(Queue, PARAMETERS),
        Attribute(TIERS, TIERS, TIERS_SCHEMA, write_only=True),
    ),
)
AGENTS = Resource(
    "Agent",
    Agent,
    (
        identifier("id", "id"),
        text("name", "name", "The switch's name of the agent"),
        text("label", "label"),
        flag("managed", "managed", "Whether switches are given it from here"),
        *columns_of(Agent, AGENT_VALUES),
        moment("created", "created_at"),
    ),
    (
        line("name", "name", 255, "The switch's name of the agent", required=True),
        line("label", "label", 128),
        switch("managed", "managed", "Serve it to the switches of the account and keep it equal there"),
        *attributes_of(Agent, AGENT_VALUES),
    ),
)


class Pushing(ResourceView):
    """Whatever is written here, the account's switches are told in the same transaction."""

    def store(self, row: Any, before: Document, document: Document, data: Document, *, new: bool) -> None:
        with pushed(row.account, self.actor.label if self.actor else ""):
            super().store(row, before, document, data, new=new)
            self.stored(row, data)

    def remove(self, row: Any) -> None:
        with pushed(row.account, self.actor.label if self.actor else ""):
            row.delete()

    def stored(self, row: Any, data: Document) -> None:
        """Write what hangs from the row."""


class Queues(Pushing):
    resource = QUEUES

    def with_policies(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        tiers = Tier.objects.select_related("agent").order_by("level", "position", "agent__name")
        return super().with_policies(rows).prefetch_related(Prefetch(TIERS, tiers))

    def permitted(self, row: Any, before: Document, after: Document, data: Document) -> Document:
        return {name: value for name, value in after.items() if name != TIERS}

    def stored(self, row: Queue, data: Document) -> None:
        """Put the agents that were sent into the queue, and take the others out."""
        if data.get(TIERS) is None:
            return
        told = {tier["agent_id"]: tier for tier in data[TIERS]}
        agents = self.visible(Agent).filter(account=row.account, pk__in=map(uuid.UUID, told))
        known = {agent.pk.hex: agent for agent in agents}
        for key in told.keys() - known.keys():
            raise Invalid.rule(TIERS, "enum", "There is no such agent in this account.", value=key)
        row.tiers.exclude(agent__in=known.values()).delete()
        for key, agent in known.items():
            places = {name: told[key].get(name, 1) for name in ("level", "position")}
            Tier.objects.update_or_create(queue=row, agent=agent, defaults=places)


class Agents(Pushing):
    resource = AGENTS


@collection_of(QUEUES)
class QueueList(Queues, ResourceList):
    columns = QUEUES.columns
    filters = Filters(by_name(QUEUES.columns))
    keyset = Keyset("created_at")
    file_name = "queues.csv"


@item_of(QUEUES)
class QueueDetail(Queues, ResourceDetail):
    """One queue, with who serves it."""


@collection_of(AGENTS)
class AgentList(Agents, ResourceList):
    columns = AGENTS.columns
    filters = Filters(by_name(AGENTS.columns))
    keyset = Keyset("created_at")
    file_name = "agents.csv"


@item_of(AGENTS)
class AgentDetail(Agents, ResourceDetail):
    """One agent."""
