"""The project's settings over a data folder of the measurement's own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

data_dir = Path(tempfile.mkdtemp(prefix="ccportal-bench-"))
atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
os.environ["CCPORTAL_DATA_DIR"] = str(data_dir)
os.environ["CCPORTAL_SECRET_KEY"] = "only for measurements, never for a server, and long enough to pass"  # noqa: S105
os.environ.setdefault("CCPORTAL_LOG_LEVEL", "WARNING")

from ccportal.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
