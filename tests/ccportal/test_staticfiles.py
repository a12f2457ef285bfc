from __future__ import annotations

import json
from pathlib import Path

from ccportal.staticfiles import ManifestWhenCollectedStorage


def test_plain_addresses_before_anything_is_collected(tmp_path: Path) -> None:
    storage = ManifestWhenCollectedStorage(location=tmp_path, base_url="/static/")
    assert storage.url("vendor/chart.js") == "/static/vendor/chart.js"


def test_addresses_by_content_once_collected(tmp_path: Path) -> None:
    manifest = {"version": "1.1", "hash": "", "paths": {"a.css": "a.0123456789ab.css"}}
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))
    storage = ManifestWhenCollectedStorage(location=tmp_path, base_url="/static/")
    assert storage.url("a.css") == "/static/a.0123456789ab.css"
