"""What the OpenAPI description says of documents that are written, made from the schemas that check them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from ccportal.api.attributes import POLICY, Resource
from ccportal.api.documents import ERROR, REFUSALS, envelope_of, field_of, listed, schema_of

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type[Any])
NOT_WRITTEN: dict[Any, Any] = {**dict.fromkeys((400, 403, 409, 413), ERROR), **REFUSALS}


def shape_of(resource: Resource) -> type[serializers.Serializer[Any]]:
    """The schema of a thing's document as it is read; made before any other of its name."""
    fields = {column.name: field_of(column) for column in resource.columns}
    if resource.policy:
        fields[POLICY] = document_field(resource.policy)
    return schema_of(resource.name, fields)


def document_field(schema: Mapping[str, Any]) -> serializers.Field[Any, Any, Any, Any]:
    @extend_schema_field(dict(schema))
    class PolicyField(serializers.DictField):
        """A ``call_recording`` document."""

    return PolicyField(required=False, help_text="Absent when nothing was written, or for who may not see it")


def described(summary: str, shape: type[serializers.Serializer[Any]]) -> Callable[[F], F]:
    return extend_schema(summary=summary, responses={200: answer_of(shape), **REFUSALS})


def answer_of(shape: type[serializers.Serializer[Any]]) -> Any:
    return envelope_of(f"{shape.__name__.removesuffix('Serializer')}Answer", shape())


def created(summary: str, resource: Resource, shape: type[serializers.Serializer[Any]]) -> Callable[[F], F]:
    return extend_schema(
        summary=summary, request=body_of(resource), responses={201: answer_of(shape), **NOT_WRITTEN}
    )


def replaced(
    summary: str, resource: Resource, shape: type[serializers.Serializer[Any]], *, partly: bool = False
) -> Callable[[F], F]:
    return extend_schema(
        summary=summary,
        request=body_of(resource, partly=partly),
        responses={200: answer_of(shape), **NOT_WRITTEN},
    )


def removed(summary: str, shape: type[serializers.Serializer[Any]]) -> Callable[[F], F]:
    return extend_schema(
        summary=summary, request=None, responses={200: answer_of(shape), 403: ERROR, 409: ERROR, **REFUSALS}
    )


def body_of(resource: Resource, *, partly: bool = False) -> dict[str, Any]:
    """What is sent; of a part of a document each field may be null, but not all of it."""
    return in_data(nullable(resource.schema) | {"type": "object"} if partly else resource.schema)


def in_data(schema: Mapping[str, Any]) -> dict[str, Any]:
    body = {"type": "object", "required": ["data"], "properties": {"data": dict(schema)}}
    return {"application/json": body}


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a part of a document, in which null deletes what it stands for."""
    changed = {key: value for key, value in schema.items() if key not in ("required", "properties")}
    if "properties" not in schema:
        return {"oneOf": [dict(schema), {"type": "null"}]}
    properties = {name: nullable(inner) for name, inner in schema["properties"].items()}
    return changed | {"type": ["object", "null"], "properties": properties}


def collection_of(resource: Resource) -> Callable[[C], C]:
    """Describe the verbs of a collection."""
    shape, one = shape_of(resource), resource.name
    return extend_schema_view(
        get=listed(f"List: {one}", resource.columns, name=one),
        put=created(f"Create: {one}", resource, shape),
    )


def item_of(resource: Resource) -> Callable[[C], C]:
    """Describe the verbs of one of its items."""
    shape, one = shape_of(resource), resource.name
    return extend_schema_view(
        get=described(f"Read: {one}", shape),
        post=replaced(f"Replace: {one}", resource, shape),
        patch=replaced(f"Change: {one}", resource, shape, partly=True),
        delete=removed(f"Remove: {one}", shape),
    )
