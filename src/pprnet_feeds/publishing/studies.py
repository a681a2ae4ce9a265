"""Ask Crossref and Unpaywall what became of cited works, for missing DOIs, and for copies free to read.

Registries are asked one question at a time and as slowly as they want. What they answer is stored for a
day, so that a run which stopped goes on where it was. A registry that fails twice is left alone for the
rest of the run, and nothing is concluded from its silence.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pprnet_feeds import __version__
from pprnet_feeds.content.dates import day
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.model import NOTICES, Citation, Notice, NoticeKind, OpenAccess
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.text import doi_in, one_line
from pprnet_feeds.publishing import doi
from pprnet_feeds.syndication.notices import became
from pprnet_feeds.syndication.references import complete

CROSSREF, UNPAYWALL = "https://api.crossref.org", "https://api.unpaywall.org"
_SECONDS = 12
_FAILURES = 2
_LONGEST_WAIT = 60
_PARTS = ("DOI", "title", "author", "issued", "updated-by", "best_oa_location")
_KINDS: dict[str, NoticeKind] = {
    **dict.fromkeys(("retraction", "withdrawal", "removal"), "retraction"),
    **dict.fromkeys(("expression_of_concern", "concern"), "concern"),
    **dict.fromkeys(("correction", "erratum", "corrigendum", "partial_retraction"), "correction"),
}
_SOURCES = {"retraction-watch": "Retraction Watch"}
# Publishers put such a word before the title of a work that was retracted.
_MARK = re.compile(
    r"^(?:(?:retracted|withdrawn|removed|retraction)(?: (?:article|chapter))?: ?)+", re.IGNORECASE
)
# A title of fewer letters may be the beginning of another.
_SURE = 25


@dataclass
class Registries:
    """Crossref and Unpaywall, at these addresses.

    Attributes:
        contact: an e-mail address of ours, for the people who run them.
        cache: the folder where answers are stored for a day.
        faults: why a registry did not answer, by its address, once for each question.
    """

    crossref: str
    unpaywall: str
    contact: str
    cache: Path
    now: datetime
    faults: dict[str, list[str]] = field(default_factory=dict)

    def work(self, number: str) -> dict[str, Any] | None:
        """The record of the work with a DOI; None where Crossref knows none.

        Raises:
            NoAnswerError: the registry cannot be asked; so do the others.
        """
        return self._ask(self.crossref, f"/works/{quote(number, safe='/')}", mailto=self.contact)[0]

    def search(self, reference: str) -> list[dict[str, Any]]:
        """The records of the works that a printed reference may be of."""
        query = {"query.bibliographic": reference, "rows": "3", "mailto": self.contact}
        return [record for record in self._ask(self.crossref, "/works", **query) if record]

    def free_copy(self, number: str) -> dict[str, Any] | None:
        """Unpaywall's record of the work with a DOI; None where it knows none."""
        return self._ask(self.unpaywall, f"/v2/{quote(number, safe='/')}", email=self.contact)[0]

    def _ask(self, root: str, path: str, **query: str) -> list[dict[str, Any] | None]:
        """The records of an answer, stored or new; None alone where there is nothing at the address."""
        url = f"{root}{path}?{urlencode(query)}"
        stored = self.cache / f"{hashlib.blake2b(url.encode(), digest_size=16).hexdigest()}.json"
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found = json.loads(stored.read_text("utf-8"))
            if timedelta() <= self.now - datetime.fromisoformat(found["asked"]) < timedelta(days=1):
                return list(found["answer"])
        faults = self.faults.setdefault(root, [])
        try:
            if len(faults) >= _FAILURES:
                raise doi.NoAnswerError(faults[0])
            answer = self._records(root, url)
        except doi.NoAnswerError as reason:
            faults.append(str(reason))
            raise
        with contextlib.suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True)
            stored.write_text(json.dumps({"asked": self.now.isoformat(), "answer": answer}), "utf-8")
        return answer

    def _records(self, root: str, url: str) -> list[dict[str, Any] | None]:
        headers = {
            "Accept": "application/json",
            "User-Agent": f"pprnet-feeds/{__version__} (mailto:{self.contact})",
        }
        for wait in (1, 2, 4, None):
            status, given, body = doi.request(url, root, _SECONDS, headers, 0)
            asked = given.get("retry-after", "")
            if status not in (429, 503) or wait is None or (asked.isdigit() and int(asked) > _LONGEST_WAIT):
                break
            time.sleep(int(asked) if asked.isdigit() else wait)
        # Crossref says how many questions it takes in how many seconds.
        limit, interval = (
            re.match(r"[1-9][0-9]{0,3}", given.get(f"x-rate-limit-{name}", ""))
            for name in ("limit", "interval")
        )
        if limit and interval:
            time.sleep(min(int(interval[0]) / int(limit[0]), _LONGEST_WAIT))
        if status == 404:
            return [None]
        try:
            answer = doi.decoded(status, body, root)
            message = answer.get("message", answer)
            records = message.get("items", [message])
            return [{name: record[name] for name in _PARTS if name in record} for record in records]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise doi.NoAnswerError(f"{root} sent no record of a work") from None


