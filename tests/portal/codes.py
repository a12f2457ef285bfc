"""An authenticator app for tests."""

from __future__ import annotations

import time

from accounts.models import Authenticator, User
from accounts.second_step import STEP_SECONDS, begin_enrolment, confirm


def set_up(user: User) -> list[str]:
    """Give the person a second step, confirmed by a code of the past; return the recovery codes."""
    return confirm(begin_enrolment(user), code_of(user, -1))


def code_of(user: User, later: int = 0) -> str:
    """What the app shows now, or so many steps later."""
    return Authenticator.objects.get(user=user).code_at(int(time.time()) // STEP_SECONDS + later)


def wrong_code(user: User) -> str:
    near = {code_of(user, later) for later in range(-2, 3)}
    return next(code for code in map("{:06d}".format, range(10)) if code not in near)
