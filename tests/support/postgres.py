"""A PostgreSQL server of the tests' own, from the binaries of the machine.

Small code of our own, since pytest-postgresql starts no server for root, which CI is: PostgreSQL
refuses root, so root runs it as another user.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.catalogue.database import open_database
from indexer.catalogue.models import Base, CatalogueState
from indexer.catalogue.repository import Catalogue  # noqa: F401  with every table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

MISSING = "no PostgreSQL server on this machine; to run this test: apt-get install postgresql"
START_SECONDS = 30.0
ICU_SINCE = 15
# Of a file that is to be deleted, nothing needs to reach the disk; and a zone that is not UTC.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "timezone": "Asia/Kathmandu",
    "max_connections": "60",
    "shared_buffers": "16MB",
}
# The server ends with this process, also when that is killed and cannot say so.
UNTIL_WE_END = '"$@" & read -r _; kill -QUIT $!; wait $!'

TABLES = [
    table.name
    for table in Base.metadata.sorted_tables
    if table.name != CatalogueState.__tablename__
]
EMPTY = (
    f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY;"  # noqa: S608 - our own names
    "UPDATE catalogue_state SET revision = 0"
)


def find_binaries() -> Path | None:
    """The folder of the newest server on this machine; None for none."""
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),  # Debian
        *Path("/usr").glob("pgsql-*/bin"),  # Red Hat
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
    ]
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    usable = [one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()]
    return max(usable, key=_version, default=None)


def _version(binaries: Path) -> int:
    said = subprocess.run(  # noqa: S603 - a server's own program
        [binaries / "postgres", "--version"], capture_output=True, check=False
    )
    found = re.search(rb"\) (\d+)", said.stdout)
    return int(found[1]) if found else 0


class PostgresServer:
    """A running server, on a Unix socket in a folder of its own.

    Text sorts as in English and times are in the zone of Nepal, so that whatever relies on the
    server's own habits fails.

    Args:
        binaries: From `find_binaries`.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # Not pytest's own folder: only its owner may enter that, and a socket's path must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="musiscene-postgres-"))
        self._as_user: dict[str, object] = {"cwd": self._folder}
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._emptied: list[str] = []

    def __enter__(self) -> PostgresServer:
        try:
            self._make()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
        if _version(self._binaries) >= ICU_SINCE:
            locale += ["--locale-provider=icu", "--icu-locale=en-US"]
        self._run(
            "initdb", "--pgdata", self._folder / "data", "--no-sync", "--auth=trust",
            "--username=musiscene", *locale,
        )  # fmt: skip

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(  # noqa: S603 - as above
            [self._binaries / program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._as_user,  # type: ignore[call-overload]  # the same for both ways to start
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout.decode(errors='replace')}")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - as above
                ["/bin/sh", "-c", UNTIL_WE_END, "sh", self._binaries / "postgres", "-D", "data",
                 "-k", self._folder, *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                **self._as_user,  # type: ignore[call-overload]
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect("postgres").close()
            except OSError as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    said = (self._folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"the server does not start: {said}") from error
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop the server as if the machine had lost its power."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None

    def _connect(self, database: str) -> psycopg.Connection:
        import psycopg

        try:
            return psycopg.connect(
                host=str(self._folder), dbname=database, user="musiscene", autocommit=True
            )
        except psycopg.OperationalError as error:
            raise OSError(str(error)) from error

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement, and give its rows, if any."""
        with contextlib.closing(self._connect(database)) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://musiscene@/{database}?host={self._folder}"

    def drop_connections(self, database: str) -> None:
        """Hang up on everybody, as a server does that is being restarted."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "  # noqa: S608
            f"WHERE pid <> pg_backend_pid() AND datname = '{database}'"
        )

    @contextlib.contextmanager
    def new_database(self, *options: str) -> Iterator[str]:
        """A database of one's own.

        Args:
            options: Of CREATE DATABASE; none for an empty one.

        Yields:
            Its URL; it is dropped afterwards.
        """
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name} {' '.join(options)}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def new_catalogue(self) -> Iterator[str]:
        """A database of one's own with the tables of an empty catalogue.

        Yields:
            Its URL; it is emptied afterwards, which is quicker than to make another.
        """
        if not self._emptied:
            self._databases += 1
            name = f"catalogue_{self._databases}"
            self.execute(f"CREATE DATABASE {name}")
            open_database(self.url(name)).dispose()
            self._emptied.append(name)
        name = self._emptied.pop()
        try:
            yield self.url(name)
        finally:
            self.drop_connections(name)
            self.execute(EMPTY, database=name)
            self._emptied.append(name)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("root cannot run PostgreSQL, and there is no user `nobody` to run it as")
