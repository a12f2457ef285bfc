"""Admin of people: who they are, their role, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import audit
from accounts.access import roles_given_by
from accounts.models import Role, User, end_sign_ins
from accounts.password_links import ask_for_invitation
from accounts.second_step import forget_second_step
from accounts.tenant_admin import (
    AccountFilter,
    TenantAdmin,
    TenantForm,
    actor_of,
    not_found_when_refused,
)

PERSON_WORDS = {
    "role": "Admins set up the account and see all of it; supervisors and reviewers see their teams' calls; "
    "agents see their own",
    "email": "Signs in with it",
    "username": "Unique within the account; empty: what is before the @ of the e-mail address",
    "name": "As people call them",
    "teams": "Whose calls supervisors and reviewers see",
    "extension": "The short number that colleagues dial, such as 1001",
    "agent_name": "Name in the switch's queues, such as 1001@default; empty for who takes no calls of queues",
}


def role_choices(request: HttpRequest, without: tuple[Role, ...] = ()) -> list[tuple[str, str]]:
    """The roles that the one who asks may give."""
    actor = actor_of(request)
    given = roles_given_by(actor.role) if actor else []
    return [(role.value, str(role.label)) for role in Role if role in given and role not in without]


class PersonForm(TenantForm):
    """An operator belongs to no account, everybody else to one."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        role = cleaned.get("role", self.instance.role)
        account = cleaned.get("account", self.instance.account)
        if role == Role.OPERATOR and account:
            self.add_error("account", "An operator belongs to no account.")
        if role != Role.OPERATOR and not account:
            self.add_error("account", "Choose an account.")
        return cleaned


class PersonCreationForm(PersonForm, UserCreationForm):  # type: ignore[misc]
    """Without a password the new person is invited to choose one."""

    usable_password = None
    username = forms.CharField(required=False, max_length=128, help_text=PERSON_WORDS["username"])

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password1"].required = self.fields["password2"].required = False
        self.fields["password1"].help_text = "Empty: an invitation to choose one is sent by e-mail."

    def validate_passwords(self, *args: Any, **options: Any) -> None:
        if not any(self.cleaned_data.get(name) for name in ("password1", "password2")):
            self.cleaned_data.update(usable_password="false")  # noqa: S106
        super().validate_passwords(*args, **options)

    class Meta:
        model = User
        fields = ("email",)
        help_texts = PERSON_WORDS

    def clean_username(self) -> str:
        """The name that was given, else what is before the @ of the address."""
        email = str(self.cleaned_data.get("email") or "")
        return str(self.cleaned_data["username"] or email.partition("@")[0])


class PersonChangeForm(PersonForm, UserChangeForm):  # type: ignore[misc]
    class Meta:
        model = User
        fields = "__all__"
        help_texts = PERSON_WORDS


@admin.register(User)
class UserAdmin(TenantAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    form = PersonChangeForm
    add_form = PersonCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "role", "account", "is_active", "last_login")
    list_filter = (("account", AccountFilter), "role", "is_active")
    list_select_related = ("account",)
    search_fields = ("^email", "^name", "^username")
    ordering = ("email",)
    filter_horizontal = ()
    autocomplete_fields = ("account", "teams")
    readonly_fields = ("last_login", "created_at")
    person_fields = ("account", "role", "email", "username", "name", "teams", "extension", "agent_name")
    fieldsets = (
        (None, {"fields": (*person_fields, "is_active")}),
        ("Signing in", {"fields": ("password", "last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": (*person_fields, "password1", "password2")}),)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role":
            kwargs["choices"] = role_choices(request)
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not stands_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj) and not stands_above(request, obj)
        return allowed and (obj is None or obj.pk != request.user.pk)

    actions = ("invite", "end_sessions", "reset_second_step")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change and not obj.has_usable_password():
            ask_for_invitation(obj, site_of(request))
            messages.info(request, f"An invitation goes to {obj.email}.")

    @admin.action(description="Send an invitation", permissions=["sign_in"])
    def invite(self, request: HttpRequest, people: Any) -> None:
        for person in below(request, people):
            ask_for_invitation(person, site_of(request))
            audit.record(actor_of(request), "password.invite", person, name=str(person))
        messages.success(request, "A link to choose a password is on its way to them.")

    def has_sign_in_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.change_right)

    @admin.action(description="Sign out everywhere", permissions=["sign_in"])
    def end_sessions(self, request: HttpRequest, people: Any) -> None:
        for person in below(request, people):
            end_sign_ins(person)
            audit.record(actor_of(request), "session.end_all", person, name=str(person))
        messages.success(request, "They are signed out of every browser and program.")

    @admin.action(description="Reset two-step sign-in", permissions=["sign_in"])
    def reset_second_step(self, request: HttpRequest, people: Any) -> None:
        """Who lost app and codes signs in with the password alone, until a second step is set up anew."""
        for person in below(request, people):
            if forget_second_step(person):
                audit.record(actor_of(request), "second_step.reset", person, name=str(person))
        messages.success(request, "They sign in with the password alone until they set it up again.")

    @not_found_when_refused
    def user_change_password(self, *args: Any, **kwargs: Any) -> Any:
        return super().user_change_password(*args, **kwargs)


def site_of(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


def below(request: HttpRequest, people: Any) -> Iterator[User]:
    """Those of the people whose role the one who asks could give."""
    yield from (person for person in people if not stands_above(request, person))


def stands_above(request: HttpRequest, person: User | None) -> bool:
    """Whether the person has a role that the one who asks could not give."""
    actor = actor_of(request)
    return person is not None and (actor is None or person.role not in roles_given_by(actor.role))
