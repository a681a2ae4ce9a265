"""``pprnet-feeds studies``: what became of cited works, missing DOIs, and copies free to read.

Registries are asked one question at a time and as slowly as they want. What they answer is stored for a
day, so that a run which was stopped continues where it was. A registry that fails twice is left alone for the
rest of the run, and nothing is concluded from its silence.
"""

import contextlib
import hashlib
import json
import os
import re
import time
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from pprnet_feeds import __version__
from pprnet_feeds.commands import options
from pprnet_feeds.content.dates import day
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.model import NOTICES, Citation, Notice, NoticeKind, OpenAccess
from pprnet_feeds.content.problems import Form, Problem, blocking, in_words, quoted, report, some
from pprnet_feeds.content.text import clean, doi_in, one_line
from pprnet_feeds.publishing import doi
from pprnet_feeds.publishing.postfile import cited_value, with_citation, write_file
from pprnet_feeds.syndication.citations import became
from pprnet_feeds.syndication.references import complete

CROSSREF, UNPAYWALL = "https://api.crossref.org", "https://api.unpaywall.org"
_SECONDS = 10
_FAILURES = 2
_LONGEST_WAIT = 60
_KINDS: dict[str, NoticeKind] = {
    **dict.fromkeys(("retraction", "withdrawal", "removal"), "retraction"),
    **dict.fromkeys(("expression_of_concern", "concern"), "concern"),
    **dict.fromkeys(("correction", "erratum", "corrigendum", "partial_retraction"), "correction"),
}
# Publishers put such a word before the title of a work that was retracted.
_MARK = re.compile(r"^(?:(?:retracted|withdrawn|removed|retraction)(?: article| chapter)?: ?)+", re.I)
_SURE = 25  # letters: a title of fewer may be the beginning of another

# What is taken from a record: of Crossref, or of Unpaywall.
_Facts = dict[str, Any]


@click.command()
@options.site
@click.option("--write", is_flag=True, help="Write what was found into the posts.")
@options.form("text", "github", "json", help="Text, annotations for a pull request, or JSON.")
def studies(folder: Path, form: Form, *, write: bool) -> None:
    """Ask the registries whether a cited study was retracted or corrected.

    Crossref reports retractions, corrections and expressions of concern, and finds missing DOIs; Unpaywall
    finds free copies. Both require an e-mail address: `contact` in feeds/site.yaml or PPRNET_CONTACT.
    Answers are stored for a day. Exits with 1 when something is new, with --write when something was
    written, and with 2 when a registry could not be asked.

    \b
    Examples:
        pprnet-feeds studies
        pprnet-feeds studies --write --format github
    """
    now = options.now()
    try:
        site = options.settings_of(folder, "Nothing was asked.")
    except SystemExit:  # its code would say that something is new
        raise SystemExit(2) from None
    if not site.contact:
        _stop("The registries want an e-mail address: set `contact` in feeds/site.yaml, or PPRNET_CONTACT.")
    names = ("PPRNET_CROSSREF_URL", "PPRNET_UNPAYWALL_URL")
    roots = [os.environ.get(name, "").strip().rstrip("/") for name in names]
    for root in filter(None, roots):
        if not is_address(root):
            _stop(f"The address of a registry is not a web address: {root!r}. Write it like {CROSSREF}.")
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    caches = caches if caches.is_absolute() else Path.home() / ".cache"
    crossref, unpaywall = roots[0] or CROSSREF, roots[1].removesuffix("/v2") or UNPAYWALL
    registries = Registries(crossref, unpaywall, site.contact, caches / "pprnet-feeds", now)
    library = read_library(folder, site, now, drafts=True)
    posts = sorted(library.posts, key=lambda post: post.file)
    works = [(post.file, place, cite) for post in posts for place, cite in enumerate(post.cites)]
    found: list[Problem] = []
    is_new = False
    for file, place, before in options.watched(works, "Asking about studies"):
        cite, said = examined(before, registries)
        if not said:
            continue
        text, mend = (folder / file).read_bytes().decode("utf-8-sig"), "Source: {}."
        if cite != before:
            after = with_citation(text, file, site, before, cite) if write else None
            if after:
                with options.writing(folder / file, "The file is as it was."):
                    write_file(folder / file, after, over=True)
            mend += " Written." if after else " Write it yourself." if write else " `--write` writes it."
            is_new = is_new or bool(after) or not write
        value = cited_value(text, file, place)
        line = value.line if value else 0
        found += [Problem(file, line, 0, what, mend.format(by), form != "text") for what, by in said]
    if blocking(library.problems):
        click.echo("Posts with problems were left out: pprnet-feeds check names them.", err=True)
    found = options.placed(found, folder, form)
    closing = f"{some(len(works), 'cited work')}, {some(len(found), 'finding')}."
    click.echo(f"{in_words(found)}{closing}\n" if form == "text" else report(found, form, closing), nl=False)
    failed = [faults for faults in registries.faults.values() if faults]
    for faults in failed:
        click.echo(f"{faults[0]}: {some(len(faults), 'question')} without an answer.", err=True)
    raise SystemExit(2 if failed else int(is_new))


