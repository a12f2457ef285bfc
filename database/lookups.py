"""``field__any_of=[…]``: membership in thousands of texts or ids, as one parameter."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db.models import CharField, Lookup, TextField, UUIDField


@CharField.register_lookup
@TextField.register_lookup
class AnyOf(Lookup):
    lookup_name = "any_of"
    prepare_rhs = False

    def values(self) -> list[str]:
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} IN (SELECT value FROM json_each(%s))", (*params, json.dumps(self.values()))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*params, self.values())


@UUIDField.register_lookup
class AnyOfIds(AnyOf):
    def values(self) -> list[str]:
        return [value.hex if isinstance(value, uuid.UUID) else value for value in self.rhs]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s::uuid[])", (*params, self.values())
