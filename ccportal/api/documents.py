"""What the OpenAPI description says, made from the same columns that the answers are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers

from ccportal.api.columns import Column, Kind
from ccportal.api.pages import DEFAULT_SIZE, LARGEST_SIZE

F = TypeVar("F", bound=Callable[..., Any])
Fields = dict[str, serializers.Field[Any, Any, Any, Any]]

AUDIO_TYPES = ("audio/mpeg", "audio/wav")
made: dict[str, type[serializers.Serializer[Any]]] = {}


class NamedByPath(AutoSchema):
    """Operations are named by verb and path, so that no two have one name."""

    def get_operation_id(self) -> str:
        parts = self.path.removeprefix("/v2/").replace("{", "by_").replace("}", "").split("/")
        return "_".join([self.method.lower(), *parts])


@extend_schema_field({"type": "string", "const": "success"})
class Success(serializers.CharField):
    """The status of an answer that went well."""


@extend_schema_field({"type": "string", "const": "error"})
class Failure(serializers.CharField):
    """The status of one that did not."""


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The two headers a token can be sent in."""

    target_class = "ccportal.api.authentication.TokenAuthentication"
    name = ["X-Auth-Token", "Bearer"]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
            {"type": "http", "scheme": "bearer"},
        ]


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The portal's own pages."""

    target_class = "ccportal.api.authentication.SessionAuthentication"
    name = "Session"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def schema_of(name: str, fields: Fields) -> type[serializers.Serializer[Any]]:
    """The schema of this name, made once."""
    if name not in made:
        made[name] = type(f"{name}Serializer", (serializers.Serializer,), dict(fields))
    return made[name]


def row_of(name: str, columns: Sequence[Column]) -> type[serializers.Serializer[Any]]:
    return schema_of(name, {column.name: field_of(column) for column in columns})


def field_of(column: Column) -> serializers.Field[Any, Any, Any, Any]:
    common: dict[str, Any] = {"help_text": column.about, "read_only": True}
    match column.kind:
        case Kind.ID:
            return serializers.RegexField(r"^[0-9a-f]{32}$", allow_null=True, **common)
        case Kind.NUMBER:
            return serializers.IntegerField(allow_null=True, **common)
        case Kind.TIME:
            return serializers.DateTimeField(allow_null=True, **common)
        case Kind.BOOLEAN:
            return serializers.BooleanField(**common)
        case Kind.IDS:
            return serializers.ListField(child=serializers.RegexField(r"^[0-9a-f]{32}$"), **common)
        case Kind.LIST:
            return serializers.ListField(child=serializers.JSONField(), **common)
        case Kind.OBJECT:
            return serializers.DictField(**common)
        case _:
            return serializers.CharField(allow_null=True, **common)


def envelope_of(name: str, data: serializers.BaseSerializer[Any], **beside: Any) -> Any:
    return schema_of(name, {"data": data, "status": Success(), **beside, **around()})


def around() -> Fields:
    return {
        "request_id": serializers.RegexField(r"^[0-9a-f]{32}$"),
        "revision": serializers.CharField(),
        "timestamp": serializers.DateTimeField(),
        "version": serializers.CharField(),
    }


ERROR = schema_of(
    "Error",
    {
        "data": serializers.JSONField(),
        "error": serializers.CharField(help_text="The status code as a string"),
        "message": serializers.CharField(),
        "status": Failure(),
        **around(),
    },
)
REFUSALS: dict[Any, Any] = dict.fromkeys((401, 403, 404, 429), ERROR)


def described(summary: str, columns: Sequence[Column], *, name: str, many: bool = False) -> Callable[[F], F]:
    """Describe a GET of one document, or of all that belong to one thing."""
    envelope = f"{name}ListAnswer" if many else f"{name}Answer"
    answer = envelope_of(envelope, row_of(name, columns)(many=many))
    return extend_schema(summary=summary, responses={200: answer, **REFUSALS})


def listed(summary: str, columns: Sequence[Column], *, name: str) -> Callable[[F], F]:
    """Describe a GET of a list, with its pages, period and filters."""
    answer = envelope_of(
        f"{name}Page",
        row_of(name, columns)(many=True),
        page_size=serializers.IntegerField(help_text="Rows in this answer"),
        start_key=serializers.CharField(allow_blank=True),
        next_start_key=serializers.CharField(required=False, help_text="Absent on the last page"),
    )
    return extend_schema(
        summary=summary,
        parameters=[*PAGE_PARAMETERS, *filter_parameters(columns)],
        responses={
            (200, "application/json"): answer,
            (200, "text/csv"): OpenApiTypes.STR,
            **dict.fromkeys((400, 403), ERROR),
            **REFUSALS,
        },
    )


