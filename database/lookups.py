"""``field__any_of=[…]``: membership in thousands of texts, or of ids as hex digits, as one parameter."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import CharField, Lookup, TextField, UUIDField


@CharField.register_lookup
@TextField.register_lookup
class AnyOf(Lookup):
    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} IN (SELECT value FROM json_each(%s))", (*params, json.dumps(list(self.rhs)))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*params, list(self.rhs))


@UUIDField.register_lookup
class AnyOfIds(AnyOf):
    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s::uuid[])", (*params, list(self.rhs))
