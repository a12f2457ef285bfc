from __future__ import annotations

import uuid

from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, path, register_converter
from django.views.generic.base import RedirectView

from ccportal.portal.accounts import AccountsView, SuggestionsView
from ccportal.portal.agents import AgentPart, AgentsPart, AgentsView, AgentView
from ccportal.portal.bulk import BulkView
from ccportal.portal.call import CallView, DrawerView
from ccportal.portal.callbacks import CallbacksView
from ccportal.portal.calls import CallsCountView, CallsView, ChoicesView
from ccportal.portal.comments import CommentsView, CommentView, DeleteCommentView
from ccportal.portal.compliance import AuditFileView, ComplianceView, HoldsView, ReleaseView, RetentionView
from ccportal.portal.deliveries import DeliveriesView, SendAgainView
from ccportal.portal.erasures import ErasurePreviewView, ErasureReportView, ErasuresView, ErasureView
from ccportal.portal.errors import robots
from ccportal.portal.exports import DeleteExportView, ExportFileView, ExportsPart, ExportsView
from ccportal.portal.health import HealthView
from ccportal.portal.holds import CallHoldsView, CallReleaseView
from ccportal.portal.me.page import EndOthersView, EndSessionView, MeView, PasswordView
from ccportal.portal.me.second_step import GiveUpView, NewCodesView, QrView, SecondStepView
from ccportal.portal.orphans import OrphansView, OrphanView
from ccportal.portal.passwords import ChosenView, ForgottenView, NewPasswordView, SentView, WelcomeView
from ccportal.portal.player import AudioView, ListeningView, PeaksView
from ccportal.portal.quarantine import AssignView, QuarantineView
from ccportal.portal.queues import QueuePart, QueuesPart, QueuesView, QueueView
from ccportal.portal.recordings import AgainView, OneAgainView, ProgressView, RecordingsView
from ccportal.portal.reviewing import CallReviewView
from ccportal.portal.saved_views import ViewsView, ViewView
from ccportal.portal.settings.general import GeneralView
from ccportal.portal.settings.keys import KeysView, RevokeView
from ccportal.portal.settings.recordings import FileNamesView, NamePreview
from ccportal.portal.settings.storage import StorageView
from ccportal.portal.settings.webhooks import (
    DeleteWebhookView,
    RotateView,
    TestView,
    WebhooksView,
    WebhookView,
)
from ccportal.portal.signin import CodeView, SignInView, SignOutView
from ccportal.portal.statistics import AgentStatisticsView, QueueStatisticsView
from ccportal.portal.tags import CallTagsView


class HexConverter:
    """An id as 32 hexadecimal digits; with dashes it is read too."""

    regex = "[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> uuid.UUID:
        return uuid.UUID(value)

    def to_url(self, value: uuid.UUID | str) -> str:
        return value.hex if isinstance(value, uuid.UUID) else value


class FaviconView(RedirectView):
    def get_redirect_url(self, *args: object, **kwargs: object) -> str:
        return static("icon.svg")


