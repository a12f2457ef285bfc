"""The base of the admin: rows by tenancy, permissions by role, and no page that reads a whole table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts import audit
from accounts.access import Action
from accounts.changes import SECRET_FIELDS, changes_of
from accounts.tenancy import Actor, TenantQuerySet, TenantView

M = TypeVar("M", bound=models.Model)
View = Callable[..., Any]

MOST_COUNTED = 10_000

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin

    _Admin = DjangoModelAdmin[Any]
    _Form = forms.ModelForm[Any]
    _Paginator = Paginator[Any]
else:
    _Admin = object
    _Form = forms.ModelForm
    _Paginator = Paginator


def actor_of(request: HttpRequest) -> Actor | None:
    return getattr(request, "actor", None)


def visible_rows(request: HttpRequest, model: type[M]) -> TenantQuerySet[M]:
    """The model's rows that the one who asks may see."""
    view = TenantView()
    view.request = request
    return view.visible(model)


def not_found_when_refused(view: View) -> View:
    """Answer 404 instead of 403: nothing tells a forbidden page from one that is not there."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except PermissionDenied as denied:
            raise Http404 from denied

    return wrapped


class CappedPaginator(_Paginator):
    """Counts no further than ten thousand rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if not isinstance(rows, models.QuerySet):
            return len(rows)
        return rows.order_by()[:MOST_COUNTED].count()


class OneRow(AutocompleteSelect):
    """Finds the row to point at while one types; what can be no row's id is passed over."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, ids_only(value), attr)


class SomeRows(AutocompleteSelectMultiple):
    """Finds the rows to point at while one types; what can be no row's id is passed over."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, ids_only(value), attr)


def ids_only(words: Sequence[str]) -> list[str]:
    """The words that can be ids, such as an address typed by hand may not have."""
    return [word for word in words if not word or is_id(word)]


def is_id(word: Any) -> bool:
    try:
        uuid.UUID(str(word))
    except ValueError:
        return False
    return True


class TenantForm(_Form):
    """Keeps what a row points at inside the row's own account."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        account = cleaned.get("account", getattr(self.instance, "account", None))
        for name, value in list(cleaned.items()):
            if name not in ("account", "parent") and not all(belongs(row, account) for row in rows_of(value)):
                self.add_error(name, "Choose one of the same account.")
        return cleaned


def rows_of(value: Any) -> list[models.Model]:
    """The rows a form's field chose."""
    if isinstance(value, models.QuerySet):
        return list(value)
    return [value] if isinstance(value, models.Model) else []


def belongs(row: models.Model, account: models.Model | None) -> bool:
    return account is not None and audit.account_of(row) == account.pk


class RoleGuard(_Admin):
    """Rows by tenancy and permissions by the role's rights; None is nobody's right."""

    view_right: Action | None = Action.CONFIGURE
    change_right: Action | None = Action.CONFIGURE

    def may(self, request: HttpRequest, right: Action | None) -> bool:
        actor = actor_of(request)
        return bool(actor and right and actor.may(right))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.view_right)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_right)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return self.may(request, self.change_right)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_right)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_right)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = visible_rows(request, self.model)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = visible_rows(request, db_field.remote_field.model)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = OneRow(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = visible_rows(request, db_field.remote_field.model)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = SomeRows(db_field, self.admin_site)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class TenantAdmin(RoleGuard, ModelAdmin):  # type: ignore[misc]
    """An admin of rows that belong to accounts."""

    form: Any = TenantForm
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    digits_fields: tuple[str, ...] = ()
    leads_to: tuple[tuple[str, str], ...] = ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        actor = actor_of(request)
        if actor and actor.account_id:
            initial.setdefault("account", actor.account_id)
        return initial

    def get_search_results(self, request: HttpRequest, rows: Any, term: str) -> tuple[Any, bool]:
        """Search by prefix; numbers by their digits, however they are written."""
        digits = "".join(character for character in term if character in "0123456789")
        if self.digits_fields and digits:
            return rows.filter(any_begins_with(self.digits_fields, digits)), False
        return super().get_search_results(request, rows, term)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Keep secrets from being guessed letter by letter through filters in the address."""
        if any(part in SECRET_FIELDS for part in lookup.split("__")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def _get_obj_does_not_exist_redirect(self, *_: Any) -> Any:
        raise Http404

    @not_found_when_refused
    def changelist_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changelist_view(*args, **kwargs)

    @not_found_when_refused
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    @not_found_when_refused
    def delete_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().delete_view(*args, **kwargs)

    @not_found_when_refused
    def history_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().history_view(*args, **kwargs)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Say what may be done next, beside what was done."""
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        if self.leads_to and IS_POPUP_VAR not in request.POST:
            links = [(reverse(name), words) for words, name in self.leads_to]
            messages.info(
                request,
                format_html("Next: {}.", format_html_join(", or ", '<a href="{}"><u>{}</u></a>', links)),
            )
        return response

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        audit.record(actor_of(request), "add", obj, name=str(obj))
        return super().log_addition(request, obj, message)

    def construct_change_message(self, request: HttpRequest, form: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember with the row what the form changed of it."""
        if isinstance(form, forms.BaseModelForm):
            form.instance.changes = changes_of(form)
        return super().construct_change_message(request, form, *args, **kwargs)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        told = {"fields": changed_fields(message), "changes": getattr(obj, "changes", {})}
        audit.record(actor_of(request), "change", obj, name=str(obj), **told)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            audit.record(actor_of(request), "delete", obj, name=str(obj))
        return super().log_deletions(request, queryset)


class ReadOnlyAdmin(TenantAdmin):
    """An admin of rows that nobody writes by hand."""

    change_right = None
    show_add_link = False


class ReadOnlyInline(RoleGuard, TabularInline):  # type: ignore[misc]
    """Rows that hang from another, to look at."""

    change_right = None
    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True


class OneAccountFilter(AutocompleteSelectFilter):  # type: ignore[misc]
    """Shows one account at a time, which is what the indexes are made for.

    Without a choice it is the own account, and quarantine for an operator, who belongs to none.
    """

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value():
            return super().queryset(request, queryset)
        actor = actor_of(request)
        return queryset.filter(**{self.field_path: actor.account_id if actor else None})

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for choice in super().choices(changelist):
            field = choice["form"].fields[self.lookup_kwarg]
            field.widget = OneRow(self.field, changelist.model_admin.admin_site, field.widget.attrs)
            field.queryset = visible_rows(self.request, field.queryset.model)
            yield choice


class AccountFilter(OneAccountFilter):
    """Shows every account that can be seen, or the chosen one."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return super().queryset(request, queryset) if self.value() else queryset


def any_begins_with(fields: tuple[str, ...], digits: str) -> Q:
    """Rows in which one of the fields begins with the digits, as a range that any index of them serves."""
    found = Q()
    for field in fields:
        condition = Q(**{f"{field}__gte": digits})
        after = digits.rstrip("9")
        if after:
            condition &= Q(**{f"{field}__lt": after[:-1] + str(int(after[-1]) + 1)})
        found |= condition
    return found


def changed_fields(message: Any) -> list[str]:
    """The names of the fields that the admin says were changed."""
    changes = message if isinstance(message, list) else []
    return [field for change in changes for field in change.get("changed", {}).get("fields", [])]
