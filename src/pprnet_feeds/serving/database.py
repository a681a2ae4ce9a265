"""The database that keeps the service's state, and everything that can befall it.

A SQLite file unless the operator names another address. Workers, processes and
replicas share it: a transaction begins with the lock, so that whoever comes
second sees what the first has written. All that a disk, a network or another
program can do to it becomes one kind of error here, in words for the operator.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from pprnet_feeds.serving.disk import identity

# Each entry makes the next version of the schema out of the one before; entries are only ever added.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE seen (name TEXT PRIMARY KEY, digest TEXT NOT NULL, topics TEXT NOT NULL, "
        "research TEXT NOT NULL, issue TEXT NOT NULL, moment BIGINT NOT NULL)",
    ),
    (
        # What the hubs were told of (in seconds), and what they are still to be told (in milliseconds).
        "CREATE TABLE told (name TEXT PRIMARY KEY, moment BIGINT NOT NULL)",
        "CREATE TABLE pings (hub TEXT NOT NULL, address TEXT NOT NULL, since BIGINT NOT NULL, "
        "tries INTEGER NOT NULL, due BIGINT NOT NULL, held BIGINT NOT NULL, PRIMARY KEY (hub, address))",
    ),
    (
        # What was asked for, by day (YYYY-MM-DD, UTC) and address. An empty address is any other in `polls`,
        # and the whole service in `pollers`, whose numbers are of distinct ones: they are never added up.
        "CREATE TABLE polls (day TEXT NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, "
        "requests BIGINT NOT NULL, bytes BIGINT NOT NULL, PRIMARY KEY (day, address, kind))",
        "CREATE TABLE subscribers (day TEXT NOT NULL, address TEXT NOT NULL, reader TEXT NOT NULL, "
        "feed TEXT NOT NULL, subscribers BIGINT NOT NULL, PRIMARY KEY (day, address, reader, feed))",
        "CREATE TABLE pollers (day TEXT NOT NULL, address TEXT NOT NULL, number BIGINT NOT NULL, "
        "PRIMARY KEY (day, address))",
        # Polls by reading program; an empty one is any that was too rare to keep by name.
        "CREATE TABLE programs (day TEXT NOT NULL, program TEXT NOT NULL, requests BIGINT NOT NULL, "
        "PRIMARY KEY (day, program))",
        # Thrown away at midnight: the salt of the day, and the hashes made with it of those who polled.
        "CREATE TABLE salts (day TEXT PRIMARY KEY, salt TEXT NOT NULL, level INTEGER NOT NULL)",
        "CREATE TABLE hashes (day TEXT NOT NULL, address TEXT NOT NULL, hash BIGINT NOT NULL, "
        "PRIMARY KEY (day, address, hash))",
    ),
    (
        # Stands for all rows of `seen`: who has read them by this mark need not read them again.
        "CREATE TABLE edition (mark TEXT NOT NULL)",
        "INSERT INTO edition VALUES ('')",
    ),
)

# What a transaction begins with: the lock, and how long to wait for it.
_LOCK = {
    "sqlite": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
    "postgresql": ("SET LOCAL lock_timeout = '3s'", "SELECT pg_advisory_xact_lock(1886417518)"),
}
_CONNECT: dict[str, dict[str, object]] = {
    # No isolation level: the driver would begin transactions of its own, without the lock.
    "sqlite": {"timeout": 3.0, "isolation_level": None},
    # A database without an encoding of its own (SQL_ASCII) would else answer in bytes.
    "postgresql": {"connect_timeout": 3, "client_encoding": "utf8"},
}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class UnavailableError(Exception):
    """The database cannot be used at this moment; the words are for the operator."""


class CorruptError(UnavailableError):
    """The file is no database, or broken: waiting will not mend it."""


class Database:
    """The database at *address*: a path or a SQLAlchemy URL. Opened at each use, and not before.

    Raises ValueError, with words for the operator, for an address that cannot be one of ours.

    Attributes:
        place: the address as people may see it, without its password.
    """

    def __init__(self, address: str) -> None:
        url = _url(address)
        self._engine = _engine(url)
        file = url.database if url.get_backend_name() == "sqlite" else None
        self._file = Path(file).absolute() if file else None
        self._opened: tuple[int, int] | None = None
        self.place = str(self._file or url.render_as_string(hide_password=True))

    @contextmanager
    def transaction(self) -> Iterator[sql.Connection]:
        """A connection that holds the lock, on the newest schema; committed at the end of the block."""
        try:
            if self._file:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _keep_private(self._file)
                self._opened = identity(self._file)
            with self._engine.connect() as connection:
                self._lock(connection)
                _migrate(connection)
                yield connection
                connection.commit()
        except (SQLAlchemyError, OSError) as fault:
            code = getattr(getattr(fault, "orig", None), "sqlite_errorcode", 0)
            kind = CorruptError if code & 0xFF in _CORRUPT else UnavailableError
            raise kind(_words(fault)) from fault

    def _lock(self, connection: sql.Connection) -> None:
        if self._engine.dialect.name == "sqlite":
            # Refused while another process does the same; once is enough.
            with suppress(OperationalError):
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        for statement in _LOCK[self._engine.dialect.name]:
            connection.exec_driver_sql(statement)

    def only_read(self) -> Iterator[sql.Connection]:
        """Connections to try where none can be locked, one after the other; each may fail as it is used."""
        urls = [self._engine.url]
        if self._file:
            # A file of ours in a read-only folder opens only on the promise that nobody writes to it.
            name = f"file:{quote(str(self._file))}"
            queries = ({"uri": "true", "mode": "ro"}, {"uri": "true", "mode": "ro", "immutable": "1"})
            urls = [sql.URL.create("sqlite", database=name, query=query) for query in queries]
        for url in urls:
            with suppress(SQLAlchemyError), _engine(url).connect() as connection:
                if _version(connection) == len(MIGRATIONS):
                    yield connection

    def put_aside(self) -> str:
        """Rename a corrupt file, so that the next transaction begins a new one; the new name.

        Raises UnavailableError when it must stay where it is.
        """
        if self._file is None:
            raise UnavailableError("it is corrupt")
        aside = f"{self._file}.corrupt"
        try:
            if identity(self._file) == self._opened:  # else another process was quicker
                for suffix in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        Path(f"{self._file}{suffix}").replace(aside + suffix)
        except OSError as fault:
            raise UnavailableError(_words(fault)) from fault
        return aside


def _keep_private(file: Path) -> None:
    """Let only this user read the state. One that is there is not opened: its locks would go with that."""
    with suppress(OSError):  # SQLite says what is wrong
        descriptor = os.open(os.path.realpath(file), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    for name in (file, *(Path(f"{file}{suffix}") for suffix in ("-wal", "-shm"))):
        with suppress(OSError):
            if name.is_file() and name.stat().st_mode & 0o077:
                name.chmod(0o600)


def _migrate(connection: sql.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    version = _version(connection)
    if version > len(MIGRATIONS):
        words = f"it is of schema {version}, written by a newer program; this one knows {len(MIGRATIONS)}"
        raise UnavailableError(words)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"INSERT INTO schema_version VALUES ({number})")


def _version(connection: sql.Connection) -> int:
    number: int | None = connection.exec_driver_sql("SELECT max(number) FROM schema_version").scalar()
    return number or 0


def _url(address: str) -> sql.URL:
    if "://" not in address:
        return sql.URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        return sql.make_url(address)
    except SQLAlchemyError:
        raise ValueError("the address of the state cannot be read") from None


def _engine(url: sql.URL) -> sql.Engine:
    kind = url.get_backend_name()
    if kind not in _LOCK:
        raise ValueError(f"the state cannot be kept in {kind!r}: give a path or a postgresql address")
    try:
        # A connection for each transaction: they are few, and a vanished file must not stay open.
        return sql.create_engine(url, poolclass=NullPool, connect_args=_CONNECT[kind])
    except (SQLAlchemyError, ImportError) as error:
        raise ValueError(f"the address of the state cannot be used: {_words(error)}") from error


def _words(fault: Exception) -> str:
    return " ".join(str(getattr(fault, "orig", None) or fault).split())
