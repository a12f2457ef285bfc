"""What mod_callcenter knows of a queue and of an agent: names, meanings and defaults are the module's own."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from queues.validators import validate_contact, validate_record_template, validate_sound

LONGEST_SECONDS = 86_400
MOST_LEVELS = 1_000
UP_TO_A_DAY = [MaxValueValidator(LONGEST_SECONDS)]


class Strategy(models.TextChoices):
    LONGEST_IDLE = "longest-idle-agent", "Longest idle agent"
    ROUND_ROBIN = "round-robin", "Round robin"
    TOP_DOWN = "top-down", "Top down"
    LEAST_TALK = "agent-with-least-talk-time", "Agent with least talk time"
    FEWEST_CALLS = "agent-with-fewest-calls", "Agent with fewest calls"
    IN_ORDER = "sequentially-by-agent-order", "By level and position"
    RANDOM = "random", "Random"
    RING_ALL = "ring-all", "Ring all"
    RING_PROGRESSIVELY = "ring-progressively", "Ring progressively"


class ScoreFrom(models.TextChoices):
    QUEUE = "queue", "Joining the queue"
    SYSTEM = "system", "Entering the switch"


class NoAnswerStatus(models.TextChoices):
    ON_BREAK = "On Break", "On Break"
    LOGGED_OUT = "Logged Out", "Logged Out"
    AVAILABLE = "Available", "Available"
    ON_DEMAND = "Available (On Demand)", "Available (On Demand)"


class AgentType(models.TextChoices):
    CALLBACK = "callback", "Is called (callback)"
    STANDBY = "uuid-standby", "Stays on the line (uuid-standby)"


def seconds(name: str, default: int, meaning: str) -> Any:
    return models.PositiveIntegerField(name, default=default, validators=UP_TO_A_DAY, help_text=meaning)


class QueueParameters(models.Model):
    """The parameters of a queue; a field is called as mod_callcenter's parameter, with ``_`` for ``-``."""

    strategy = models.CharField(
        max_length=32, choices=Strategy, default=Strategy.LONGEST_IDLE, help_text="Who is rung first"
    )
    moh_sound = models.CharField(
        "music on hold",
        max_length=255,
        blank=True,
        validators=[validate_sound],
        help_text="Heard while waiting, such as local_stream://moh; empty for what the dialplan chose",
    )
    announce_sound = models.CharField(
        "announcement",
        max_length=255,
        blank=True,
        validators=[validate_sound],
        help_text="Played to waiting callers again and again",
    )
    announce_frequency = seconds("announcement every", 0, "Seconds between two announcements; 0 for none")
    record_template = models.CharField(
        max_length=255,
        blank=True,
        validators=[validate_record_template],
        help_text="File the switch itself records answered callers to; leave it empty for a recording policy",
    )
    time_base_score = models.CharField(
        "waiting counts from",
        max_length=8,
        choices=ScoreFrom,
        default=ScoreFrom.QUEUE,
        help_text="Callers who waited longest come first: since joining the queue, or entering the switch",
    )
    ring_progressively_delay = seconds(
        "ring the next after",
        0,
        "Seconds before one more agent rings as well, with “Ring progressively”; 0 for 10 seconds",
    )
    max_wait_time = seconds("longest wait", 0, "Seconds after which a caller leaves the queue; 0 for never")
    max_wait_time_with_no_agent = seconds(
        "longest wait without agents",
        0,
        "Seconds after which callers leave while no agent is logged in; 0 for never",
    )
    max_wait_time_with_no_agent_time_reached = seconds(
        "grace for new callers without agents",
        5,
        "Seconds that a new caller waits once the queue has been without agents for that long",
    )
    tier_rules_apply = models.BooleanField(
        default=False, help_text="Whether callers wait before agents of a higher level are rung"
    )
    tier_rule_wait_second = seconds("wait per level", 0, "Seconds before the next level is rung")
    tier_rule_wait_multiply_level = models.BooleanField(
        "multiply the wait by the level",
        default=False,
        help_text="Level 3 is rung after three times the wait",
    )
    tier_rule_no_agent_no_wait = models.BooleanField(
        "skip levels without agents",
        default=True,
        help_text="No wait for a level where nobody is logged in",
    )
    discard_abandoned_after = seconds(
        "forget abandoned callers after", 60, "Seconds for which a caller who hung up can come back"
    )
    abandoned_resume_allowed = models.BooleanField(
        "callers may resume",
        default=False,
        help_text="Who calls again in that time gets the old place in the queue",
    )
    agent_no_answer_status = models.CharField(
        "status after too many calls not answered",
        max_length=32,
        choices=NoAnswerStatus,
        default=NoAnswerStatus.ON_BREAK,
    )
    skip_agents_with_external_calls = models.BooleanField(
        "leave agents on other calls alone", default=True, help_text="As far as the switch knows of those"
    )

    class Meta:
        abstract = True


class AgentParameters(models.Model):
    """The parameters of an agent; status is not among them: agents choose it, and no configuration does."""

    type = models.CharField(max_length=16, choices=AgentType, default=AgentType.CALLBACK)
    contact = models.CharField(
        max_length=1000,
        blank=True,
        validators=[validate_contact],
        help_text="Whom to ring, such as [leg_timeout=15]user/1001@example.com",
    )
    max_no_answer = models.PositiveIntegerField(
        "calls not answered in a row",
        default=3,
        validators=[MaxValueValidator(10_000)],
        help_text="After so many the queue's status for that is set; 0 for never",
    )
    wrap_up_time = seconds("wrap-up", 10, "Seconds of rest after a call")
    reject_delay_time = seconds(
        "rest after rejecting", 10, "Seconds before an agent who refused is rung again"
    )
    busy_delay_time = seconds("rest after busy", 60, "Seconds before an agent who was busy is rung again")
    no_answer_delay_time = seconds(
        "rest after no answer", 0, "Seconds before an agent who did not answer is rung again"
    )

    class Meta:
        abstract = True


class TierParameters(models.Model):
    """Where an agent stands in a queue: lower levels are rung first, and within one lower positions."""

    level = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_LEVELS)]
    )
    position = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )

    class Meta:
        abstract = True
