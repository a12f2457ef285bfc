"""What each role may do; what it sees is ``accounts.tenancy``."""

from __future__ import annotations

import enum

from accounts.models import Account, Role


class Action(enum.StrEnum):
    PLAY = "play"
    DOWNLOAD = "download"
    EXPORT = "export"
    TAG = "tag"
    HOLD = "hold"
    RECORD = "record"
    COMMENT = "comment"
    EVALUATE = "evaluate"
    ASSIGN_REVIEWS = "assign_reviews"
    SHARE_VIEWS = "share_views"
    SET_AGENT_STATUS = "set_agent_status"
    SET_OWN_STATUS = "set_own_status"
    CONFIGURE = "configure"
    DELETE = "delete"
    AUDIT = "audit"
    OPERATE = "operate"


EVERYTHING = frozenset(Action)
OWN_ACCOUNT = EVERYTHING - {Action.OPERATE}
RIGHTS: dict[str, frozenset[Action]] = {
    Role.OPERATOR: EVERYTHING,
    Role.ADMIN: OWN_ACCOUNT,
    Role.SUPERVISOR: frozenset(
        {
            Action.PLAY,
            Action.DOWNLOAD,
            Action.EXPORT,
            Action.TAG,
            Action.HOLD,
            Action.RECORD,
            Action.COMMENT,
            Action.ASSIGN_REVIEWS,
            Action.SHARE_VIEWS,
            Action.SET_AGENT_STATUS,
            Action.SET_OWN_STATUS,
        }
    ),
    Role.REVIEWER: frozenset({Action.PLAY, Action.COMMENT, Action.TAG, Action.EVALUATE}),
    Role.AGENT: frozenset({Action.SET_OWN_STATUS}),
}
RANKS: list[str] = [Role.AGENT, Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN, Role.OPERATOR]


def rights_of(role: str, account: Account | None) -> frozenset[Action]:
    """The role's actions, and those that this account chose to allow it."""
    rights = RIGHTS.get(role, frozenset())
    if account and role == Role.REVIEWER and account.reviewers_may_download:
        return rights | {Action.DOWNLOAD}
    if account and role == Role.AGENT and account.agents_may_listen:
        return rights | {Action.PLAY}
    return rights


def roles_given_by(role: str) -> list[str]:
    """The roles that someone of this role may give: none above the own, and only administrators give any."""
    if role not in (Role.OPERATOR, Role.ADMIN):
        return []
    return RANKS[: RANKS.index(role) + 1]
