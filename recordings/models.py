"""The audio: one row a take, one row a file of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, Device, Switch, User
from accounts.tenancy import Actor, TenantModel
from cdr.models import Call
from recordings.arrivals import FolderLook as FolderLook
from recordings.arrivals import Orphan as Orphan
from recordings.arrivals import OrphanState as OrphanState
from recordings.arrivals import UploadToken as UploadToken
from recordings.call_tags import Tag as Tag
from recordings.connectors.models import Connector as Connector
from recordings.delivery.models import Delivery as Delivery
from recordings.delivery.models import Webhook as Webhook
from recordings.erasure.models import Erasure as Erasure
from recordings.exports import Export as Export
from recordings.holds import LegalHold as LegalHold
from recordings.stores import AudioStore


class State(models.TextChoices):
    EXPECTED = "expected", "Expected"
    RECORDING = "recording", "Recording"
    RECEIVED = "received", "Received"
    PROCESSING = "processing", "Processing"
    READY = "ready", "Ready"
    DISCARDED = "discarded", "Discarded"
    MISSING = "missing", "Missing"
    FAILED = "failed", "Failed"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Deleted"


PLAYABLE = (State.PROCESSING, State.READY, State.FAILED)


class Finding(models.TextChoices):
    """What intake or the switch found out about a take's file."""

    MISSING = "missing", "No file"
    EMPTY = "empty", "Empty file"
    UNFINISHED = "unfinished", "Never closed by the switch"
    OVERWRITTEN = "overwritten", "Overwritten by a later take"
    DISCARDED = "discarded", "Discarded by the switch"
    OUTSIDE = "outside", "Outside the mapped folders"
    UNREADABLE = "unreadable", "Not audio we can read"
    LENGTH = "length", "Not as long as the switch said"
    MIXED = "mixed", "Two recordings in one file"


class Origin(models.TextChoices):
    POLICY = "policy", "Policy"
    ACTION = "action", "Action"
    QUEUE = "queue", "Queue"
    DIALPLAN = "dialplan", "Dialplan"
    CONFERENCE = "conference", "Conference"
    UPLOAD = "upload", "Sent to the portal"
    LINKED = "linked", "Linked to its call"


BROUGHT = (Origin.UPLOAD, Origin.LINKED)