def in_query(name: str, about: str, **schema: Any) -> OpenApiParameter:
    return OpenApiParameter(name, schema or OpenApiTypes.STR, OpenApiParameter.QUERY, description=about)


WHEN = "Gregorian seconds, unix seconds or ISO 8601"
PAGE_PARAMETERS = (
    in_query(
        "page_size",
        "Rows of a page",
        type="integer",
        minimum=1,
        maximum=LARGEST_SIZE,
        default=DEFAULT_SIZE,
    ),
    in_query("start_key", "The last answer's next_start_key"),
    in_query("ascending", "Oldest first", type="string", enum=["true", "false"], default="false"),
    in_query("created_from", WHEN),
    in_query("created_to", WHEN),
    in_query("accept", "text/csv for a file", type="string", enum=["application/json", "text/csv"]),
    in_query("file_name", "Name of the CSV file"),
    in_query("has_key", "Only rows in which this field has a value"),
    in_query("key_missing", "Only rows in which this field has none"),
)


def filter_parameters(columns: Sequence[Column]) -> list[OpenApiParameter]:
    names = [column.name for column in columns if column.equals]
    about = "A value, or a JSON list of values of which one must be the row's"
    positive = [in_query(f"filter_{name}", about) for name in names]
    return positive + [
        in_query(f"filter_not_{name}", f"Not: {about[0].lower()}{about[1:]}") for name in names
    ]


