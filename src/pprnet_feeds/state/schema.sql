-- The tables of the state, the same on SQLite and PostgreSQL. Moments are seconds since 1970 unless said otherwise.

-- When each resource was first seen as it is now; the mark changes with every change of a row.
CREATE TABLE IF NOT EXISTS seen (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    topics TEXT NOT NULL,
    research TEXT NOT NULL,
    issue TEXT NOT NULL,
    moment BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS edition (mark TEXT NOT NULL);
INSERT INTO edition SELECT '' WHERE NOT EXISTS (SELECT * FROM edition);

-- What was put into the queue of pings, and the queue (in milliseconds).
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, moment BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS pings (
    hub TEXT NOT NULL,
    address TEXT NOT NULL,
    since BIGINT NOT NULL,
    tries INTEGER NOT NULL,
    due BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (hub, address)
);

-- Requests by day (YYYY-MM-DD, UTC) and path. An empty path counts all paths that are not stored.
CREATE TABLE IF NOT EXISTS polls (
    day TEXT NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    requests BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (day, address, kind)
);
CREATE TABLE IF NOT EXISTS subscribers (
    day TEXT NOT NULL,
    address TEXT NOT NULL,
    reader TEXT NOT NULL,
    feed TEXT NOT NULL,
    subscribers BIGINT NOT NULL,
    PRIMARY KEY (day, address, reader, feed)
);

-- The version before fills these. They stay, and stay empty, so that an operator can go back to it.
CREATE TABLE IF NOT EXISTS pollers (
    day TEXT NOT NULL, address TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (day, address)
);
CREATE TABLE IF NOT EXISTS programs (
    day TEXT NOT NULL, program TEXT NOT NULL, requests BIGINT NOT NULL, PRIMARY KEY (day, program)
);
CREATE TABLE IF NOT EXISTS salts (day TEXT PRIMARY KEY, salt TEXT NOT NULL, level INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hashes (
    day TEXT NOT NULL, address TEXT NOT NULL, hash BIGINT NOT NULL, PRIMARY KEY (day, address, hash)
);
