from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from ccportal.api.accounts import AccountDetail, Children, Descendants
from ccportal.api.agent_status import AgentStatusView
from ccportal.api.cdrs import CdrDetail, CdrList, InteractionLegs, InteractionList, UserCdrList
from ccportal.api.channels import Channel
from ccportal.api.contacts import ContactDetail, ContactList
from ccportal.api.description import Docs, Schema
from ccportal.api.exports import ExportDetail, ExportFile, ExportList
from ccportal.api.people import (
    ApiKeyDetail,
    ApiKeyList,
    DeviceDetail,
    DeviceList,
    PhoneNumberDetail,
    PhoneNumberList,
    UserDetail,
    UserList,
)
from ccportal.api.policies import RecordingDecision
from ccportal.api.queue_calls import AgentQueueCallList, QueueCallList
from ccportal.api.queues import AgentDetail, AgentList, QueueDetail, QueueList
from ccportal.api.recordings import (
    AwaitedRecordingList,
    RecordingDetail,
    RecordingMedia,
    RecordingPeaks,
    UserRecordingList,
)
from ccportal.api.sign_in import ApiAuth, TokenAuth, UserAuth
from ccportal.api.stats import AgentStatistics, QueueStatistics
from ccportal.api.uploads import RecordingUploadToken
from ccportal.api.views import Unknown
from ccportal.api.webhooks import WebhookDetail, WebhookList

account_patterns: list[URLPattern | URLResolver] = [
    path("children", Children.as_view(), name="children"),
    path("descendants", Descendants.as_view(), name="descendants"),
    path("users", UserList.as_view(), name="users"),
    path("users/<str:item_id>", UserDetail.as_view(), name="user"),
    path("devices", DeviceList.as_view(), name="devices"),
    path("devices/<str:item_id>", DeviceDetail.as_view(), name="device"),
    path("phone_numbers", PhoneNumberList.as_view(), name="phone-numbers"),
    path("phone_numbers/<str:item_id>", PhoneNumberDetail.as_view(), name="phone-number"),
    path("contacts", ContactList.as_view(), name="contacts"),
    path("contacts/<str:item_id>", ContactDetail.as_view(), name="contact"),
    path("api_keys", ApiKeyList.as_view(), name="api-keys"),
    path("api_keys/<str:item_id>", ApiKeyDetail.as_view(), name="api-key"),
    path("webhooks", WebhookList.as_view(), name="webhooks"),
    path("webhooks/<str:item_id>", WebhookDetail.as_view(), name="webhook"),
    path("exports", ExportList.as_view(), name="exports"),
    path("exports/<str:export_id>", ExportDetail.as_view(), name="export"),
    path("exports/<str:export_id>/file", ExportFile.as_view(), name="export-file"),
    path("recording_decision", RecordingDecision.as_view(), name="recording-decision"),
    path("cdrs", CdrList.as_view(), name="cdrs"),
    path("cdrs/interaction", InteractionList.as_view(), name="interactions"),
    path("cdrs/legs/<str:interaction_id>", InteractionLegs.as_view(), name="legs"),
    path("cdrs/<str:cdr_id>", CdrDetail.as_view(), name="cdr"),
    path("users/<str:user_id>/cdrs", UserCdrList.as_view(), name="user-cdrs"),
    path("channels/<str:call_id>", Channel.as_view(), name="channel"),
    path("queue_calls", QueueCallList.as_view(), name="queue-calls"),
    path("queues", QueueList.as_view(), name="queues"),
    path("queues/<str:item_id>", QueueDetail.as_view(), name="queue"),
    path("agents", AgentList.as_view(), name="agents"),
    path("agents/<str:item_id>", AgentDetail.as_view(), name="agent"),
    path("agents/<str:agent_id>/queue_calls", AgentQueueCallList.as_view(), name="agent-queue-calls"),
    path("agents/<str:agent_id>/status", AgentStatusView.as_view(), name="agent-status"),
    path("stats/queues", QueueStatistics.as_view(), name="stats-queues"),
    path("stats/agents", AgentStatistics.as_view(), name="stats-agents"),
    path("recordings", AwaitedRecordingList.as_view(), name="recordings"),
    path("recordings/<str:recording_id>", RecordingDetail.as_view(), name="recording"),
    path("recordings/<str:recording_id>/media", RecordingMedia.as_view(), name="recording-media"),
    path(
        "recordings/<str:recording_id>/media/<str:file_name>",
        RecordingMedia.as_view(),
        name="recording-media-named",
    ),
    path("recordings/<str:recording_id>/peaks", RecordingPeaks.as_view(), name="recording-peaks"),
    path(
        "recordings/<str:recording_id>/upload_token",
        RecordingUploadToken.as_view(),
        name="recording-upload-token",
    ),
    path("users/<str:user_id>/recordings", UserRecordingList.as_view(), name="user-recordings"),
]

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api_auth", ApiAuth.as_view(), name="api-auth"),
    path("user_auth", UserAuth.as_view(), name="user-auth"),
    path("token_auth", TokenAuth.as_view(), name="token-auth"),
    path("accounts/<str:account_id>", AccountDetail.as_view(), name="account"),
    path("accounts/<str:account_id>/", include(account_patterns)),
    path("schema", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(), name="docs"),
    re_path(r"", Unknown.as_view(), name="unknown"),
]
