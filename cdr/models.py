"""What happened on the phone: conversations, their legs, queue visits and offers to agents."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Reverse

from accounts.models import Account, Device, Switch, User
from accounts.tenancy import Actor, TenantModel
from cdr.figure_tables import AgentFigures as AgentFigures
from cdr.figure_tables import FiguresMark as FiguresMark
from cdr.figure_tables import QueueFigures as QueueFigures
from cdr.figure_tables import StatisticsCheck as StatisticsCheck
from cdr.saved_views import DefaultView as DefaultView
from cdr.saved_views import SavedView as SavedView


class PlatformDirection(models.TextChoices):
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class CallDirection(models.TextChoices):
    """Direction as people mean it."""

    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"
    INTERNAL = "internal", "Internal"
    FORWARDED = "forwarded", "Inbound, forwarded"
    UNKNOWN = "unknown", "Unknown"


class Network(models.TextChoices):
    ONNET = "onnet", "On-net"
    OFFNET = "offnet", "Off-net"
    UNKNOWN = "unknown", "Unknown"


class Outcome(models.TextChoices):
    IN_PROGRESS = "in_progress", "In progress"
    ANSWERED = "answered", "Answered"
    ABANDONED = "abandoned", "Abandoned"
    TIMED_OUT = "timed_out", "Timed out"
    NO_AGENT = "no_agent", "No agent"
    EXITED = "exited", "Left by key"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    CANCELLED = "cancelled", "Cancelled"
    CONGESTION = "congestion", "Congestion"
    UNAVAILABLE = "unavailable", "Unavailable"
    FAILED = "failed", "Failed"


class OfferOutcome(models.TextChoices):
    RINGING = "ringing", "Ringing"
    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"


class Call(TenantModel):
    """One conversation, as people read it; ``account`` is null while nobody knows whose it is (quarantine).

    ``assigned`` says that an operator chose the account: ingest leaves it alone from then on.
    Milliseconds are ours, ``billsec`` and ``duration`` the switch's whole seconds of the first leg.
    """

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.PROTECT, related_name="+")
    assigned = models.BooleanField(default=False)
    leg_uuid = models.CharField(max_length=255, help_text="The first A leg, by the switch's uuid")
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    direction = models.CharField(max_length=16, choices=CallDirection.choices)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    hangup_cause = models.CharField(max_length=64, blank=True)
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)
    caller_digits = models.CharField(max_length=32, blank=True)
    dialed_number = models.CharField(max_length=255, blank=True)
    dialed_digits = models.CharField(max_length=32, blank=True)
    callee_number = models.CharField(max_length=255, blank=True)
    callee_name = models.CharField(max_length=255, blank=True)
    callee_digits = models.CharField(max_length=32, blank=True)
    queue_name = models.CharField(max_length=255, blank=True)
    agent_name = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    wait_ms = models.BigIntegerField(null=True)
    talk_ms = models.BigIntegerField(default=0)
    hold_ms = models.BigIntegerField(default=0)
    duration_ms = models.BigIntegerField(null=True)
    duration = models.IntegerField(null=True)
    billsec = models.IntegerField(null=True)
    leg_count = models.PositiveIntegerField(default=0)
    recording_count = models.PositiveIntegerField(default=0)
    other_reversed = models.GeneratedField(
        expression=Reverse(
            Case(
                When(Q(direction="outbound") & Q(dialed_digits=""), then=F("callee_digits")),
                When(direction="outbound", then=F("dialed_digits")),
                default=F("caller_digits"),
            )
        ),
        output_field=models.CharField(max_length=32),
        db_persist=True,
        help_text="The outside party's digits from the last to the first, to find a number by how it ends",
    )

    class Meta:
        ordering = [F("started_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("started_at").desc(), F("id").desc(), name="call_account_started"),
            models.Index(
                "account",
                "other_reversed",
                F("started_at").desc(),
                F("id").desc(),
                name="call_other_reversed",
            ),
            models.Index(
                "account", "queue_name", F("started_at").desc(), F("id").desc(), name="call_queue_started"
            ),
            models.Index(
                "account", "agent_name", F("started_at").desc(), F("id").desc(), name="call_agent_started"
            ),
            models.Index(
                "account", "caller_digits", F("started_at").desc(), F("id").desc(), name="call_caller_started"
            ),
            models.Index(
                "account", "dialed_digits", F("started_at").desc(), F("id").desc(), name="call_dialed_started"
            ),
            models.Index(
                "account", "callee_digits", F("started_at").desc(), F("id").desc(), name="call_callee_started"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller_number} → {self.dialed_number}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return (
            Q(queue_name__in=actor.team_queues)
            | Q(agent_name__in=actor.agent_names)
            | Q(user__in=actor.team_users)
            | Q(user=actor.user_id)
        )


class CallPart(TenantModel):
    """A row that hangs from a conversation and is seen by whoever sees that."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(call__in=Call.objects.filter(Call.team_scope(actor)))


