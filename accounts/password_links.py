"""Links by e-mail that let a person choose a password: who forgot it, and who is new.

They are asked for without looking anybody up, and sent by the worker: the answer is the same, and takes as
long, whether there is such a person or not.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_q.tasks import async_task

from accounts.actors import may_sign_in
from accounts.models import User

INVITED_FOR_SECONDS = 3 * 24 * 3600
HOUR_SECONDS = 3600


class InvitationTokens(PasswordResetTokenGenerator):
    """Tokens that are good for longer: they are dated ahead."""

    key_salt = "accounts.password_links.InvitationTokens"

    def make_token(self, user: Any) -> str:
        ahead = INVITED_FOR_SECONDS - settings.PASSWORD_RESET_TIMEOUT
        moment = self._num_seconds(self._now()) + ahead
        return str(self._make_token_with_timestamp(user, moment, self.secret))


reset_tokens = default_token_generator
invitation_tokens = InvitationTokens()


def ask_for_reset(email: str, site: str) -> None:
    async_task("accounts.password_links.send_reset", email, site)


def ask_for_invitation(person: User, site: str) -> None:
    async_task("accounts.password_links.send_invitation", person.pk.hex, site)


def send_reset(email: str, site: str) -> None:
    """Send who has the address a link to choose a new password; nobody else hears of it."""
    person = User.objects.select_related("account").filter(email=email.lower()).first()
    if person and may_sign_in(person):
        link = site + path_for(person, "password-new", reset_tokens)
        hours = settings.PASSWORD_RESET_TIMEOUT // HOUR_SECONDS
        send(person, "Choose a new password", "mail/reset.txt", {"link": link, "hours": hours})


def send_invitation(person_id: str, site: str) -> None:
    """Send somebody new a link to choose a first password."""
    person = User.objects.select_related("account").filter(pk=uuid.UUID(person_id)).first()
    if person and may_sign_in(person):
        link = site + path_for(person, "welcome", invitation_tokens)
        hours = INVITED_FOR_SECONDS // HOUR_SECONDS
        send(person, "Welcome to ccportal", "mail/invitation.txt", {"link": link, "hours": hours})


def path_for(person: User, page: str, tokens: PasswordResetTokenGenerator) -> str:
    who = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse(page, kwargs={"uidb64": who, "token": tokens.make_token(person)})


def send(person: User, subject: str, template: str, facts: Mapping[str, Any]) -> None:
    known = {"name": person, "email": person.email, "account": person.account, **facts}
    send_mail(subject, render_to_string(template, known), None, [person.email])