class Recording(TenantModel):
    """One take: a leg, a path and the moment it began; a conference's has no leg and no call.

    ``path`` is the switch's, ``take`` counts the takes on that path within the conversation.
    ``switch_ms`` is the length the switch told; the length we measured is with the media.
    ``finding`` and ``state_reason`` say, to a program and to a person, why a state is what it is.
    ``stored_at`` is when its file was in storage and verified: it can be played from then on.
    ``speech`` has, for each channel, how long there was sound and silence, and how long there was on both.
    ``made_from`` tells what its files were made from (``recordings.basis``).
    """

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, null=True, on_delete=models.SET_NULL, related_name="recordings")
    leg_uuid = models.CharField(max_length=255, blank=True)
    stop_leg_uuid = models.CharField(max_length=255, blank=True)
    conference_name = models.CharField(max_length=255, blank=True)
    path = models.TextField()
    take = models.PositiveIntegerField(default=1)
    overwritten = models.BooleanField(default=False)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECORDING)
    state_reason = models.CharField(max_length=255, blank=True)
    state_at = models.DateTimeField(default=timezone.now)
    finding = models.CharField(max_length=16, choices=Finding.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    completion_cause = models.CharField(max_length=64, blank=True)
    switch_ms = models.BigIntegerField(null=True)
    switch_size = models.BigIntegerField(null=True)
    queue_name = models.CharField(max_length=255, blank=True)
    agent_name = models.CharField(max_length=255, blank=True)
    caller_number = models.CharField(max_length=255, blank=True)
    caller_name = models.CharField(max_length=255, blank=True)
    callee_number = models.CharField(max_length=255, blank=True)
    direction = models.CharField(max_length=16, blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    grants = models.JSONField(default=list)
    masked = models.JSONField(default=list)
    speech = models.JSONField(default=dict)
    made_from = models.CharField(max_length=64, blank=True)
    legal_hold = models.BooleanField(default=False)
    source_path = models.TextField(
        blank=True, help_text="Where the file was found, as the switch would say it"
    )
    source_kept = models.BooleanField(default=False, help_text="The source could not be removed")
    source_held = models.TextField(
        blank=True, help_text="Name, size and time of the source's files while they wait for a connector"
    )

    class Meta:
        ordering = [F("started_at").desc(), F("id").desc()]
        indexes = [
            models.Index("account", F("started_at").desc(), F("id").desc(), name="recording_account_started"),
            models.Index(
                "account", "state", F("started_at").desc(), F("id").desc(), name="recording_account_state"
            ),
            models.Index(
                "account",
                "finding",
                F("started_at").desc(),
                F("id").desc(),
                condition=~Q(finding=""),
                name="recording_account_finding",
            ),
            models.Index(
                "account",
                "queue_name",
                F("started_at").desc(),
                F("id").desc(),
                name="recording_queue_started",
            ),
            models.Index(fields=["switch", "path"], name="recording_switch_path"),
            models.Index(fields=["state", "state_at"], name="recording_state"),
            models.Index(
                fields=["account", "started_at"],
                condition=Q(state__in=["processing", "ready", "failed"]),
                name="recording_with_audio",
            ),
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="recording_next_try"
            ),
            models.Index(fields=["state_at"], condition=~Q(source_held=""), name="recording_source_held"),
        ]

    def __str__(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return (
            Q(queue_name__in=actor.team_queues)
            | Q(agent_name__in=actor.agent_names)
            | Q(user__in=actor.team_users)
            | Q(user=actor.user_id)
        )


class Variant(models.TextChoices):
    CALL = "call", "Whole call"
    AGENT = "agent", "Agent's part"


class Damage(models.TextChoices):
    """What was wrong with a stored file when it was last read."""

    CHANGED = "changed", "Not what was stored"
    GONE = "gone", "No longer in storage"


class Media(TenantModel):
    """One stored file of a recording; ``key`` begins with the account and is where ``store`` has it.

    Without a store it is on the server's disk. ``verified_at`` is when all of it was last read and compared.

    Agents' parts are counted from 1 in ``part``; ``offset_ms`` is where one begins in the whole call's file.
    """

    account_path = "recording__account"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="media")
    variant = models.CharField(max_length=8, choices=Variant.choices, default=Variant.CALL)
    part = models.PositiveSmallIntegerField(default=0)
    agent_name = models.CharField(max_length=255, blank=True)
    offset_ms = models.BigIntegerField(default=0)
    format = models.CharField(max_length=8)
    store = models.ForeignKey(AudioStore, null=True, on_delete=models.RESTRICT, related_name="media")
    key = models.CharField(max_length=512, unique=True)
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    duration_ms = models.BigIntegerField()
    channels = models.PositiveSmallIntegerField()
    sample_rate = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(default=timezone.now)
    damage = models.CharField(max_length=8, choices=Damage.choices, blank=True)

    class Meta:
        verbose_name_plural = "media"
        indexes = [
            models.Index(fields=["verified_at"], name="media_verified"),
            models.Index(fields=["damage"], condition=~Q(damage=""), name="media_damaged"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["recording", "variant", "part", "format"], name="media_unique_part"
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(recording__in=Recording.objects.filter(Recording.team_scope(actor)))


class ProcessingStep(TenantModel):
    """One step of making a recording ready: when it was begun and done, how often, and what went wrong."""

    account_path = "recording__account"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=16)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)
    note = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["recording", "position"]
        constraints = [
            models.UniqueConstraint(fields=["recording", "name"], name="processingstep_unique_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def milliseconds(self) -> int | None:
        if self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(recording__in=Recording.objects.filter(Recording.team_scope(actor)))


class Listening(TenantModel):
    """What one person heard of a recording in one sitting.

    ``spans`` are from-to pairs in milliseconds of the whole call's file, in order and apart: what the player
    reported as played, or, where ``session`` is empty, what was asked for by byte ranges. ``stopped_ms`` is
    where the player was when it reported last.
    """

    account_path = "recording__account"

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="listenings")
    session = models.CharField(max_length=32, blank=True)
    actor = models.CharField(max_length=255)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    began_at = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(default=timezone.now)
    spans = models.JSONField(default=list)
    heard_ms = models.BigIntegerField(default=0)
    stopped_ms = models.BigIntegerField(null=True)

    class Meta:
        ordering = [F("heard_at").desc(), F("id").desc()]
        constraints = [
            models.UniqueConstraint(
                fields=["recording", "user", "session"],
                condition=~Q(session=""),
                name="listening_unique_session",
            )
        ]
        indexes = [models.Index("recording", F("heard_at").desc(), name="listening_recording")]

    def __str__(self) -> str:
        return f"{self.actor}, {self.heard_ms} ms"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(recording__in=Recording.objects.filter(Recording.team_scope(actor)))


class RedoAction(models.TextChoices):
    PROCESS = "process", "Process again"
    LOOK = "look", "Look again for the file"


class Redo(TenantModel):
    """One thing done again to every recording of a list: from new to old, a batch at a time.

    ``kind``, ``since``, ``until`` and ``queue_name`` are the list; ``at`` and ``at_id`` are where it is.
    ``total`` is how many there were, counted to a limit; ``seen`` were come to, and to ``taken`` it was done.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=16, choices=RedoAction.choices)
    kind = models.CharField(max_length=16)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    queue_name = models.CharField(max_length=255, blank=True)
    asked_by = models.CharField(max_length=255, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    batch = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(null=True)
    at_id = models.UUIDField(null=True)
    taken = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index("account", F("asked_at").desc(), name="redo_account_asked"),
            models.Index(fields=["updated_at"], condition=Q(finished_at=None), name="redo_not_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.kind}"


class Decision(TenantModel):
    """What of a call was to be recorded and what not, with the facts it was decided from: stored at the time.

    ``leg_uuid`` is the call's first A leg; ``call`` is null until that is known.
    """

    account_path = "call__account"

    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    call = models.ForeignKey(Call, null=True, on_delete=models.CASCADE, related_name="decisions")
    leg_uuid = models.CharField(max_length=255)
    decided_at = models.DateTimeField()
    facts = models.JSONField(default=dict)
    grants = models.JSONField(default=list)
    refusals = models.JSONField(default=list)
    complaints = models.JSONField(default=list)

    class Meta:
        ordering = ["decided_at", "id"]
        constraints = [models.UniqueConstraint(fields=["switch", "leg_uuid"], name="decision_unique_leg")]
        indexes = [
            models.Index(
                fields=["switch", "decided_at"], condition=Q(call=None), name="decision_without_call"
            )
        ]

    def __str__(self) -> str:
        return self.leg_uuid

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(call__in=Call.objects.filter(Call.team_scope(actor)))


class RecordingRequest(TenantModel):
    """What a program asked for on a live call; the switch's listener takes it soon, or nobody does."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    switch = models.ForeignKey(Switch, on_delete=models.CASCADE, related_name="+")
    leg_uuid = models.CharField(max_length=255)
    action = models.CharField(max_length=16)
    params = models.JSONField(default=dict)
    asked_by = models.CharField(max_length=255, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    taken_at = models.DateTimeField(null=True)
    found = models.BooleanField(null=True)

    class Meta:
        ordering = ["asked_at", "id"]
        indexes = [
            models.Index(fields=["switch", "asked_at"], condition=Q(taken_at=None), name="request_not_taken")
        ]

    def __str__(self) -> str:
        return f"{self.action} on {self.leg_uuid}"
