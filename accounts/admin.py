"""Admin of tenants, their people, phones, numbers and keys, of switches, and of the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Case, F, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts import audit
from accounts.access import Action, roles_given_by
from accounts.contacts import Contact, is_taken
from accounts.keys import give_secret, revoke_key
from accounts.models import (
    Account,
    ApiKey,
    AuditEntry,
    Device,
    PhoneNumber,
    Role,
    Switch,
    Team,
    User,
    digits_of,
    end_sign_ins,
)
from accounts.password_links import ask_for_invitation
from accounts.second_step import forget_second_step
from accounts.tenant_admin import (
    AccountFilter,
    ReadOnlyAdmin,
    TenantAdmin,
    TenantForm,
    actor_of,
    not_found_when_refused,
)

admin.site.unregister(Group)


def role_choices(request: HttpRequest, without: tuple[Role, ...] = ()) -> list[tuple[str, str]]:
    """The roles that the one who asks may give."""
    actor = actor_of(request)
    given = roles_given_by(actor.role) if actor else []
    return [(role.value, str(role.label)) for role in Role if role in given and role not in without]


class AccountForm(TenantForm):
    """A new account stands below one of its maker's; only operators make one that stands alone."""

    needs_parent = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.needs_parent and "parent" in self.fields and not cleaned.get("parent"):
            self.add_error("parent", "Choose the account that the new one stands below.")
        return cleaned


def is_own(request: HttpRequest, account: Account | None) -> bool:
    """Whether it is the account of the one who asks."""
    actor = actor_of(request)
    return bool(account and actor and actor.account_id == account.pk)


@admin.register(Account)
class AccountAdmin(TenantAdmin):
    form = AccountForm
    list_display = ("name", "realm", "above", "time_zone", "country", "enabled")
    list_filter = ("enabled",)
    search_fields = ("^name", "^realm")
    autocomplete_fields = ("parent",)
    operators_fields = ("realm", "account_code", "enabled")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Rows with the name of the account above; nobody is told what stands above the own one."""
        own = getattr(actor_of(request), "account_id", None)
        above = Case(When(pk=own, then=Value("")), default=F("parent__name"))
        return super().get_queryset(request).annotate(above=above)

    @admin.display(description="parent", ordering="parent__name")
    def above(self, account: Any) -> str:
        return account.above or ""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.needs_parent = not self.may(request, Action.OPERATE)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An account's own administrators cannot switch it off or claim another's calls."""
        return self.operators_fields if is_own(request, obj) else ()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nor can they move it, or see what it stands below."""
        return ("parent",) if is_own(request, obj) else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(TenantAdmin):
    list_display = ("name", "account")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account",)
    search_fields = ("^name",)
    autocomplete_fields = ("account",)


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


class PersonCreationForm(PersonForm, UserCreationForm):
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


class PersonChangeForm(PersonForm, UserChangeForm):
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


class DeviceForm(TenantForm):
    class Meta:
        labels = {"sip_username": "SIP user name", "owner": "Person"}
        help_texts = {
            "name": "As people call it, such as Front desk",
            "sip_username": "The name it registers with at the switch, such as 1001",
            "owner": "Whose phone it is: its calls are theirs. It may stay empty",
            "enabled": "Off, it decides nothing about recording",
        }


@admin.register(Device)
class DeviceAdmin(TenantAdmin):
    form = DeviceForm
    fields = ("account", "name", "sip_username", "owner", "enabled")
    leads_to = (
        ("choose what is recorded", "admin:policies_recordingpolicy_changelist"),
        ("add a phone number", "admin:accounts_phonenumber_add"),
        ("go to the calls", "calls"),
    )
    list_display = ("name", "sip_username", "owner", "account", "enabled")
    list_filter = (("account", AccountFilter), "enabled")
    list_select_related = ("account", "owner")
    search_fields = ("^name", "^sip_username")
    autocomplete_fields = ("account", "owner")


class PhoneNumberForm(TenantForm):
    """A number, however it is written, leads to one account."""

    class Meta:
        labels = {"owner": "Person"}
        help_texts = {
            "number": "As people write it, such as 070-7006-7777 or +82 70 7006 7777. Calls to it are yours",
            "owner": "Whom it reaches directly. Empty for the number of a queue or a menu",
        }

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        others = PhoneNumber.objects.filter(digits=digits_of(number)).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("This number is taken.", code="unique")
        return number


@admin.register(PhoneNumber)
class PhoneNumberAdmin(TenantAdmin):
    form = PhoneNumberForm
    fields = ("account", "number", "owner")
    leads_to = (
        ("add a device", "admin:accounts_device_add"),
        ("choose what is recorded", "admin:policies_recordingpolicy_changelist"),
        ("go to the calls", "calls"),
    )
    list_display = ("number", "account", "owner")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account", "owner")
    search_fields = ("^number",)
    digits_fields = ("digits",)
    autocomplete_fields = ("account", "owner")


class ContactForm(TenantForm):
    """A number, however it is written, is one contact of an account."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        account, number = cleaned.get("account") or self.instance.account_id, cleaned.get("number")
        if account and number:
            self.instance.number = number
            if cleaned.get("account"):
                self.instance.account = cleaned["account"]
            if is_taken(self.instance):
                self.add_error("number", "The account has a contact with this number.")
        return cleaned


