"""Queues and agents as the switch names them, and what agents chose and did."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account, Switch, Team, User
from accounts.tenancy import Actor, TenantModel


class Queue(TenantModel):
    """A queue by the switch's name for it (``3000@default``); seen queues are entered by themselves.

    ``record`` has its callers recorded from an agent's answer on; ``record_parameters`` says how.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="queues")
    name = models.CharField(max_length=255)
    label = models.CharField(max_length=128, blank=True)
    teams = models.ManyToManyField(Team, blank=True, related_name="queues")
    record = models.BooleanField(
        "record calls", default=False, help_text="Record the caller's side from the moment an agent answers"
    )
    record_parameters = models.JSONField(
        "how to record",
        default=dict,
        blank=True,
        help_text='As in a recording policy, such as {"format": "wav", "time_limit": 600}; may be empty',
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="queue_unique_name")]

    def __str__(self) -> str:
        return self.label or self.name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(name__in=actor.team_queues)


class Agent(TenantModel):
    """Someone who takes callers from queues, by the switch's name; seen agents are entered by themselves."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="agents")
    name = models.CharField(max_length=255)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="agents")
    label = models.CharField(max_length=128, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="agent_unique_name")]

    def __str__(self) -> str:
        return self.label or self.name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(name__in=actor.agent_names) | Q(user__in=actor.team_users)


class AgentChange(TenantModel):
    """An agent's status or state from a moment on; ``account`` is null until the agent's name is known."""

    class Kind(models.TextChoices):
        STATUS = "status", "Status"
        STATE = "state", "State"
        CONTACT = "contact", "Contact"

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    agent_name = models.CharField(max_length=255)
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=255)

    class Meta:
        ordering = ["at"]
        indexes = [
            models.Index(fields=["account", "agent_name", "at"], name="agentchange_agent_at"),
            models.Index(fields=["switch", "agent_name"], name="agentchange_switch_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_name} {self.value}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(agent_name__in=actor.agent_names)