register_converter(HexConverter, "id32")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="calls"), name="home"),
    path("sign-in/", SignInView.as_view(), name="sign-in"),
    path("sign-in/code/", CodeView.as_view(), name="sign-in-code"),
    path("password/", ForgottenView.as_view(), name="forgotten"),
    path("password/sent/", SentView.as_view(), name="password-sent"),
    path("password/chosen/", ChosenView.as_view(), name="password-chosen"),
    path("password/<uidb64>/<token>/", NewPasswordView.as_view(), name="password-new"),
    path("welcome/<uidb64>/<token>/", WelcomeView.as_view(), name="welcome"),
    path("sign-out/", SignOutView.as_view(), name="sign-out"),
    path("accounts/", AccountsView.as_view(), name="accounts"),
    path("accounts/menu", SuggestionsView.as_view(), name="accounts-menu"),
    path("calls/", CallsView.as_view(), name="calls"),
    path("calls/choices", ChoicesView.as_view(), name="calls-choices"),
    path("calls/bulk", BulkView.as_view(), name="calls-bulk"),
    path("calls/views", ViewsView.as_view(), name="calls-views"),
    path("calls/views/<id32:id>", ViewView.as_view(), name="calls-view"),
    path("calls/count", CallsCountView.as_view(), name="calls-count"),
    path("calls/<id32:id>/", CallView.as_view(), name="call"),
    path("calls/<id32:id>/drawer", DrawerView.as_view(), name="call-drawer"),
    path("calls/<id32:id>/holds", CallHoldsView.as_view(), name="call-holds"),
    path("calls/<id32:id>/holds/<id32:hold>/release", CallReleaseView.as_view(), name="call-release"),
    path("calls/<id32:id>/review", CallReviewView.as_view(), name="call-review"),
    path("calls/<id32:id>/tags", CallTagsView.as_view(), name="call-tags"),
    path("calls/<id32:id>/comments", CommentsView.as_view(), name="comments"),
    path("calls/<id32:id>/comments/<id32:comment>", CommentView.as_view(), name="comment"),
    path(
        "calls/<id32:id>/comments/<id32:comment>/delete", DeleteCommentView.as_view(), name="delete-comment"
    ),
    path("recordings/", RecordingsView.as_view(), name="recordings"),
    path("recordings/again", AgainView.as_view(), name="recordings-again"),
    path("recordings/again/progress", ProgressView.as_view(), name="recordings-progress"),
    path("recordings/<id32:id>/again", OneAgainView.as_view(), name="recording-again"),
    path("recordings/<id32:id>/media", AudioView.as_view(), name="media"),
    path("recordings/<id32:id>/peaks", PeaksView.as_view(), name="peaks"),
    path("deliveries/", DeliveriesView.as_view(), name="deliveries"),
    path("deliveries/again", SendAgainView.as_view(), name="deliveries-again"),
    path("queues/", QueuesView.as_view(), name="queues"),
    path("queues/live", QueuesPart.as_view(), name="queues-live"),
    path("queues/<id32:id>/", QueueView.as_view(), name="queue"),
    path("queues/<id32:id>/live", QueuePart.as_view(), name="queue-live"),
    path("agents/", AgentsView.as_view(), name="agents"),
    path("agents/live", AgentsPart.as_view(), name="agents-live"),
    path("agents/<id32:id>/", AgentView.as_view(), name="agent"),
    path("agents/<id32:id>/live", AgentPart.as_view(), name="agent-live"),
    path("recordings/<id32:id>/listening", ListeningView.as_view(), name="listening"),
    path("orphans/", OrphansView.as_view(), name="orphans"),
    path("orphans/<id32:id>/", OrphanView.as_view(), name="orphan"),
    path("callbacks/", CallbacksView.as_view(), name="callbacks"),
    path("statistics/", QueueStatisticsView.as_view(), name="statistics"),
    path("statistics/agents/", AgentStatisticsView.as_view(), name="statistics-agents"),
    path("health/", HealthView.as_view(), name="health"),
    path("exports/", ExportsView.as_view(), name="exports"),
    path("exports/part", ExportsPart.as_view(), name="exports-part"),
    path("exports/<id32:id>/file", ExportFileView.as_view(), name="export-file"),
    path("exports/<id32:id>/delete", DeleteExportView.as_view(), name="delete-export"),
    path("compliance/", ComplianceView.as_view(), name="compliance"),
    path("compliance/audit.csv", AuditFileView.as_view(), name="audit-file"),
    path("compliance/retention", RetentionView.as_view(), name="retention"),
    path("compliance/holds", HoldsView.as_view(), name="holds"),
    path("compliance/holds/<id32:id>/release", ReleaseView.as_view(), name="release-hold"),
    path("compliance/erasures", ErasuresView.as_view(), name="erasures"),
    path("compliance/erasures/preview", ErasurePreviewView.as_view(), name="erasure-preview"),
    path("compliance/erasures/<id32:id>/", ErasureView.as_view(), name="erasure"),
    path("compliance/erasures/<id32:id>/report", ErasureReportView.as_view(), name="erasure-report"),
    path("me/", MeView.as_view(), name="me"),
    path("me/password", PasswordView.as_view(), name="password"),
    path("me/two-step/", SecondStepView.as_view(), name="two-step"),
    path("me/two-step/qr", QrView.as_view(), name="two-step-qr"),
    path("me/two-step/off", GiveUpView.as_view(), name="two-step-off"),
    path("me/two-step/codes", NewCodesView.as_view(), name="two-step-codes"),
    path("me/sessions/others/end", EndOthersView.as_view(), name="end-others"),
    path("me/sessions/<id32:id>/end", EndSessionView.as_view(), name="end-session"),
    path("settings/", GeneralView.as_view(), name="settings"),
    path("settings/recordings/", FileNamesView.as_view(), name="settings-recordings"),
    path("settings/recordings/preview", NamePreview.as_view(), name="settings-recordings-preview"),
    path("settings/storage/", StorageView.as_view(), name="settings-storage"),
    path("settings/webhooks/", WebhooksView.as_view(), name="settings-webhooks"),
    path("settings/webhooks/new", WebhookView.as_view(), name="settings-webhook-new"),
    path("settings/webhooks/<id32:id>/", WebhookView.as_view(), name="settings-webhook"),
    path("settings/webhooks/<id32:id>/secret", RotateView.as_view(), name="settings-webhook-secret"),
    path("settings/webhooks/<id32:id>/test", TestView.as_view(), name="settings-webhook-test"),
    path("settings/webhooks/<id32:id>/delete", DeleteWebhookView.as_view(), name="settings-webhook-delete"),
    path("settings/keys/", KeysView.as_view(), name="settings-keys"),
    path("settings/keys/<id32:id>/revoke", RevokeView.as_view(), name="settings-key-revoke"),
    path("quarantine/", QuarantineView.as_view(), name="quarantine"),
    path("quarantine/assign", AssignView.as_view(), name="assign"),
    path("robots.txt", robots, name="robots"),
    path("favicon.ico", FaviconView.as_view(), name="favicon"),
]