def signed_in(summary: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Callable[[F], F]:
    name = "".join(word.title() for word in summary.split())
    data = schema_of(f"{name}Data", dict(fields))()
    owner = schema_of(
        "SignedIn",
        {
            "account_id": serializers.CharField(allow_null=True),
            "owner_id": serializers.CharField(allow_null=True),
        },
    )()
    return extend_schema(
        summary=summary,
        auth=[],
        request=schema_of(f"{name}Request", {"data": data}),
        responses={
            201: envelope_of("SignedInAnswer", owner, auth_token=serializers.CharField()),
            **dict.fromkeys((400, 401, 413, 429), ERROR),
        },
    )


def narrowing() -> Fields:
    return {
        "scopes": serializers.ListField(
            child=serializers.CharField(), required=False, help_text="What alone the token may do"
        ),
        "expires_in": serializers.IntegerField(
            required=False, min_value=60, max_value=86_400, help_text="Seconds that the token lives"
        ),
    }


def token_document(summary: str) -> Callable[[F], F]:
    token = schema_of(
        "Token",
        {
            "account_id": serializers.CharField(allow_null=True),
            "owner_id": serializers.CharField(allow_null=True),
            "role": serializers.CharField(),
            "scopes": serializers.ListField(child=serializers.CharField()),
            "created": serializers.DateTimeField(),
            "expires": serializers.DateTimeField(),
        },
    )
    return extend_schema(
        summary=summary, request=None, responses={200: envelope_of("TokenAnswer", token()), **REFUSALS}
    )


api_auth_document = signed_in("Sign in with a key", api_key=serializers.CharField(), **narrowing())
user_auth_document = signed_in(
    "Sign in with a password",
    username=serializers.CharField(),
    password=serializers.CharField(),
    account_name=serializers.CharField(required=False),
    account_realm=serializers.CharField(required=False),
    otp=serializers.CharField(required=False, max_length=64, help_text="The code of the second step"),
    **narrowing(),
)

INLINE = in_query("inline", "Played in place, not saved", type="string", enum=["true", "false"])


def recording_described(columns: Sequence[Column]) -> Callable[[F], F]:
    """Describe one recording: its document, or its audio if that is what is accepted."""
    answer = envelope_of("RecordingAnswer", row_of("Recording", columns)())
    accept = ["application/json", "audio/mpeg", "audio/mp3", "audio/wav"]
    return extend_schema(
        summary="Read a recording, or hear it",
        parameters=[in_query("accept", "What to answer", type="string", enum=accept), INLINE],
        responses={(200, "application/json"): answer} | audio_answers(),
    )


def recording_changed(
    summary: str, columns: Sequence[Column], body: Mapping[str, Any] | None = None
) -> Callable[[F], F]:
    """Describe a change of one recording; a hold, or audio that is not there yet, answers 409."""
    content = {"type": "object", "required": ["data"], "properties": {"data": dict(body)}} if body else None
    return extend_schema(
        summary=summary,
        request={"application/json": content} if content else None,
        responses={
            200: envelope_of("RecordingAnswer", row_of("Recording", columns)()),
            **dict.fromkeys((400, 403, 409), ERROR),
            **REFUSALS,
        },
    )


def audio_described(summary: str) -> Callable[[F], F]:
    return extend_schema(
        summary=summary,
        parameters=[
            in_query("variant", "The whole call, or the agent's part", type="string", enum=["call", "agent"]),
            in_query("format", "mp3 or wav", type="string", enum=["mp3", "wav"]),
            INLINE,
            OpenApiParameter(
                "Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="One byte range"
            ),
            OpenApiParameter("If-Range", OpenApiTypes.STR, OpenApiParameter.HEADER),
        ],
        responses=audio_answers(),
    )


def audio_answers() -> dict[Any, Any]:
    whole_and_part = {
        (code, media_type): OpenApiTypes.BINARY for code in (200, 206) for media_type in AUDIO_TYPES
    }
    return {**whole_and_part, **dict.fromkeys((400, 403), ERROR), 416: None, **REFUSALS}


PEAKS = envelope_of(
    "PeaksAnswer",
    schema_of(
        "Peaks",
        {
            "version": serializers.IntegerField(),
            "duration_ms": serializers.IntegerField(),
            "maximum": serializers.IntegerField(help_text="The loudest a number can be"),
            "channels": serializers.ListField(child=serializers.ListField(child=serializers.IntegerField())),
            "silences": serializers.ListField(child=serializers.ListField(child=serializers.IntegerField())),
        },
    )(),
)
UPLOADED = envelope_of(
    "UploadedAnswer",
    schema_of(
        "Uploaded",
        {
            "id": serializers.RegexField(r"^[0-9a-f]{32}$"),
            "state": serializers.CharField(),
            "finding": serializers.CharField(allow_blank=True),
            "duration_ms": serializers.IntegerField(allow_null=True),
            "size": serializers.IntegerField(allow_null=True),
            "sha256": serializers.CharField(allow_null=True),
        },
    )(),
)
UPLOAD = schema_of(
    "Upload",
    {
        "token": serializers.CharField(help_text="Shown this once"),
        "expires": serializers.DateTimeField(),
        "url": serializers.CharField(help_text="Where to PUT the file"),
    },
)
peaks_described = extend_schema(
    summary="Read the waveform of a recording",
    parameters=[
        in_query("variant", "The whole call, or the agent's part", type="string", enum=["call", "agent"]),
        in_query("format", "mp3 or wav", type="string", enum=["mp3", "wav"]),
        in_query("part", "Which of several agents' parts, from 1", type="integer"),
    ],
    responses={200: PEAKS, **dict.fromkeys((400, 403), ERROR), **REFUSALS},
)
upload_described = extend_schema(
    summary="Send the file of a recording",
    parameters=[
        OpenApiParameter(
            "X-Upload-Token",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="Or the password of Basic, with any user name",
        ),
        OpenApiParameter(
            "Content-Digest", OpenApiTypes.STR, OpenApiParameter.HEADER, description="sha-256=:…:"
        ),
    ],
    request=dict.fromkeys(AUDIO_TYPES, OpenApiTypes.BINARY),
    responses={
        **dict.fromkeys((200, 201), UPLOADED),
        **dict.fromkeys((400, 409, 411, 413, 422, 503, 507), ERROR),
        **REFUSALS,
    },
)
upload_token_described = extend_schema(
    summary="Make a token for the file of a recording",
    request=None,
    responses={
        201: envelope_of(
            "UploadTokenAnswer",
            schema_of(
                "UploadToken",
                {
                    "id": serializers.RegexField(r"^[0-9a-f]{32}$"),
                    "state": serializers.CharField(),
                    "upload": UPLOAD(),
                },
            )(),
        ),
        403: ERROR,
        **REFUSALS,
    },
)


def awaited_described(columns: Sequence[Column]) -> Callable[[F], F]:
    """Describe the PUT that says that a file is going to be sent."""
    wanted = schema_of(
        "AwaitedRecording",
        {
            "call_id": serializers.CharField(help_text="The switch's own id of the leg"),
            "file_name": serializers.CharField(required=False),
            "start": serializers.DateTimeField(required=False),
            "media_server": serializers.CharField(required=False, help_text="The switch's name"),
        },
    )
    document = {column.name: field_of(column) for column in columns} | {"upload": UPLOAD()}
    return extend_schema(
        summary="Say that a file is going to be sent, and get a token for it",
        request=schema_of("AwaitedRecordingRequest", {"data": wanted()}),
        responses={
            201: envelope_of("AwaitedRecordingAnswer", schema_of("RecordingWithUpload", document)()),
            **dict.fromkeys((400, 403, 413), ERROR),
            **REFUSALS,
        },
    )


def with_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that a body that is described has to be sent."""
    for path in result["paths"].values():
        for operation in path.values():
            if body := operation.get("requestBody"):
                body["required"] = True
    return result


def only_v2(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leave out what answers nothing but an error: older versions and unknown paths."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/v2/") and endpoint[0] != "/v2/"]
