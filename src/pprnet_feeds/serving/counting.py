"""What was asked for, kept by the day in the state: the source of the statistics.

Batches come from the tally every few seconds, away from the requests. Nobody's
feeds may depend on this: while the state cannot be used, what is counted waits
in memory, up to a bound, one line in the log says so, and it is written when
the state is back.

Of those who ask, nothing is kept but how many there were. Their hashes are
needed until midnight, to tell those who come again, and so is the salt they
were made with; then both are thrown away, and nobody can tell any more whose
they were.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sql

from pprnet_feeds.serving.counts import Counts, Poller, admitted, count, joined
from pprnet_feeds.serving.database import Database, UnavailableError
from pprnet_feeds.serving.tally import Batch

log = logging.getLogger("pprnet_feeds")

# How long what was counted is kept.
KEPT = timedelta(days=3 * 366)
# How often the state is looked at when nobody asks for anything.
IDLE = timedelta(minutes=1)
# Hashes of one day, at most. Beyond, every second one is thrown away, by its last bit, and each of the others
# stands for two; and so on: the number of pollers is then an estimate, off by a hundredth or two.
MOST_HASHES = 100_000
SALT_BYTES = 16

_KEYS = (
    sql.text("SELECT day, address, kind FROM polls WHERE day = :day"),
    sql.text("SELECT day, address, reader, feed FROM subscribers WHERE day = :day"),
    sql.text("SELECT day, program FROM programs WHERE day = :day"),
)
_ADD_POLLS = sql.text(
    "INSERT INTO polls (day, address, kind, requests, bytes) "
    "VALUES (:day, :address, :kind, :requests, :bytes) ON CONFLICT (day, address, kind) DO UPDATE SET "
    "requests = polls.requests + excluded.requests, bytes = polls.bytes + excluded.bytes"
)
_SET_SUBSCRIBERS = sql.text(
    "INSERT INTO subscribers (day, address, reader, feed, subscribers) "
    "VALUES (:day, :address, :reader, :feed, :subscribers) "
    "ON CONFLICT (day, address, reader, feed) DO UPDATE SET subscribers = excluded.subscribers"
)
_ADD_PROGRAMS = sql.text(
    "INSERT INTO programs (day, program, requests) VALUES (:day, :program, :requests) "
    "ON CONFLICT (day, program) DO UPDATE SET requests = programs.requests + excluded.requests"
)
_ADD_HASHES = sql.text(
    "INSERT INTO hashes (day, address, hash) VALUES (:day, :address, :hash) ON CONFLICT DO NOTHING"
)
_COUNT_HASHES = sql.text("SELECT count(*) FROM hashes WHERE day = :day")
_THIN_HASHES = sql.text("DELETE FROM hashes WHERE day = :day AND hash & :mask <> 0")
# A number never falls: the state may have been lost in the course of the day, and with it the hashes.
_SET_POLLERS = sql.text(
    "INSERT INTO pollers (day, address, number) "
    "SELECT day, address, count(*) * :weight FROM hashes WHERE day = :day GROUP BY day, address "
    "ON CONFLICT (day, address) DO UPDATE SET number = excluded.number WHERE pollers.number < excluded.number"
)
_SALTS = sql.text("SELECT day, salt FROM salts")
_ADD_SALT = sql.text("INSERT INTO salts (day, salt, level) VALUES (:day, :salt, 0)")
_LEVEL = sql.text("SELECT level FROM salts WHERE day = :day")
_SET_LEVEL = sql.text("UPDATE salts SET level = :level WHERE day = :day")
_FORGET = tuple(
    sql.text(f"DELETE FROM {table} WHERE day <> :today AND day <> :tomorrow") for table in ("salts", "hashes")
)
_PRUNE = tuple(
    sql.text(f"DELETE FROM {table} WHERE day < :oldest")
    for table in ("polls", "subscribers", "pollers", "programs")
)
_COUNT_PINGS = sql.text("SELECT count(*) FROM pings")


class Counting:
    """Keeps what one process has counted, in *database*.

    Attributes:
        pings: how many pings wait in the state, as it was when it could last be used.
    """

    def __init__(self, database: Database) -> None:
        self.pings = 0
        self._database = database
        self._waiting = Counts()
        self._day = ""
        self._salt = b""
        self._looked: datetime | None = None
        self._failing = False

    def fold(self, batch: Batch, now: datetime) -> None:
        """Keep what *batch* says, under the day of *now* (UTC). It may take seconds.

        To be called every few seconds, also with an empty batch: it is this
        that throws hashes away after midnight.
        """
        day = _day(now)
        if self._day != day:
            self._day, self._salt, self._looked = day, secrets.token_bytes(SALT_BYTES), None
            self._waiting.pollers.clear()
        if not batch and self._waiting.is_empty and self._looked and now < self._looked + IDLE:
            return
        try:
            with self._database.transaction() as connection:
                has_hashes = self._agree(connection, now)
                _write(connection, joined(self._waiting, count(batch, day, self._salt)), day, has_hashes)
                self.pings = connection.execute(_COUNT_PINGS).scalar_one()
        except UnavailableError as fault:
            self._waiting = joined(self._waiting, count(batch, day, self._salt))
            if not self._failing:
                log.warning(
                    "what is asked for is counted in memory until the state in %s can be used (%s)",
                    *(self._database.place, fault),
                )
            self._failing = True
        else:
            self._waiting, self._looked = Counts(), now
            if self._failing:
                log.info("what is asked for is kept in %s again", self._database.place)
            self._failing = False

    def _agree(self, connection: sql.Connection, now: datetime) -> bool:
        """Use the day's salt of all who share the state, and throw away those of other days.

        False when another's clock is past midnight: this day's hashes are gone, and no more are made.
        """
        salts: dict[str, str] = dict(connection.execute(_SALTS).all())
        tomorrow = _day(now + timedelta(days=1))
        if self._day in salts and salts[self._day] != self._salt.hex():
            self._waiting.pollers.clear()  # made with one that nobody else has
            self._salt = bytes.fromhex(salts[self._day])
        if self._day not in salts or salts.keys() - {self._day, tomorrow}:
            _forget(connection, self._day, tomorrow, _day(now - KEPT))
        if self._day not in salts and tomorrow not in salts:
            connection.execute(_ADD_SALT, {"day": self._day, "salt": self._salt.hex()})
        return tomorrow not in salts


def _forget(connection: sql.Connection, today: str, tomorrow: str, oldest: str) -> None:
    """Throw away what other days have left behind, and what is older than we keep."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")  # in the file, too
    for statement in _FORGET:
        connection.execute(statement, {"today": today, "tomorrow": tomorrow})
    for statement in _PRUNE:
        connection.execute(statement, {"oldest": oldest})