class Leg(CallPart):
    """One channel of a switch, from creation to hangup; ``uuid`` is the switch's own.

    ``destination_number`` is where it was going when it was created, ``final_destination_number`` at its end.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="legs")
    uuid = models.CharField(max_length=255)
    direction = models.CharField(max_length=16, choices=PlatformDirection.choices, blank=True)
    channel_name = models.CharField(max_length=255, blank=True)
    network = models.CharField(max_length=8, choices=Network.choices, default=Network.UNKNOWN)
    profile = models.CharField(max_length=128, blank=True)
    context = models.CharField(max_length=128, blank=True)
    gateway = models.CharField(max_length=128, blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)
    callee_number = models.CharField(max_length=255, blank=True)
    callee_name = models.CharField(max_length=255, blank=True)
    destination_number = models.CharField(max_length=255, blank=True)
    final_destination_number = models.CharField(max_length=255, blank=True)
    other_leg_uuid = models.CharField(max_length=255, blank=True)
    originator_uuid = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    ringing_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    bridged_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    hangup_cause = models.CharField(max_length=64, blank=True)
    sip_status = models.CharField(max_length=16, blank=True)
    duration_ms = models.BigIntegerField(null=True)
    duration = models.IntegerField(null=True)
    billsec = models.IntegerField(null=True)
    hold_ms = models.BigIntegerField(default=0)
    post_dial_delay_ms = models.BigIntegerField(null=True)
    read_codec = models.CharField(max_length=64, blank=True)
    write_codec = models.CharField(max_length=64, blank=True)
    quality = models.JSONField(default=dict)
    variables = models.JSONField(default=dict)
    custom = models.JSONField(default=dict)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["switch", "uuid"], name="leg_unique_uuid")]
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="leg_account_created"),
            models.Index(
                "account", "caller_number", F("created_at").desc(), F("id").desc(), name="leg_caller_created"
            ),
            models.Index(fields=["switch"], condition=Q(ended_at__isnull=True), name="leg_up"),
        ]

    def __str__(self) -> str:
        return self.uuid


class QueueVisit(CallPart):
    """One passage of a caller through a queue; a resumed caller keeps ``member_uuid`` with a new session.

    ``ring_at`` is the answering offer's, else the first offer's. ``left_at`` is the end of the queue's care.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="queue_visits")
    member_uuid = models.CharField(max_length=255)
    session_uuid = models.CharField(max_length=255)
    queue_name = models.CharField(max_length=255)
    resumed = models.BooleanField(default=False)
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)
    destination_number = models.CharField(max_length=255, blank=True)
    agent_name = models.CharField(max_length=255, blank=True)
    agent_leg_uuid = models.CharField(max_length=255, blank=True)
    answered_number = models.CharField(max_length=255, blank=True)
    entered_system_at = models.DateTimeField(null=True)
    joined_at = models.DateTimeField()
    ring_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    joined_epoch = models.BigIntegerField(null=True)
    left_epoch = models.BigIntegerField(null=True)
    cause = models.CharField(max_length=32, blank=True)
    cancel_reason = models.CharField(max_length=32, blank=True)
    hangup_cause = models.CharField(max_length=64, blank=True)
    billsec = models.IntegerField(null=True)
    wait_ms = models.BigIntegerField(null=True)
    duration_ms = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["joined_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["switch", "member_uuid", "session_uuid"], name="queuevisit_unique_passage"
            )
        ]
        indexes = [
            models.Index("account", F("joined_at").desc(), F("id").desc(), name="visit_account_joined"),
            models.Index(
                "account", "queue_name", F("joined_at").desc(), F("id").desc(), name="visit_queue_joined"
            ),
            models.Index(
                "account", "agent_name", F("joined_at").desc(), F("id").desc(), name="visit_agent_joined"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller_number} in {self.queue_name}"


class AgentOffer(CallPart):
    """One agent asked to take one caller; ``hangup_cause`` says why not.

    ``talk_ms`` runs from the answer to the agent's end and has ``hold_ms`` in it; ``wrap_up_ms`` is what the
    agent was given after it.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="offers")
    visit = models.ForeignKey(QueueVisit, on_delete=models.CASCADE, related_name="offers")
    agent_name = models.CharField(max_length=255)
    agent_leg_uuid = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=16, choices=OfferOutcome.choices)
    hangup_cause = models.CharField(max_length=64, blank=True)
    offered_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ring_ms = models.BigIntegerField(null=True)
    talk_ms = models.BigIntegerField(null=True)
    hold_ms = models.BigIntegerField(default=0)
    wrap_up_ms = models.BigIntegerField(default=0)
    transferred = models.BooleanField(default=False)
    listed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["offered_at", "id"]
        indexes = [
            models.Index("account", "agent_name", F("offered_at").desc(), name="offer_agent_offered"),
            models.Index(
                "account",
                "agent_name",
                F("listed_at").desc(),
                F("call").desc(),
                condition=Q(listed_at__isnull=False),
                name="offer_agent_listed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_name} {self.outcome}"


class Evidence(models.Model):
    """Everything heard about one conversation, so that whatever comes late is judged with all the rest.

    ``id`` is the call's; a conference room has evidence and no call. ``events`` is zlib over msgpack.
    """

    id = models.UUIDField(primary_key=True)
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    events = models.BinaryField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"evidence {self.pk}"


class EvidenceKey(models.Model):
    """Where evidence is found by a name that has no leg (yet): a leg only spoken of, a conference.

    A leg of a call that was removed leads nowhere since ``forgotten_at``: nothing late brings it back.
    """

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    evidence_id = models.UUIDField(db_index=True)
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["switch", "key"], name="evidencekey_unique_key")]
        indexes = [
            models.Index(
                fields=["forgotten_at"],
                condition=Q(forgotten_at__isnull=False),
                name="evidencekey_forgotten",
            )
        ]

    def __str__(self) -> str:
        return self.key


class CallAlias(models.Model):
    """The id of a call that turned out to be part of another; it goes on resolving."""

    id = models.UUIDField(primary_key=True)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return f"{self.pk} is {self.call_id}"


class ConnectionGap(models.Model):
    """A time in which a switch was not heard; nothing of it is told again."""

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="gaps")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["switch", "started_at"], name="connectiongap_unique_start")
        ]

    def __str__(self) -> str:
        return f"{self.switch} since {self.started_at:%Y-%m-%d %H:%M:%S}"


class IngestPosition(models.Model):
    """How far a switch's journal is in the database; locked while a batch is written: one writer a switch.

    ``waiting`` events were in the journal only at ``looked_at``, the first of them since ``waiting_since``.
    """

    switch = models.OneToOneField(Switch, primary_key=True, on_delete=models.CASCADE, related_name="+")
    journal = models.CharField(max_length=64, blank=True)
    batch = models.BigIntegerField(default=0)
    last_event_at = models.DateTimeField(null=True)
    waiting = models.BigIntegerField(default=0)
    waiting_since = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.switch_id} at {self.batch}"


class SourcePosition(models.Model):
    """How far a file or table that a switch writes was read; stored with the rows that came of it.

    A file is known by its inode: one that was rotated is finished before the new one is begun.
    """

    class Source(models.TextChoices):
        CDR = "cdr", "CDR rows"
        QUEUE_LOG = "queue_log", "queue_log"

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="sources")
    source = models.CharField(max_length=16, choices=Source.choices)
    place = models.CharField(max_length=1024)
    inode = models.BigIntegerField(default=0)
    offset = models.BigIntegerField(default=0)
    trouble = models.CharField(max_length=255, blank=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["switch", "source"], name="sourceposition_unique")]

    def __str__(self) -> str:
        return f"{self.place} at {self.offset}"


class EventCount(models.Model):
    """How many events of a kind could not be used: unknown names, broken bodies."""

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=128)
    count = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["switch", "kind", "name"], name="eventcount_unique")]

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
