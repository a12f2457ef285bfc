"""PUT, POST, PATCH and DELETE: the whole document is checked, then stored while its row is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Model, Prefetch, ProtectedError, Q, QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import audit
from accounts.access import Action
from accounts.models import Account, User
from ccportal.api.attributes import POLICY, Resource
from ccportal.api.body import data_of
from ccportal.api.columns import present
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, Refused
from ccportal.api.views import AccountView, ListView, find
from policies.change import write
from policies.merge import merge
from policies.models import RecordingPolicy
from policies.schema import unsafe_urls

Document = dict[str, Any]


class Conflict(Refused):
    """Somebody else wrote meanwhile, or something hangs from what was to go."""

    status_code = status.HTTP_409_CONFLICT
    message = "datastore_conflict"


class ResourceView(AccountView):
    """Whatever reads and writes one kind of thing below an account."""

    resource: ClassVar[Resource]

    def all_rows(self) -> QuerySet[Any]:
        return self.within(self.resource.model)

    def rows(self) -> QuerySet[Any]:
        return self.with_policies(self.all_rows())

    def with_policies(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if not self.resource.policy:
            return rows
        itself = Q(user=None, device=None) if self.resource.model is Account else Q()
        policies = RecordingPolicy.objects.filter(itself)
        return rows.prefetch_related(Prefetch("recordingpolicy_set", policies, to_attr="policies"))

    def present(self, row: Any) -> Document:
        """The row's document; what is recorded is shown to those who decide it."""
        shown = present(self.resource.columns, row)
        may_see = self.actor is not None and self.actor.may(Action.CONFIGURE)
        for policy in row.policies if self.resource.policy and may_see else ():
            shown[POLICY] = policy.document
        return shown

    def sent(self, request: Request) -> Document:
        """What the client wrote; a url in it is looked up before anything is held."""
        data = self.resource.writable(data_of(request))
        if problems := unsafe_urls(data.get(POLICY), POLICY):
            raise Invalid(problems)
        return data

    def store(self, row: Any, before: Document, document: Document, data: Document, *, new: bool) -> None:
        """Write a row that is held, or is new; the caller is in a transaction."""
        after = self.permitted(row, before, self.resource.checked(document), data)
        policy = after.pop(POLICY, None)
        people = self.visible(User).filter(account=getattr(row, "account", None))
        self.resource.apply(row, after, people)
        self.finish(row, after)
        self.resource.check(row)
        row.save(force_insert=new)
        self.connect(row, after)
        fields = sorted(name for name in after if after[name] != before.get(name))
        audit.record(self.actor, "add" if new else "change", row, name=str(row), fields=fields)
        if self.resource.policy:
            write(row, policy, self.actor)

    def refuse_above(self, row: Any) -> None:
        """Refuse to touch what stands above the actor."""

    def permitted(self, row: Any, before: Document, after: Document, data: Document) -> Document:
        """The document that the actor may make of the row, or 403."""
        return after

    def finish(self, row: Any, document: Document) -> None:
        """Do what a document's values alone do not say."""

    def connect(self, row: Any, document: Document) -> None:
        """Lead a row that is there to others."""

    def written(self, row: Model) -> Document:
        """The row as it is now, also one below an account that the actor made just now."""
        return self.present(self.with_policies(self.resource.model._default_manager.all()).get(pk=row.pk))


class Creating(ResourceView):
    """PUT creates."""

    def blank(self) -> Any:
        return self.resource.model(account=self.account)

    def place(self, row: Model) -> str:
        """The address of a thing that was made."""
        return f"{self.request.path.rstrip('/')}/{row.pk.hex}"

    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        self.require(Action.CONFIGURE)
        data = self.sent(request)
        row = self.blank()
        with written_once():
            self.store(row, {}, merge({}, data), data, new=True)
        answer = Answer(self.written(row) | self.shown_once(row), status=201)
        answer["Location"] = self.place(row)
        return answer

    def shown_once(self, row: Any) -> Document:
        """What nobody can read again."""
        return {}


class ResourceList(Creating, ListView):
    """GET lists."""


class ResourceDetail(ResourceView):
    """GET reads, POST replaces, PATCH merges, DELETE removes."""

    def item(self) -> Any:
        return find(self.rows(), self.kwargs["item_id"])

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return Answer(self.present(self.item()))

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return self.rewrite(request, lambda _, data: merge({}, data))

    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return self.rewrite(request, merge)

    def rewrite(self, request: Request, make: Callable[[Document, Document], Document]) -> Answer:
        row = self.item()
        self.require(Action.CONFIGURE)
        self.refuse_above(row)
        data = self.sent(request)
        with written_once():
            held = self.held(row)
            before = self.resource.document(held) | self.stored_policy(held)
            self.store(held, before, make(before, data), data, new=False)
        return Answer(self.written(held))

    def held(self, row: Model) -> Any:
        """The row as it is now, kept from others until the transaction ends."""
        rows: Any = self.resource.model._default_manager
        try:
            return rows.select_for_update(no_key=True).get(pk=row.pk)
        except ObjectDoesNotExist:
            raise Http404 from None

    def stored_policy(self, row: Any) -> Document:
        if not self.resource.policy:
            return {}
        policy = RecordingPolicy.objects.about(row).first()
        return {POLICY: policy.document} if policy else {}

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        row = self.item()
        self.require(Action.CONFIGURE)
        self.refuse_above(row)
        gone = self.present(row)
        with written_once():
            audit.record(self.actor, "delete", row, name=str(row))
            self.remove(row)
        return Answer(gone)

    def remove(self, row: Any) -> None:
        row.delete()


@contextmanager
def written_once() -> Iterator[None]:
    """A transaction in which somebody else's writing at the same moment, or what hangs from it, is a 409."""
    try:
        with transaction.atomic():
            yield
    except (IntegrityError, ProtectedError) as error:
        raise Conflict({"message": "Something else stands in the way. Read it again."}) from error


def keep(names: tuple[str, ...], before: Mapping[str, Any], after: Document, data: Document) -> Document:
    """The document with what may not be changed as it was; 403 for who asks for another value."""
    for name in names:
        if name in data and after.get(name) != before.get(name):
            raise PermissionDenied
    kept = {name: before[name] for name in names if name in before}
    return {name: value for name, value in after.items() if name not in names} | kept
