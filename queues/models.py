"""Queues, agents and tiers as the switch names them, what it is told of them, and what agents did."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Switch, SwitchKind, Team, User
from accounts.tenancy import Actor, TenantModel, TenantQuerySet
from queues import live_rows  # noqa: F401 - models of this app
from queues.configuration import AgentParameters, QueueParameters, TierParameters
from queues.thresholds import SERVICE_LEVEL_CHOICES, SHORT_ABANDON_CHOICES
from queues.validators import domains_in, validate_module_settings, validate_switch_name
from switch.commands import AgentStatus

ORDERS_WAIT_FOR = timedelta(days=1)
MOST_NAMESAKES = 50


class Served(TenantModel):
    """A queue or agent that switches are told of once somebody takes it over; until then it was only seen."""

    managed = models.BooleanField(
        "managed here",
        default=False,
        db_index=True,
        help_text="Served to the switch and kept equal there; off, the switch's own configuration stands",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Queue(QueueParameters, Served):
    """A queue by the switch's name for it (``3000@default``); seen queues are entered by themselves.

    ``record`` has its callers recorded from an agent's answer on; ``record_parameters`` says how.
    Without ``switches`` every switch that serves the account has a managed queue.
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

    switches = models.ManyToManyField(
        Switch,
        blank=True,
        related_name="queues",
        help_text="Where callers wait; empty for every switch of the account",
    )
    service_level_seconds = models.PositiveSmallIntegerField(
        "service level within",
        default=20,
        choices=SERVICE_LEVEL_CHOICES,
        help_text="A caller answered within this time was answered in time",
    )
    short_abandon_seconds = models.PositiveSmallIntegerField(
        "short abandon",
        default=5,
        choices=SHORT_ABANDON_CHOICES,
        help_text="A caller who hung up before this time is counted apart, and not in the service level",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="queue_unique_name"),
            models.CheckConstraint(
                condition=Q(service_level_seconds__in=[seconds for seconds, _ in SERVICE_LEVEL_CHOICES]),
                name="queue_service_level_seconds",
            ),
            models.CheckConstraint(
                condition=Q(short_abandon_seconds__in=[seconds for seconds, _ in SHORT_ABANDON_CHOICES]),
                name="queue_short_abandon_seconds",
            ),
        ]
        indexes = [models.Index("account", models.F("created_at").desc(), name="queue_account_created")]

    def __str__(self) -> str:
        return self.label or self.name

    def clean(self) -> None:
        check_name_to_serve(self)

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(name__in=actor.team_queues)


class Agent(AgentParameters, Served):
    """Someone who takes callers from queues, by the switch's name; seen agents are entered by themselves.

    ``desired_status`` is what was last asked for here; what holds is what the switch says.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="agents")
    name = models.CharField(max_length=255)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="agents")
    label = models.CharField(max_length=128, blank=True)
    desired_status = models.CharField(
        max_length=32,
        blank=True,
        editable=False,
        choices=[(status.value, status.value) for status in AgentStatus],
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="agent_unique_name")]
        indexes = [models.Index("account", models.F("created_at").desc(), name="agent_account_created")]

    def __str__(self) -> str:
        return self.label or self.name

    def clean(self) -> None:
        check_name_to_serve(self)
        if self.managed and not self.contact:
            raise ValidationError({"contact": ValidationError("Say whom to ring.", code="required")})
        check_contact(self)

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(name__in=actor.agent_names) | Q(user__in=actor.team_users)


class Tier(TierParameters, TenantModel):
    """An agent's place in a queue."""

    account_path = "queue__account"

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="tiers")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="tiers")

    class Meta:
        ordering = ["queue", "level", "position", "agent"]
        constraints = [models.UniqueConstraint(fields=["queue", "agent"], name="tier_unique_agent")]

    def __str__(self) -> str:
        return f"{self.agent} in {self.queue}"

    def clean(self) -> None:
        if None not in (self.queue_id, self.agent_id) and self.queue.account_id != self.agent.account_id:
            raise ValidationError({"agent": "Choose an agent of the queue's account."})

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(queue__name__in=actor.team_queues)


class QueueServerQuerySet(TenantQuerySet["QueueServer"]):
    def serving(self, account: Account) -> QueueServerQuerySet:
        """The switches that are given queues of this account."""
        above = [key for key in account.tree_path.split("/") if key]
        return self.filter(
            Q(switch__account=None) | Q(switch__account__in=above),
            serves_queues=True,
            switch__enabled=True,
            switch__kind=SwitchKind.FREESWITCH,
        ).select_related("switch__account")


