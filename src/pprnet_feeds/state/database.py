"""The database: a SQLite file, or PostgreSQL where several machines share the state.

A connection is opened for each use and closed after it. A transaction takes the
lock before it reads, so the second of two processes sees what the first wrote.
Whatever a disk, a network or another program does becomes an `UnavailableError`.
Call nothing here on the event loop: waiting for the lock may take a second.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

# The version of the schema. It is in a table, which PostgreSQL has as well and the version before reads.
VERSION = 4
_SCHEMA = (
    # When each resource was first seen as it is now, in seconds; the mark changes with every change of a row.
    "seen (name TEXT PRIMARY KEY, digest TEXT NOT NULL, topics TEXT NOT NULL, research TEXT NOT NULL, "
    "issue TEXT NOT NULL, moment BIGINT NOT NULL)",
    "edition (mark TEXT NOT NULL)",
    # What was put into the queue of pings (in seconds), and the queue (in milliseconds).
    "told (name TEXT PRIMARY KEY, moment BIGINT NOT NULL)",
    "pings (hub TEXT NOT NULL, address TEXT NOT NULL, since BIGINT NOT NULL, tries INTEGER NOT NULL, "
    "due BIGINT NOT NULL, held BIGINT NOT NULL, PRIMARY KEY (hub, address))",
    # Requests by day (YYYY-MM-DD, UTC) and path; an empty path is any other one.
    "polls (day TEXT NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, requests BIGINT NOT NULL, "
    "bytes BIGINT NOT NULL, PRIMARY KEY (day, address, kind))",
    "subscribers (day TEXT NOT NULL, address TEXT NOT NULL, reader TEXT NOT NULL, feed TEXT NOT NULL, "
    "subscribers BIGINT NOT NULL, PRIMARY KEY (day, address, reader, feed))",
    # The version before fills these. They stay, and stay empty, so that an operator can go back to it.
    "pollers (day TEXT NOT NULL, address TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (day, address))",
    "programs (day TEXT NOT NULL, program TEXT NOT NULL, requests BIGINT NOT NULL, "
    "PRIMARY KEY (day, program))",
    "salts (day TEXT PRIMARY KEY, salt TEXT NOT NULL, level INTEGER NOT NULL)",
    "hashes (day TEXT NOT NULL, address TEXT NOT NULL, hash BIGINT NOT NULL, "
    "PRIMARY KEY (day, address, hash))",
)
# How long the lock is waited for, in seconds.
_WAIT = 1
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?(?=://)")
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class UnavailableError(Exception):
    """The database cannot be used at this moment; the text is for the operator."""


class CorruptError(UnavailableError):
    """The file is no database, or it is broken: waiting does not help."""


class Connection:
    """An open connection. The mark of a parameter is ``?`` on both databases."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.is_sqlite = isinstance(raw, sqlite3.Connection)

    def execute(self, statement: str, *parameters: object) -> Any:
        """Run one statement and return its cursor."""
        return self._raw.execute(self._written(statement), parameters)

    def execute_each(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of *rows*."""
        self._raw.cursor().executemany(self._written(statement), list(rows))

    def _written(self, statement: str) -> str:
        return statement if self.is_sqlite else statement.replace("?", "%s")


class Database:
    """The database at *address*: a path, ``sqlite:///path`` or ``postgresql://…``. Nothing is opened yet.

    Raises ValueError, with a text for the operator, for any other address.

    Attributes:
        place: the address as people may see it, without its password.
    """

    def __init__(self, address: str) -> None:
        self.file: Path | None = None
        self._opened = 0
        self._errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
        scheme, separator, _ = address.partition("://")
        if not separator or scheme == "sqlite":
            self.file = Path(address.removeprefix("sqlite:///")).absolute()
            self.place = str(self.file)
        elif _POSTGRES.match(address):
            self.place = re.sub(r"(://[^:/@?]*:)[^/]*(?=@)|(\bpassword=)[^&]*", r"\1\2***", address)
            self._target = _POSTGRES.sub("postgresql", address)
            self._errors += (_check_postgres(self._target),)
        elif not scheme:
            raise ValueError("the address of the state cannot be read")
        else:
            raise ValueError(f"the state cannot be kept in {scheme!r}: give a path or a postgresql address")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection that holds the lock, on our schema; committed at the end of the block."""
        with self._faults(), closing(self._open()) as raw:
            connection = Connection(raw)
            if connection.is_sqlite:
                with suppress(sqlite3.OperationalError):  # refused while another process does the same
                    connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("BEGIN IMMEDIATE")
            else:
                connection.execute(f"SET LOCAL lock_timeout = '{_WAIT}s'")
                connection.execute("SELECT pg_advisory_xact_lock(1886417518)")
            _migrate(connection)
            yield connection
            raw.commit()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that waits for no lock and creates nothing; for reading only."""
        with self._faults(), closing(self._open_to_read()) as raw:
            connection = Connection(raw)
            if (version := _version(connection)) != VERSION:
                raise UnavailableError(f"it is of schema {version}")
            yield connection

    def rename_corrupt(self) -> str:
        """Rename a corrupt file, so that the next transaction begins a new one; return the new name.

        A file that another process has begun since our last transaction stays.
        """
        if self.file is None:
            raise UnavailableError("it is corrupt")
        with self._faults():
            for suffix in ("", "-wal", "-shm") if self.file.stat().st_ino == self._opened else ():
                with suppress(FileNotFoundError):
                    Path(f"{self.file}{suffix}").replace(f"{self.file}.corrupt{suffix}")
        return f"{self.file}.corrupt"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self._errors as fault:
            is_corrupt = getattr(fault, "sqlite_errorcode", 0) & 0xFF in _CORRUPT
            kind = CorruptError if is_corrupt else UnavailableError
            raise kind(" ".join(str(fault).split())) from fault

    def _open(self) -> Any:
        if self.file is None:
            return _connect_postgres(self._target)
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(Path(os.path.realpath(self.file)))
        self._opened = self.file.stat().st_ino
        # Without an isolation level the driver begins no transaction of its own.
        return sqlite3.connect(self.file, timeout=_WAIT, isolation_level=None)

    def _open_to_read(self) -> Any:
        if self.file is None:
            return _connect_postgres(self._target)
        # A file in a read-only folder opens only on the promise that nobody writes to it.
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            raw = sqlite3.connect(f"file:{quote(str(self.file))}?{mode}", timeout=_WAIT, uri=True)
            with suppress(sqlite3.Error):
                raw.execute("SELECT 1 FROM schema_version")
                break
            raw.close()
        return raw


def state_address(folder: Path, environ: Mapping[str, str]) -> str:
    """Where the state of the site in *folder* is stored: a path or an address; empty for nowhere.

    ``$PPRNET_STATE``, else a file of its own in the user's state folder (XDG Base Directory
    Specification). It is empty only when the user has no home either.
    """
    if address := environ.get("PPRNET_STATE"):
        return address
    states = Path(environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # such a value is to be ignored
        home = Path(environ.get("HOME", ""))
        if not home.is_absolute():
            return ""
        states = home / ".local/state"
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return str(states / "pprnet-feeds" / f"{name}.sqlite3")


def _make_private(file: Path) -> None:
    """Let only its owner read *file*, whatever the umask; SQLite gives its other files the same mode."""
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
        return
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError, PermissionError):
            mode = Path(f"{file}{suffix}").stat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                Path(f"{file}{suffix}").chmod(mode & 0o700)


def _check_postgres(target: str) -> type[Exception]:
    """The kind of error that the driver raises. Raises ValueError where it is missing or refuses *target*."""
    try:
        import psycopg
    except ImportError:
        raise ValueError(
            "PostgreSQL needs a library that is not installed. Run: pip install 'pprnet-feeds[postgres]'"
        ) from None
    try:
        psycopg.conninfo.conninfo_to_dict(target)
    except psycopg.Error as error:
        raise ValueError(f"the address of the state cannot be used: {' '.join(str(error).split())}") from None
    return psycopg.Error


def _connect_postgres(target: str) -> Any:
    import psycopg

    # A database without an encoding of its own (SQL_ASCII) would else answer in bytes.
    return psycopg.connect(target, connect_timeout=3, client_encoding="utf8")


def _migrate(connection: Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    version = _version(connection)
    if version > VERSION:
        text = f"it is of schema {version}, written by a newer program; this one knows {VERSION}"
        raise UnavailableError(text)
    if version < VERSION:
        for table in _SCHEMA:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
        connection.execute("INSERT INTO edition SELECT '' WHERE NOT EXISTS (SELECT * FROM edition)")
        connection.execute("INSERT INTO schema_version VALUES (?)", VERSION)


def _version(connection: Connection) -> int:
    [version] = connection.execute("SELECT max(number) FROM schema_version").fetchone()
    return version or 0
