"""Static files under names that change with their content, once they have been collected."""

from __future__ import annotations

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestWhenCollectedStorage(CompressedManifestStaticFilesStorage):
    """Give plain addresses until collectstatic has written its manifest."""

    def url(self, name: str | None, force: bool = False) -> str:
        if not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return super().url(name or "", force)
