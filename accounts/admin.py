"""Admin of tenants, their people, phones, numbers and keys, of switches, and of the audit log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Case, F, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts import audit
from accounts.access import Action
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
    digits_of,
)
from accounts.people_admin import role_choices
from accounts.tenant_admin import (
    AccountFilter,
    ReadOnlyAdmin,
    TenantAdmin,
    TenantForm,
    actor_of,
)
from database.sealed import is_lost

admin.site.unregister(Group)


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

    def clean_password(self) -> Any:
        return self.cleaned_data["password"] or self.instance.password

    def clean_cdr_source(self) -> Any:
        """What cannot be read now stays, unless another is written."""
        kept = self.instance.cdr_source
        return self.cleaned_data["cdr_source"] or (kept if is_lost(kept) else "")


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
