from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.core.files.storage import Storage
from django.core.files.storage.handler import StorageHandler


def static_storage(folder: Path) -> Storage:
    configured = settings.STORAGES["staticfiles"]
    return StorageHandler().create_storage(
        {**configured, "OPTIONS": {"location": str(folder), "base_url": "/static/"}}
    )


def test_plain_addresses_before_anything_is_collected(tmp_path: Path) -> None:
    assert static_storage(tmp_path).url("vendor/chart.js") == "/static/vendor/chart.js"


def test_addresses_by_content_once_collected(tmp_path: Path) -> None:
    manifest = {"version": "1.1", "hash": "", "paths": {"a.css": "a.0123456789ab.css"}}
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))
    assert static_storage(tmp_path).url("a.css") == "/static/a.0123456789ab.css"