class QueueServer(TenantModel):
    """A FreeSWITCH that is given queues, and directory entries if wanted; its secret is kept as a hash."""

    account_path = "switch__account"

    switch = models.OneToOneField(Switch, on_delete=models.CASCADE, related_name="queue_server")
    serves_queues = models.BooleanField(
        default=True, help_text="Whether it is given managed queues, and changes are sent to it"
    )
    serves_directory = models.BooleanField(
        default=False, help_text="Whether it may ask for the devices of its accounts"
    )
    context = models.CharField(
        "dialplan context", max_length=64, default="default", validators=[validate_switch_name]
    )
    settings = models.JSONField(
        "module settings",
        default=dict,
        blank=True,
        validators=[validate_module_settings],
        help_text='Of mod_callcenter itself, such as {"dbname": "/dev/shm/callcenter.db"}',
    )
    key_hash = models.CharField(max_length=64, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)
    compared_at = models.DateTimeField(null=True, editable=False)
    complaint = models.CharField(max_length=255, blank=True, editable=False)

    objects = QueueServerQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["switch__name"]

    def __str__(self) -> str:
        return f"Queues of {self.switch}"

    def may_have(self, account: Account) -> bool:
        """Whether the account's queues can be on this switch."""
        owner = self.switch.account
        return owner is None or account.tree_path.startswith(owner.tree_path)


def check_name_to_serve(row: Queue | Agent) -> None:
    """Refuse to serve what a switch could not be told of, or has for another account already."""
    if not row.managed:
        return
    try:
        validate_switch_name(row.name)
    except ValidationError as error:
        raise ValidationError({"name": error}) from None
    servers = list(QueueServer.objects.serving(row.account))
    others = type(row)._default_manager.filter(name=row.name).exclude(account=row.account)
    for other in others.select_related("account")[:MOST_NAMESAKES]:
        if any(server.may_have(other.account) for server in servers):
            taken = ValidationError("A switch has this name for another account.", code="unique")
            raise ValidationError({"name": taken})


def check_contact(agent: Agent) -> None:
    """Refuse to ring the phones of another account's realm."""
    realms = domains_in(agent.contact)
    line = [key for key in agent.account.tree_path.split("/") if key]
    foreign = Account.objects.filter(realm__in=realms).exclude(pk__in=line)
    if foreign.exclude(tree_path__startswith=agent.account.tree_path).exists():
        raise ValidationError(
            {"contact": ValidationError("These are another account's phones.", code="contact")}
        )


def orders_end() -> datetime:
    return timezone.now() + ORDERS_WAIT_FOR


class SwitchOrder(TenantModel):
    """A command that a switch's listener gives soon, in the order of ``number``; the switch's answer is kept.

    One that waits may have been given already by a listener that was lost: giving it twice changes nothing.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Refused"
        EXPIRED = "expired", "Not given in time"

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)
    arguments = models.JSONField(default=list)
    asked_by = models.CharField(max_length=255, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=orders_end)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["switch", "number"]
        constraints = [models.UniqueConstraint(fields=["switch", "number"], name="switchorder_unique_number")]
        indexes = [
            models.Index(
                fields=["switch", "number"], condition=Q(state="waiting"), name="switchorder_waiting"
            ),
            models.Index("account", models.F("asked_at").desc(), name="switchorder_account_at"),
            models.Index(fields=["asked_at"], name="switchorder_at"),
        ]

    def __str__(self) -> str:
        return " ".join([self.kind, *map(str, self.arguments)])

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(kind="set_agent_status", arguments__0__in=list(actor.agent_names))


class Difference(TenantModel):
    """What a switch has otherwise than it should, as last compared."""

    class Kind(models.TextChoices):
        QUEUE = "queue", "Queue"
        AGENT = "agent", "Agent"
        TIER = "tier", "Tier"

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="differences")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=255)
    agent_name = models.CharField(max_length=255, blank=True)
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "name", "agent_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["switch", "kind", "name", "agent_name"], name="difference_unique_thing"
            )
        ]
        indexes = [models.Index(fields=["account", "kind", "name"], name="difference_account")]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.name, self.agent_name]))


class AgentChange(TenantModel):
    """An agent's status or state from a moment on; ``account`` is null until the agent's name is known.

    ``asked_by`` says who had it set from the portal or the API.
    """

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
    asked_by = models.CharField(max_length=255, blank=True)

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
