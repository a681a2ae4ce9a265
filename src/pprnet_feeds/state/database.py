"""The database: a SQLite file, or PostgreSQL where several machines share the state.

A connection is opened for each use and closed after it. A transaction takes the lock before it reads, so
the second of two processes sees what the first wrote. Any fault of a disk, a network or another program
becomes an `UnavailableError`. Call nothing here on the event loop: waiting for the lock may take seconds.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

# The version of the schema, stored in a table that the version before reads as well.
VERSION = 4
_SCHEMA = Path(__file__).with_name("schema.sql")
# How long the lock is waited for, in seconds.
_WAIT = 3
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?(?=://)")
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# SQLite makes the other two files beside the first.
_SUFFIXES = ("", "-wal", "-shm")


class UnavailableError(Exception):
    """The database cannot be used at this moment; the text is for the operator."""


class CorruptError(UnavailableError):
    """The file is no database, or it is broken: waiting does not help."""


class Connection:
    """An open connection. Statements mark their parameters with ``?`` on both databases."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.is_sqlite = isinstance(raw, sqlite3.Connection)
        self._mark = "?" if self.is_sqlite else "%s"

    def execute(self, statement: str, *parameters: object) -> Any:
        """Run one statement and return its cursor."""
        return self._raw.execute(statement.replace("?", self._mark), parameters)

    def execute_each(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of *rows*."""
        self._raw.cursor().executemany(statement.replace("?", self._mark), list(rows))


class Database:
    """The database at *address*: a path, ``sqlite:///path`` or ``postgresql://…``. Nothing is opened yet.

    Raises ValueError, with a text for the operator, for any other address.

    Attributes:
        place: the address as people may see it, without its password.
        file: the path of a SQLite file; None for PostgreSQL.
    """

    def __init__(self, address: str) -> None:
        self.file: Path | None = None
        self._inode = 0
        self._errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
        scheme, separator, _ = address.partition("://")
        if not separator or scheme == "sqlite":
            self.file = Path(address.removeprefix("sqlite:///")).absolute()
            self.place = str(self.file)
        elif _POSTGRES.match(address):
            self.place = re.sub(r"(://[^:/@?]*:)[^/]*(?=@)|(\bpassword=)[^&]*", r"\1\2***", address)
            self._connect, error = _postgres(_POSTGRES.sub("postgresql", address))
            self._errors += (error,)
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
        """A connection for reading, which waits for no lock and creates nothing."""
        with self._faults(), closing(self._open_to_read()) as raw:
            connection = Connection(raw)
            if (version := _version(connection)) != VERSION:
                raise UnavailableError(f"it is of schema {version}")
            yield connection

    def rename_corrupt(self) -> str:
        """Rename a corrupt file, so that the next transaction creates a new one; return the new name.

        A file that another process has created since our last transaction stays.
        """
        if self.file is None:
            raise UnavailableError("it is corrupt")
        with self._faults():
            for suffix in _SUFFIXES if self.file.stat().st_ino == self._inode else ():
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
            return self._connect()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(Path(os.path.realpath(self.file)))
        self._inode = self.file.stat().st_ino
        # Without an isolation level the driver begins no transaction of its own.
        return sqlite3.connect(self.file, timeout=_WAIT, isolation_level=None)

    def _open_to_read(self) -> Any:
        if self.file is None:
            return self._connect()
        # SQLite opens a file in a read-only folder only as immutable: no process may write to it.
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            raw = sqlite3.connect(f"file:{quote(str(self.file))}?{mode}", timeout=_WAIT, uri=True)
            with suppress(sqlite3.Error):
                raw.execute("SELECT 1 FROM schema_version")
                break
            raw.close()
        return raw


def state_address(folder: Path, environ: Mapping[str, str]) -> str:
    """Where the state of the site in *folder* is stored: a path or an address; empty for nowhere.

    ``$PPRNET_STATE``, else a file in the user's state folder (XDG Base Directory Specification).
    It is empty only when the user has no home either.
    """
    if address := environ.get("PPRNET_STATE"):
        return address
    states = Path(environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # the specification says to ignore such a value
        states = Path(environ.get("HOME", "")) / ".local/state"
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return str(states / "pprnet-feeds" / f"{name}.sqlite3") if states.is_absolute() else ""


def _make_private(file: Path) -> None:
    """Let only its owner read *file*, whatever the umask; SQLite gives its other files the same mode."""
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    for each in (Path(f"{file}{suffix}") for suffix in _SUFFIXES):
        with suppress(FileNotFoundError, PermissionError):
            if each.is_file() and each.stat().st_mode & 0o077:
                each.chmod(each.stat().st_mode & 0o700)


def _postgres(target: str) -> tuple[Callable[[], Any], type[Exception]]:
    """How to connect to PostgreSQL, and the kind of error that its driver raises.

    Raises ValueError where the driver is missing or refuses *target*.
    """
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
    # A database without an encoding of its own (SQL_ASCII) would else answer in bytes.
    return partial(psycopg.connect, target, connect_timeout=3, client_encoding="utf8"), psycopg.Error


def _migrate(connection: Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
    version = _version(connection)
    if version > VERSION:
        text = f"it is of schema {version}, written by a newer program; this one knows {VERSION}"
        raise UnavailableError(text)
    if version < VERSION:
        for statement in _SCHEMA.read_text("utf-8").split(";\n")[:-1]:
            connection.execute(statement)
        connection.execute("INSERT INTO schema_version VALUES (?)", VERSION)


def _version(connection: Connection) -> int:
    [version] = connection.execute("SELECT max(number) FROM schema_version").fetchone()
    return version or 0
