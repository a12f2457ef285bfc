"""Who waits and what agents do at this moment: small rows that the listener keeps as its switch has them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account, Switch
from accounts.tenancy import Actor, TenantModel


class WaitingCaller(TenantModel):
    """Someone who waits in a queue now; ``ringing`` names the agents that are being asked."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    queue_name = models.CharField(max_length=255)
    member_uuid = models.CharField(max_length=255)
    session_uuid = models.CharField(max_length=255)
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)
    joined_at = models.DateTimeField()
    ringing = models.JSONField(default=list)

    class Meta:
        ordering = ["joined_at", "id"]
        indexes = [models.Index(fields=["account", "queue_name", "joined_at"], name="waiting_account_queue")]

    def __str__(self) -> str:
        return f"{self.caller_number} in {self.queue_name}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(queue_name__in=actor.team_queues)


class AgentNow(TenantModel):
    """An agent's status and state now; the caller is the one they talk to, ``queues`` those they serve."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    agent_name = models.CharField(max_length=255)
    status = models.CharField(max_length=64, blank=True)
    status_since = models.DateTimeField(null=True)
    state = models.CharField(max_length=64, blank=True)
    state_since = models.DateTimeField(null=True)
    wrap_up_until = models.DateTimeField(null=True)
    queues = models.JSONField(default=list)
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["agent_name", "id"]
        constraints = [models.UniqueConstraint(fields=["switch", "agent_name"], name="agentnow_unique_name")]
        indexes = [models.Index(fields=["account", "agent_name"], name="agentnow_account_agent")]

    def __str__(self) -> str:
        return f"{self.agent_name} {self.status} {self.state}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(agent_name__in=actor.agent_names)


class LiveMark(models.Model):
    """Rises whenever something live of an account changes, so that who watches need not look at it all."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="+")
    version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.account_id} at {self.version}"


class LiveSwitch(models.Model):
    """How far the live rows of a switch can be believed: ``seen_at`` is when a listener last kept them."""

    switch = models.OneToOneField(Switch, primary_key=True, on_delete=models.CASCADE, related_name="live")
    connected = models.BooleanField(default=False)
    seen_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.switch_id} {'connected' if self.connected else 'not connected'}"
