"""How the admin looks: the portal's colours, and its pages grouped as people think of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

NEUTRAL = {
    "50": "#f6f7f8",
    "100": "#eceef1",
    "200": "#dfe2e7",
    "300": "#b3b9c4",
    "400": "#8e96a3",
    "500": "#636a77",
    "600": "#474d59",
    "700": "#2a2f37",
    "800": "#1a1d22",
    "900": "#121418",
    "950": "#0c0e11",
}
ACCENT = {
    "50": "#f2f6fe",
    "100": "#e6eefd",
    "200": "#c9dafa",
    "300": "#a5c1ff",
    "400": "#7fa8ff",
    "500": "#3c6cd6",
    "600": "#1f5fd6",
    "700": "#184fb5",
    "800": "#1a3a7a",
    "900": "#1a2744",
    "950": "#121c33",
}


def for_operators(request: HttpRequest) -> bool:
    return getattr(request.user, "role", "") == "operator"


def page(title: str, icon: str, model: str, **more: Any) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{model}_changelist")
    return {"title": title, "icon": icon, "link": link, **more}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "ccportal",
    "SITE_HEADER": "ccportal",
    "SITE_SUBHEADER": "Administration",
    "SITE_SYMBOL": "graphic_eq",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "base": NEUTRAL,
        "primary": ACCENT,
        "font": {
            "subtle-light": "var(--color-base-500)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-600)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {"items": [{"title": "Back to the portal", "icon": "arrow_back", "link": reverse_lazy("calls")}]},
            {
                "title": "Tenants",
                "separator": True,
                "items": [
                    page("Accounts", "apartment", "accounts_account"),
                    page("Users", "person", "accounts_user"),
                    page("Teams", "groups", "accounts_team"),
                    page("Devices", "phone_in_talk", "accounts_device"),
                    page("Recording policy", "tune", "policies_recordingpolicy"),
                    page("Phone numbers", "dialpad", "accounts_phonenumber"),
                    page("Contacts", "contacts", "accounts_contact"),
                    page("API keys", "key", "accounts_apikey"),
                    page("Connectors", "cable", "recordings_connector"),
                ],
            },
            {
                "title": "Call centre",
                "separator": True,
                "items": [
                    page("Queues", "queue", "queues_queue"),
                    page("Agents", "support_agent", "queues_agent"),
                    page("Tiers", "stairs", "queues_tier"),
                    page("Differences", "difference", "queues_difference"),
                    page("Switch orders", "outbox", "queues_switchorder"),
                    page("Queue servers", "hub", "queues_queueserver", permission=for_operators),
                ],
            },
            {
                "title": "What happened",
                "separator": True,
                "items": [
                    page("Calls", "call", "cdr_call"),
                    page("Legs", "call_split", "cdr_leg"),
                    page("Queue visits", "hourglass_top", "cdr_queuevisit"),
                    page("Recordings", "mic", "recordings_recording"),
                ],
            },
            {
                "title": "System",
                "separator": True,
                "items": [
                    page("Switches", "dns", "accounts_switch", permission=for_operators),
                    page("Audit", "history", "accounts_auditentry"),
                ],
            },
        ],
    },
}
