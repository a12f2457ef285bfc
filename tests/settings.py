"""The project's settings over a data folder of the test run's own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

data_dir = Path(tempfile.mkdtemp(prefix="ccportal-tests-"))
atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
os.environ["CCPORTAL_DATA_DIR"] = str(data_dir)
os.environ.setdefault("CCPORTAL_SECRET_KEY", "only for tests, never for a server, and long enough to pass")

from ccportal.settings import *  # noqa: E402, F403
from ccportal.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(data_dir / "test.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
