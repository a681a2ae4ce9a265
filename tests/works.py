"""Crossref and Unpaywall as the tests have them: one server, with answers of the documented shape."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SITE = """\
title: "Studies and What Became of Them"
short_title: "Studies"
base_url: "https://studies.example.org"
tag_root: "studies.example.org,2013:blog"
author: {name: "Ada Writer", url: "https://studies.example.org/ada", email: "ada@studies.example.org"}
language: en
time_zone: UTC
contact: editor@studies.example.org
newsletter: {url: "https://list.example.org/join", unsubscribe: "https://list.example.org/leave?list=month"}
"""

POSTS = {
    "2021-01-retracted": """\
title: A retracted study
date: 2021-01
topics: [alliance]
# The study itself.
cites:
  # as printed
  - text: "Ek, A. (2019). Calm in trials. World of Talk, 20, 387-396."  # the first
    year: 2019
    doi: 10.5555/calm.20

  # the other one
  - "Lind, K. (2018). Fast doubt. Unprinted manuscript."
summary: A summary.
""",
    "2021-02-corrected": """\
title: A corrected study
date: 2021-02
topics: [alliance]
cites:
- "Ott, P. (2018). Sums of talk. World of Talk, 18, 1-9. https://doi.org/10.5555/sums"
""",
    "2021-03-of-concern": """\
title: A study of concern
date: 2021-03
topics: [sleep]
cites: [{text: "Berg, O. (2017). Sleep {and} rest. Rest, 1, 1-2.", doi: 10.5555/rest}]  # one
""",
    "2021-04-reinstated": """\
title: A study that was reinstated
date: 2021-04
topics: [sleep]
cites:
  - text: "Dahl, E. (2016). Dreams at noon. Rest, 2, 3-4."
    doi: 10.5555/dreams
    notice: {kind: retraction, date: 2020-01-05, doi: 10.5555/dreams.r}
    pages: 3-4
""",
    "2021-05-no-doi": """\
title: A study without a DOI
date: 2021-05
topics: [sleep]
citation: "Falk, I. (2015). Walking in the evening: A trial of many steps. Rest, 3(1), 5-9."
""",
    "2021-06-wrong-doi": """\
title: A study with a wrong DOI
date: 2021-06
topics: [sleep]
cites:
  - {text: "Grau, U. (2014). Tea before bed. Rest, 4, 1-9.", doi: 10.5555/unknown}
  - {text: "Holm, Y. (2013). Music for the restless. Rest, 5, 1-9.", doi: 10.5555/sums}
""",
}
PLAIN = "They asked many people.\n\n## Practice Implications\n\nAsk.\n"


def work(doi: str, title: str, family: str, year: int, *updates: tuple[str, str, str]) -> dict[str, Any]:
    """Crossref's record of a work; each update is a type, a date and where it comes from."""
    record: dict[str, Any] = {
        "DOI": doi.upper(),
        "type": "journal-article",
        "title": [title],
        "author": [{"given": "Name", "family": family, "sequence": "first"}],
        "issued": {"date-parts": [[year, 3]]},
    }
    if updates:
        record["updated-by"] = [
            {
                "DOI": f"{doi}.{kind[0]}",
                "type": kind,
                "label": kind.title(),
                "source": source,
                "updated": {"date-parts": [[int(part) for part in date.split("-")]], "timestamp": 0},
            }
            for kind, date, source in updates
        ]
    return {"status": "ok", "message-type": "work", "message": record}


def copy(doi: str, url: str, version: str, licence: str | None) -> dict[str, Any]:
    """Unpaywall's record of a work of which there are two free copies."""
    best = {"url": url, "version": version, "license": licence, "host_type": "repository"}
    other = {"url": "https://other.example.org/", "version": "submittedVersion", "license": None}
    return {"doi": doi, "is_oa": True, "best_oa_location": best, "oa_locations": [other, best]}


FALK = work("10.5555/walk", "Walking in the evening: A trial of many steps", "Falk", 2015)
FALK["message"] |= {"container-title": ["Rest"], "volume": "3", "issue": "1", "page": "5-9"}
RECORDS: dict[str, Any] = {
    "/works/10.5555/calm.20": work(
        *("10.5555/calm.20", "RETRACTED: Calm in trials", "Ek", 2019),
        *(("correction", "2019-12-01", "publisher"), ("retraction", "2024-03-09", "retraction-watch")),
        ("withdrawal", "2024-03-12", "publisher"),
    ),
    "/works/10.5555/sums": work(
        "10.5555/sums", "Sums of talk", "Ott", 2018, ("erratum", "2020-05-06", "publisher")
    ),
    "/works/10.5555/rest": work(
        *(
            "10.5555/rest",
            "Sleep {and} rest",
            "Berg",
            2017,
            ("expression_of_concern", "2023-11-30", "publisher"),
        )
    ),
    "/works/10.5555/dreams": work(
        *("10.5555/dreams", "Dreams at noon", "Dahl", 2016, ("retraction", "2020-01-05", "publisher")),
        ("reinstatement", "2021-02-03", "retraction-watch"),
    ),
    "/works/10.5555/walk": FALK,
    "/works": {
        "status": "ok",
        "message-type": "work-list",
        "message": {
            "items": [
                work("10.5555/other", "Walking in the morning", "Falk", 2015)["message"],
                work("10.5555/older", "Walking in the evening: A trial of many steps", "Falk", 2011)[
                    "message"
                ],
                FALK["message"],
            ]
        },
    },
    "/v2/10.5555/calm.20": copy(
        "10.5555/calm.20", "https://repo.example.org/calm.pdf", "acceptedVersion", "cc-by-nc"
    ),
    "/v2/10.5555/sums": {"doi": "10.5555/sums", "is_oa": False, "best_oa_location": None, "oa_locations": []},
}


@dataclass
class Works:
    """The server: what it answers by path, what it was asked, and what it answers instead at first."""

    base: str
    answers: dict[str, Any] = field(default_factory=lambda: dict(RECORDS))
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    first: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    always: tuple[int, dict[str, str], bytes] | None = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    works: Works

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that had enough and left


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        works = self.server.works
        works.asked.append(self.path)
        works.agents.add(self.headers["User-Agent"])
        found = works.answers.get(unquote(urlsplit(self.path).path))
        status, headers, body = (
            (200, {}, json.dumps(found).encode()) if found else (404, {}, b"Resource not found.")
        )
        if works.first:
            status, headers, body = works.first.pop(0)
        elif works.always:
            status, headers, body = works.always
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            while body == b"endless":
                self.wfile.write(body * 10_000)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def works_running() -> Iterator[Works]:
    """Both registries, until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.works = Works(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.works
        finally:
            server.shutdown()
            thread.join()


def make_site(folder: Path) -> Path:
    """Write a site with a study of each kind: retracted, corrected, of concern, reinstated, and so on."""
    for name in ("posts", "feeds"):
        (folder / name).mkdir(parents=True)
    (folder / "feeds/site.yaml").write_text(SITE)
    (folder / "feeds/topics.yaml").write_text(
        "- {slug: alliance, label: Alliance}\n- {slug: sleep, label: Sleep}\n"
    )
    (folder / "feeds/issues.yaml").write_text("2021-05: …I walk in the evening\n")
    for name, front in POSTS.items():
        (folder / f"posts/{name}.md").write_text(f"---\n{front}---\n{PLAIN}")
    return folder
