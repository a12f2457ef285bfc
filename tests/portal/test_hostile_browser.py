"""Every page of a tenant whose every name is hostile, in a real browser: nothing runs, nothing is refused."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role, User
from ccportal.portal.urls import urlpatterns
from cdr.models import Call
from queues.models import Agent, Queue
from recordings.models import Recording
from tests import factories
from tests.portal.tenant import HOSTILE_NAMES, Tenant, make_deliveries, make_tenant, make_troubled_switches
from tests.portal.test_browser import Visit, browser, pytestmark, visit  # noqa: F401

WORST = HOSTILE_NAMES[5]
SHORT = WORST[:60]
PARAMETERS = {
    "recordings/": "?show=expected&period=all",
    "calls/": "?period=all",
    "statistics/": "?period=30d",
}
SCRIPTS_BEGIN_MS = 200
NOT_FOR_ADMINS = ("quarantine/", "sign-out/")


def pages() -> list[str]:
    """Every address of the portal that names nothing and is a page."""
    routes = [str(pattern.pattern) for pattern in urlpatterns]
    return sorted(
        route
        for route in routes
        if (route.endswith("/") or not route) and "<" not in route and route not in NOT_FOR_ADMINS
    )


@pytest.fixture
def tenant() -> Tenant:
    made = make_tenant(timezone.now(), calls=10)
    account = made.account
    make_troubled_switches(account, timezone.now())
    make_deliveries(account, made.talked.recordings.get(), timezone.now())
    call = Call.objects.filter(account=account).exclude(pk=made.talked.pk).first()
    assert call
    factories.make_tag(call, SHORT)
    factories.make_view(account, None, SHORT)
    factories.make_contact(account, call.caller_number, name=WORST, company=WORST)
    factories.make_device(account, "1009", name=SHORT)
    factories.make_assignment(call, made.people[Role.REVIEWER])
    Call.objects.update(caller_name=WORST, callee_name=WORST)
    Recording.objects.update(caller_name=WORST)
    Queue.objects.update(label=SHORT)
    Agent.objects.update(label=SHORT)
    User.objects.update(name=SHORT)
    account.name = SHORT
    account.save()
    AuditEntry.objects.create(account=account, actor=WORST, action="recording.play", object_id=SHORT)
    return made


def test_no_page_takes_a_name_for_more_than_a_name(visit: Visit, tenant: Tenant) -> None:  # noqa: F811
    visit.page.on("dialog", lambda dialog: visit.complaints.append(dialog.message))
    visit.sign_in("admin@hanbit.example")
    told = set()
    for path in pages():
        visit.go(f"/{path}{PARAMETERS.get(path, '')}")
        visit.page.wait_for_timeout(SCRIPTS_BEGIN_MS)
        assert visit.page.locator("script:not([src]), img[src=x]").count() == 0, path
        told |= {path} if SHORT[:20] in visit.page.locator("body").inner_text() else set()
        assert visit.complaints == [], path
    assert {"calls/", "queues/", "agents/", "recordings/", "compliance/", "settings/"} <= told