def _write(connection: sql.Connection, counts: Counts, day: str, has_hashes: bool) -> None:
    """Add *counts* to the rows of their days; pollers only while hashes of *day* are kept."""
    days = sorted({day for day, _, _ in counts.polls})
    polls, reports, programs = (
        [tuple(row) for each in days for row in connection.execute(statement, {"day": each})]
        for statement in _KEYS
    )
    kept = admitted(counts, polls, reports, programs)
    for statement, columns, rows in (
        (_ADD_POLLS, "day address kind requests bytes", [(*key, *sums) for key, sums in kept.polls.items()]),
        (
            _SET_SUBSCRIBERS,
            "day address reader feed subscribers",
            [(*key, number) for key, number in kept.reports.items()],
        ),
        (_ADD_PROGRAMS, "day program requests", [(*key, number) for key, number in kept.programs.items()]),
    ):
        if rows:
            connection.execute(statement, [dict(zip(columns.split(), row, strict=True)) for row in rows])
    if has_hashes and kept.pollers:
        _write_pollers(connection, kept.pollers, day)


def _write_pollers(connection: sql.Connection, pollers: Collection[Poller], day: str) -> None:
    """Add hashes to those of *day*, and count them, as many as each stands for."""
    level: int = connection.execute(_LEVEL, {"day": day}).scalar_one()
    weight = 1 << level
    rows = [
        {"day": day, "address": address, "hash": number}
        for _, address, number in pollers
        if number % weight == 0
    ]
    if rows:
        connection.execute(_ADD_HASHES, rows)
    while connection.execute(_COUNT_HASHES, {"day": day}).scalar_one() > MOST_HASHES:
        weight *= 2
        connection.execute(_THIN_HASHES, {"day": day, "mask": weight - 1})
    connection.execute(_SET_LEVEL, {"day": day, "level": weight.bit_length() - 1})
    connection.execute(_SET_POLLERS, {"day": day, "weight": weight})


def _day(now: datetime) -> str:
    return now.date().isoformat()