def _stop(line: str) -> None:
    click.echo(line, err=True)
    raise SystemExit(2)


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

    def works(self, path: str, **query: str) -> list[_Facts]:
        """The works at a path of Crossref, none where there is nothing; raises NoAnswerError."""
        return self._ask(self.crossref, f"/works{path}", query | {"mailto": self.contact})

    def copies(self, number: str) -> list[_Facts]:
        """What Unpaywall knows of the work with a DOI; raises NoAnswerError."""
        return self._ask(self.unpaywall, f"/v2/{quote(number, safe='/')}", {"email": self.contact})

    def _ask(self, root: str, path: str, query: dict[str, str]) -> list[_Facts]:
        url, faults = f"{root}{path}?{urlencode(query)}", self.faults.setdefault(root, [])
        stored = self.cache / f"{hashlib.blake2b(url.encode(), digest_size=16).hexdigest()}.json"
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found = json.loads(stored.read_text("utf-8"))
            if timedelta() <= self.now - datetime.fromisoformat(found["asked"]) < timedelta(days=1):
                return list(found["answer"])
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

    def _records(self, root: str, url: str) -> list[_Facts]:
        agent = f"pprnet-feeds/{__version__} (mailto:{self.contact})"
        for wait in (1, 2, 4, 0):
            status, given, body = doi.request(url, root, _SECONDS, {"User-Agent": agent, "Accept": "*/*"}, 0)
            asked = given.get("retry-after", "")
            pause = int(asked) if re.fullmatch("[0-9]{1,6}", asked) else wait
            if status not in (429, 503) or not wait or pause > _LONGEST_WAIT:
                break
            time.sleep(pause)
        # Crossref says how many questions it takes in how many seconds.
        rate = [given.get(f"x-rate-limit-{name}", "") for name in ("interval", "limit")]
        if numbers := re.fullmatch(r"([1-9][0-9]?)s ([1-9][0-9]{0,3})", " ".join(rate)):
            time.sleep(min(int(numbers[1]) / int(numbers[2]), _SECONDS))
        try:
            message = {"items": []} if status == 404 else doi.decoded(status, body, root)
            message = message.get("message", message)
            return [_facts(record) for record in message.get("items", [message])]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise doi.NoAnswerError(f"{root} sent no record of a work") from None


def _facts(record: dict[str, Any]) -> _Facts:
    try:
        work = doi.citation_of(record, "")
    except ValueError:
        work = Citation("")
    updates = [
        [_KINDS.get(kind, kind), _day(each.get("updated")), doi_in(str(each.get("DOI"))), each.get("source")]
        for each in record.get("updated-by") or ()
        for kind in [re.sub(r"[\s-]+", "_", str(each.get("type")).lower())]
    ]
    best = record.get("best_oa_location") or {}
    return {
        "doi": doi_in(str(record.get("DOI") or record.get("doi"))),
        "title": work.title,
        "family": "".join(work.authors[:1]).partition(",")[0],
        "year": work.year,
        "place": [work.container, work.type, work.volume, re.split(r"\W", work.pages)[0]],
        "updates": updates,
        "copy": [clean(one_line(str(best.get(name) or "")))[0] for name in ("url", "version", "license")],
    }


def _day(updated: Any) -> str:
    """The day or month of Crossref's date, or nothing."""
    match updated:
        case {"date-parts": [[int(), int(), *_] as parts, *_]}:
            return day("-".join(f"{part:02}" for part in parts[:3])) or ""
        case {"date-time": str(text)}:
            return day(text[:10]) or ""
    return ""


