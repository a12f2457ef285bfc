"""``/accounts/A``."""

from __future__ import annotations

from rest_framework.request import Request

from ccportal.api.columns import flag, identifier, moment, present, text
from ccportal.api.documents import described
from ccportal.api.envelope import Answer
from ccportal.api.views import AccountView

ACCOUNT = (
    identifier("id", "id"),
    text("name", "name"),
    text("realm", "realm", "SIP domain"),
    text("account_code", "account_code"),
    text("timezone", "time_zone"),
    text("country", "country", "The country whose way of writing numbers is read"),
    flag("enabled", "enabled"),
    flag("agents_may_listen", "agents_may_listen"),
    flag("reviewers_may_download", "reviewers_may_download"),
    moment("created", "created_at"),
)


class AccountDetail(AccountView):
    @described("Read an account", ACCOUNT, name="Account")
    def get(self, request: Request, account_id: str) -> Answer:
        return Answer(present(ACCOUNT, self.account))