@admin.register(Contact)
class ContactAdmin(TenantAdmin):
    form = ContactForm
    list_display = ("name", "company", "number", "account")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account",)
    search_fields = ("^name", "^number")
    digits_fields = ("digits",)
    autocomplete_fields = ("account",)
    fields = ("account", "number", "name", "company")


KEY_FACTS = ("prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys are made and revoked here, never changed; a new one's secret is on one page, once."""

    list_display = ("name", "prefix", "role", "account", "created_at", "last_used_at", "revoked_at")
    list_filter = (("account", AccountFilter), "role")
    list_select_related = ("account",)
    search_fields = ("^name", "^prefix")
    autocomplete_fields = ("account",)
    fields = ("account", "name", "role")
    actions = ("revoke",)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role":
            kwargs["choices"] = role_choices(request, without=(Role.OPERATOR,))
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        more = KEY_FACTS if obj else ()
        return (*self.fields, *more)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.change_right)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        obj.plain = give_secret(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        del post_url_continue
        context = {**self.admin_site.each_context(request), "title": "Copy the new key", "key": obj}
        return TemplateResponse(request, "admin/accounts/apikey/issued.html", context | {"opts": self.opts})

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: Any) -> None:
        for key in keys.filter(revoked_at=None):
            revoke_key(key)
            audit.record(actor_of(request), "revoke", key, name=str(key))
        messages.success(request, f"Revoked at {timezone.now():%H:%M:%S} UTC.")


class SwitchForm(TenantForm):
    """A switch; the password is not shown, and stays when nothing is written."""

    password = forms.CharField(
        required=False,
        max_length=128,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Of its event socket or manager. Leave it empty to keep what is there.",
    )

    def clean_password(self) -> str:
        return str(self.cleaned_data["password"] or self.instance.password)


@admin.register(Switch)
class SwitchAdmin(TenantAdmin):
    view_right = Action.OPERATE
    change_right = Action.OPERATE
    form = SwitchForm
    list_display = ("name", "kind", "host", "port", "account", "enabled", "last_heard_at")
    list_filter = ("kind", "enabled")
    list_select_related = ("account",)
    search_fields = ("^name", "^host")
    autocomplete_fields = ("account",)
    readonly_fields = ("last_heard_at",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        initial.pop("password", None)
        return initial

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    view_right = Action.AUDIT
    list_display = ("at", "actor", "action", "object_type", "object_id", "address", "account")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account",)
    search_fields = ("object_id__startswith",)
    search_help_text = "The id of a thing"
