"""The form of a storage, of the admin and of the portal: keys are written, and never shown."""

from __future__ import annotations

from typing import Any

from accounts.tenant_admin import TenantForm

SECRETS = ("access_key", "secret_key")


class AudioStoreForm(TenantForm):
    """Keys that are left empty stay as they are."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = {name: getattr(self.instance, name) for name in SECRETS}
        for name in SECRETS:
            self.initial.pop(name, None)
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "account" in self.fields and not cleaned.get("account"):
            self.add_error("account", "Choose an account.")
        return cleaned | {name: cleaned.get(name) or self.kept[name] for name in SECRETS}