def examined(cite: Citation, registries: Registries) -> tuple[Citation, list[tuple[str, str]]]:
    """The work with what the registries that answered know of it, and that in words, each with its source."""
    found: list[tuple[str, str]] = []
    with contextlib.suppress(doi.NoAnswerError):
        if not cite.doi and (number := _missing_doi(cite, registries)):
            cite, source = replace(cite, doi=number), "Crossref, by title, year and first author"
            found.append((f"the study has no `doi`: it is {number}", source))
        records = registries.works(f"/{quote(cite.doi, safe='/')}") if cite.doi else []
        other = _other_title(cite, records[0]) if records else ""
        if cite.doi and (other or not records):
            what = f"the DOI {cite.doi} is of another work: {quoted(other)}"
            what = what if other else f"Crossref knows no work with the DOI {cite.doi}"
            return cite, [*found, (what, "Crossref; compare it with the one printed")]
        notice, undone, source = _notice(records[0]["updates"]) if records else (None, "", "")
        before = cite.notice
        if undone and before and before.kind != "correction":
            before = None
            found.append((f"the study was reinstated{f' on {undone}' if undone > '0' else ''}", source))
        if notice and (not before or NOTICES.index(notice.kind) < NOTICES.index(before.kind)):
            before = notice
            found.append((f"the study {became(notice)}{f' ({notice.doi})' if notice.doi else ''}", source))
        cite = replace(cite, notice=before)
    with contextlib.suppress(doi.NoAnswerError):
        copies = registries.copies(cite.doi) if cite.doi and not cite.open_access else []
        if copies and copies[0]["doi"] in ("", cite.doi) and is_address(copies[0]["copy"][0]):
            cite = replace(cite, open_access=(copy := OpenAccess(*copies[0]["copy"])))
            about = ", ".join(filter(None, (copy.version, copy.licence)))
            shown = f"{copy.url} ({about})" if about else copy.url
            found.append((f"the study is free to read: {shown}", "Unpaywall"))
    return cite, found


def _notice(updates: list[list[str]]) -> tuple[Notice | None, str, str]:
    """The gravest notice and of equals the earliest; the day of a reinstatement, "0" for any; who says it."""
    undone = max((date or "0" for kind, date, *_ in updates if kind == "reinstatement"), default="")
    found = [
        (NOTICES.index(kind), date or "9", number, source)
        for kind, date, number, source in updates
        if kind in NOTICES and (kind == "correction" or not undone or (undone != "0" and date > undone))
    ]
    if not found:
        return None, undone, "Crossref"
    place, date, number, source = min(found, key=lambda each: each[:2])
    by = "Retraction Watch" if source == "retraction-watch" else "the publisher"
    return Notice(NOTICES[place], "" if date == "9" else date, number), undone, f"Crossref, from {by}"


def _missing_doi(cite: Citation, registries: Registries) -> str:
    """The DOI of the work whose title, year, first author and place are those of the reference; else nothing.

    Preprints, and statements that several journals print, differ from the work cited in their place alone.
    """
    printed, text, tokens = complete(cite), _letters(cite.text), {*re.findall(r"\w+", cite.text)}
    for record in registries.works("", **{"query.bibliographic": cite.text[:500], "rows": "3"}):
        title, family, year = _letters(record["title"]), _letters(record["family"]), record["year"]
        is_title = title == _letters(printed.title)
        has_title = is_title or (len(title) >= _SURE and title in text)
        has_year = year and (year == printed.year or (not printed.year and year in cite.text))
        journal, kind, *numbers = record.get("place", ("", "", ""))
        is_there = bool(journal) or (is_title and kind == "book")  # a chapter's reference names its book
        is_there = is_there and _letters(journal) == _letters(printed.container)
        has_place = is_there or tokens.issuperset(numbers)
        if has_title and has_year and has_place and family and text.startswith(family) and record["doi"]:
            return str(record["doi"])
    return ""


def _other_title(cite: Citation, record: _Facts) -> str:
    """The title of a record that is surely not of the work cited; empty for one that may be."""
    printed, family = _letters(f"{cite.text} {cite.title}"), _letters(record["family"])
    title = str(record["title"])
    words = [word for word in map(_letters, _MARK.sub("", title).split()) if len(word) > 3]
    is_same = sum(word in printed for word in words) * 2 >= len(words)
    has_author = family and family in printed and record["year"] and record["year"] in cite.text
    return "" if is_same or has_author else title


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", _MARK.sub("", text)).casefold()))
