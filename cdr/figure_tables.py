"""Sums of what happened, by queue and by agent: of every quarter-hour, and of each day of its zone."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from accounts.tenancy import Actor, TenantModel


class Span(models.TextChoices):
    QUARTER = "quarter", "Quarter-hour"
    DAY = "day", "Day"


class Figures(TenantModel):
    """One stretch of one queue's or agent's time; ``begins_at`` is in it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    span = models.CharField(max_length=8, choices=Span.choices)
    begins_at = models.DateTimeField()

    class Meta:
        abstract = True


class QueueFigures(Figures):
    """What became of the callers who joined a queue in this time; milliseconds are theirs, added up.

    ``within_20`` waited 20 seconds at most until the answer, ``short_5`` hung up before 5 seconds were over.
    """

    queue_name = models.CharField(max_length=255)
    offered = models.IntegerField(default=0)
    answered = models.IntegerField(default=0)
    hung_up = models.IntegerField(default=0)
    timed_out = models.IntegerField(default=0)
    no_agent = models.IntegerField(default=0)
    exited = models.IntegerField(default=0)
    lost = models.IntegerField(default=0)
    wait_ms = models.BigIntegerField(default=0)
    answer_wait_ms = models.BigIntegerField(default=0)
    longest_wait_ms = models.BigIntegerField(default=0)
    talk_ms = models.BigIntegerField(default=0)
    hold_ms = models.BigIntegerField(default=0)
    wrap_up_ms = models.BigIntegerField(default=0)
    within_5 = models.IntegerField(default=0)
    within_10 = models.IntegerField(default=0)
    within_15 = models.IntegerField(default=0)
    within_20 = models.IntegerField(default=0)
    within_25 = models.IntegerField(default=0)
    within_30 = models.IntegerField(default=0)
    within_40 = models.IntegerField(default=0)
    within_45 = models.IntegerField(default=0)
    within_60 = models.IntegerField(default=0)
    within_90 = models.IntegerField(default=0)
    within_120 = models.IntegerField(default=0)
    within_180 = models.IntegerField(default=0)
    within_300 = models.IntegerField(default=0)
    short_2 = models.IntegerField(default=0)
    short_3 = models.IntegerField(default=0)
    short_5 = models.IntegerField(default=0)
    short_10 = models.IntegerField(default=0)
    short_15 = models.IntegerField(default=0)
    short_20 = models.IntegerField(default=0)
    short_30 = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "span", "begins_at", "queue_name"], name="queuefigures_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.queue_name} {self.begins_at:%Y-%m-%d %H:%M}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(queue_name__in=actor.team_queues)


class AgentFigures(Figures):
    """An agent's offers that were made in this time, and the milliseconds of it spent in each way."""

    agent_name = models.CharField(max_length=255)
    offered = models.IntegerField(default=0)
    answered = models.IntegerField(default=0)
    missed = models.IntegerField(default=0)
    withdrawn = models.IntegerField(default=0)
    transferred = models.IntegerField(default=0)
    talk_ms = models.BigIntegerField(default=0)
    hold_ms = models.BigIntegerField(default=0)
    wrap_up_ms = models.BigIntegerField(default=0)
    login_ms = models.BigIntegerField(default=0)
    break_ms = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "span", "begins_at", "agent_name"], name="agentfigures_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.agent_name} {self.begins_at:%Y-%m-%d %H:%M}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(agent_name__in=actor.agent_names)


class FiguresMark(TenantModel):
    """In which zone an account's days are added up, and whether all are; locked while figures are rebuilt."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="+")
    zone = models.CharField(max_length=64)
    complete = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.account_id} in {self.zone}"


class StatisticsCheck(TenantModel):
    """What came of counting the rows of some days again: how many sums were compared, how many mended."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    checked_at = models.DateTimeField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    compared = models.PositiveIntegerField()
    repaired = models.PositiveIntegerField()

    class Meta:
        ordering = ["-checked_at"]
        indexes = [models.Index(fields=["account", "-checked_at"], name="statisticscheck_account")]

    def __str__(self) -> str:
        return f"{self.compared} compared, {self.repaired} repaired"

    @classmethod
    def newest(cls, checks: models.QuerySet[StatisticsCheck]) -> StatisticsCheck | None:
        return checks.order_by("-checked_at").first()
