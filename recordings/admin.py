"""Admin of recordings and their files, to look at."""

from __future__ import annotations

from django.contrib import admin

from accounts.tenant_admin import OneAccountFilter, ReadOnlyAdmin, ReadOnlyInline
from recordings.connectors.admin import ConnectorAdmin as ConnectorAdmin
from recordings.delivery.admin import DeliveryAdmin as DeliveryAdmin
from recordings.delivery.admin import WebhookAdmin as WebhookAdmin
from recordings.models import Media, ProcessingStep, Recording
from recordings.store_admin import AudioStoreAdmin as AudioStoreAdmin


class MediaInline(ReadOnlyInline):
    model = Media
    fields = (
        "file_name",
        "variant",
        "format",
        "size",
        "duration_ms",
        "sha256",
        "store",
        "verified_at",
        "damage",
    )
    readonly_fields = fields
    show_change_link = False


class ProcessingStepInline(ReadOnlyInline):
    model = ProcessingStep
    fields = ("name", "started_at", "milliseconds", "attempts", "error", "note")
    readonly_fields = fields
    show_change_link = False


@admin.register(Recording)
class RecordingAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "caller_number", "queue_name", "agent_name", "state", "origin", "account")
    list_filter = (("account", OneAccountFilter), "state", "origin")
    list_select_related = ("account",)
    sortable_by = ("started_at",)
    inlines = (MediaInline, ProcessingStepInline)