def examined(cite: Citation, registries: Registries) -> tuple[Citation, list[tuple[str, str]]]:
    """The work with what the registries that answered know of it, and that in words, each with its source."""
    found: list[tuple[str, str]] = []
    with contextlib.suppress(doi.NoAnswerError):
        if not cite.doi and (number := _missing_doi(cite, registries)):
            cite = replace(cite, doi=number)
            found.append(
                (f"the study has no `doi`: it is {number}", "Crossref, by title, year and first author")
            )
        record = registries.work(cite.doi) if cite.doi else {}
        if record is None:
            source = "Crossref; compare it with the one printed"
            return cite, [*found, (f"Crossref knows no work with the DOI {cite.doi}", source)]
        if other := _other_work(cite, record):
            return cite, [*found, (f"the DOI {cite.doi} is of another work: {quoted(other)}", "Crossref")]
        notice, undone, source = notice_of(record)
        if undone and cite.notice and cite.notice.kind != "correction":
            cite = replace(cite, notice=None)
            found.append((f"the study was reinstated{f' on {undone}' if undone > '0' else ''}", source))
        if notice and (not cite.notice or NOTICES.index(notice.kind) < NOTICES.index(cite.notice.kind)):
            cite = replace(cite, notice=notice)
            found.append((f"the study {became(notice)}{f' ({notice.doi})' if notice.doi else ''}", source))
    with contextlib.suppress(doi.NoAnswerError):
        if cite.doi and cite.open_access is None and (copy := _copy(registries.free_copy(cite.doi))):
            cite = replace(cite, open_access=copy)
            about = ", ".join(filter(None, (copy.version, copy.licence)))
            found.append(
                (f"the study is free to read: {copy.url}{f' ({about})' if about else ''}", "Unpaywall")
            )
    return cite, found


def notice_of(record: dict[str, Any]) -> tuple[Notice | None, str, str]:
    """The gravest notice, of equals the earliest, when the work was reinstated, and who says it."""
    updates = [update for update in _list(record.get("updated-by")) if isinstance(update, dict)]
    dated = [(_kind(update), _day(update.get("updated")), update) for update in updates]
    undone = max((date or "0" for kind, date, _ in dated if kind == "reinstatement"), default="")
    notices = [
        (NOTICES.index(_KINDS[kind]), date or "9", update)
        for kind, date, update in dated
        if kind in _KINDS
        and not (undone and _KINDS[kind] != "correction" and (undone == "0" or date <= undone))
    ]
    gravest = min(notices, key=lambda found: found[:2], default=None)
    source = gravest[2].get("source") if gravest else ""
    by = f"Crossref, from {_SOURCES.get(str(source), 'the publisher')}" if gravest else "Crossref"
    if gravest is None:
        return None, undone, by
    return (
        Notice(
            NOTICES[gravest[0]], gravest[1].strip("9") and gravest[1], doi_in(str(gravest[2].get("DOI", "")))
        ),
        undone,
        by,
    )


def _kind(update: dict[str, Any]) -> str:
    return re.sub(r"[\s-]+", "_", str(update.get("type", "")).lower())


def _day(updated: Any) -> str:
    """The day or month of Crossref's date, or nothing."""
    match updated:
        case {"date-parts": [[int(), int(), *_] as parts, *_]}:
            return day("-".join(f"{part:02}" for part in parts[:3])) or ""
        case {"date-time": str(text)}:
            return day(text[:10]) or ""
    return ""


def _copy(record: dict[str, Any] | None) -> OpenAccess | None:
    """The best legal copy that Unpaywall names."""
    best = (record or {}).get("best_oa_location")
    url, version, licence = (str((best or {}).get(name) or "") for name in ("url", "version", "license"))
    return OpenAccess(url, one_line(version)[:50], one_line(licence)[:50]) if is_address(url) else None


def _missing_doi(cite: Citation, registries: Registries) -> str:
    """The DOI of the work whose title, year and first author are those of the reference; else nothing."""
    printed = complete(cite)
    for record in registries.search(cite.text):
        number = doi_in(str(record.get("DOI", "")))
        with contextlib.suppress(ValueError):
            found = doi.citation_of(record, number)
            family, title = (
                _letters(part)
                for part in (found.authors[0].partition(",")[0] if found.authors else "", found.title)
            )
            same = [title == _letters(printed.title), len(title) >= _SURE and title in _letters(cite.text)]
            year = found.year and found.year in (printed.year or cite.text)
            if number and family and year and any(same) and _letters(cite.text).startswith(family):
                return number
    return ""


def _other_work(cite: Citation, record: dict[str, Any]) -> str:
    """The title of the work that a DOI is of, where it is surely not the one cited."""
    try:
        found = doi.citation_of(record, cite.doi)
    except ValueError:
        return ""
    printed = _letters(f"{cite.text} {cite.title}")
    title = _MARK.sub("", found.title)
    words = [word for word in map(_letters, title.split()) if len(word) > 3]
    is_same = sum(word in printed for word in words) * 2 >= len(words)
    family = _letters(found.authors[0].partition(",")[0]) if found.authors else ""
    return (
        "" if is_same or (family and family in printed and found.year and found.year in cite.text) else title
    )


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", _MARK.sub("", text)).casefold()
    return "".join(filter(str.isalnum, plain))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
