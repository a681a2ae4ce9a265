"""Ask the DOI registry about a work, and make a citation of its record.

The address of the DOI, asked for CSL-JSON, redirects to the record of the work. Anybody may answer at the
end of those redirects, so time, size and hops are limited. Registries send lists where the schema of
CSL-JSON has strings, HTML in titles, types of their own and dates with holes. What fits is used, the rest
is left out, and nothing is guessed.
"""

import asyncio
import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx2

from pprnet_feeds import __version__
from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.post import TYPES
from pprnet_feeds.content.text import clean
from pprnet_feeds.syndication.citations import apa_list, initials

REGISTRY = "https://doi.org"
CSL = "application/vnd.citationstyles.csl+json"

_SIZE_LIMIT = 1_000_000
_HOPS = 5
# Not compressed: there would be no limit to what a small answer expands to.
_HEADERS = {"Accept": CSL, "Accept-Encoding": "identity", "User-Agent": f"pprnet-feeds/{__version__}"}
_NO_ADDRESS = (httpx2.InvalidURL, ValueError, OverflowError)
# What is said of an error, and of a status; the first that fits.
_ERRORS: dict[type[Exception] | tuple[type[Exception], ...], str] = {
    httpx2.TooManyRedirects: f"{{registry}} redirected more than {_HOPS} times",
    (TimeoutError, httpx2.TimeoutException): "{registry} took too long to answer",
    (httpx2.UnsupportedProtocol, *_NO_ADDRESS): "{registry} redirected to an address that is not of the web",
    (httpx2.ConnectError, httpx2.ProxyError): "{registry} cannot be reached (is this computer online?)",
    # No list of what an address or an answer may raise is complete.
    Exception: "the connection to {registry} broke",
}
_STATUSES = {
    404: "{registry} knows no DOI {doi}; compare it with the one printed, like 10.1002/cpp.2521",
    406: "the registry that keeps {doi} has no record of the work to give",
}

_LONGEST = 1000
_LONGEST_NAME = 150
_MOST_AUTHORS = 100  # as many as front matter may list
# Crossref's words for types of CSL.
_TYPES = {
    **dict.fromkeys(("monograph", "edited-book", "reference-book"), "book"),
    **dict.fromkeys(("book-chapter", "book-section"), "chapter"),
    **{"journal-article": "article-journal", "posted-content": "article", "reference-entry": "entry"},
    **{"proceedings-article": "paper-conference", "dissertation": "thesis"},
}
_TAG = re.compile(
    r"</?(?:i|b|u|p|br|em|strong|sub|sup|span|scp|tt|(?:jats|mml):[a-z-]{1,30})(?:\s[^<>]{0,300})?/?>", re.I
)


class NoAnswerError(Exception):
    """The registry says nothing of a work; the text says why, for an editor."""


def fetch_citation(doi: str, registry: str = REGISTRY, seconds: float = 30) -> Citation:
    """The work with that *doi* (bare, lower case), from what *registry* sends. Raises NoAnswerError."""
    status, _, body = request(f"{registry.rstrip('/')}/{quote(doi, safe='/')}", registry, seconds)
    if status in _STATUSES:
        raise NoAnswerError(_STATUSES[status].format(registry=registry, doi=doi))
    try:
        return citation_of(decoded(status, body, registry), doi)
    except ValueError as reason:
        raise NoAnswerError(f"{registry} cannot be understood: {reason}") from None


def request(
    url: str, registry: str, seconds: float, headers: dict[str, str] = _HEADERS, hops: int = _HOPS
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, fields and body of the answer; without *hops* a redirect is one. Raises NoAnswerError."""
    try:
        return asyncio.run(_get(url, seconds, _HEADERS | headers, hops))
    except Exception as error:
        said = next(said for kinds, said in _ERRORS.items() if isinstance(error, kinds))
        raise NoAnswerError(said.format(registry=registry)) from None


async def _get(
    url: str | httpx2.URL, seconds: float, headers: dict[str, str], hops: int
) -> tuple[int, Mapping[str, str], bytes]:
    async with asyncio.timeout(seconds), httpx2.AsyncClient(headers=headers, timeout=10) as client:
        for _ in range(hops + 1):
            # The client would read the whole body of a redirect, whose length has no limit.
            async with client.stream("GET", url) as response:
                if not response.has_redirect_location or not hops:
                    body = b""
                    async for piece in response.aiter_raw(65_536):
                        body += piece
                        if len(body) > _SIZE_LIMIT:
                            break
                    return response.status_code, response.headers, body
                url = response.url.join(response.headers["location"])
                url.raw_host.decode().encode("idna")  # ValueError for a name that no host can have
    raise httpx2.TooManyRedirects("")


def decoded(status: int, body: bytes, registry: str) -> Any:
    """The JSON of an answer; raises NoAnswerError where there is none, and ValueError where it is no JSON."""
    if status != 200:
        raise NoAnswerError(f"{registry} answered {status}")
    if len(body) > _SIZE_LIMIT:
        raise NoAnswerError(f"{registry} answered with more than 1 MB")
    if body.lstrip()[:1] == b"<":
        raise ValueError("a web page came instead of a record")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the answer is not JSON") from None


def citation_of(record: Any, doi: str) -> Citation:
    """The work with that *doi* out of a decoded answer; raises ValueError without a title, which names it."""
    if not isinstance(record, dict):
        raise ValueError("the answer is not a record of a work")
    values = {name: _text(value) for name, value in record.items()}
    title, subtitle = values.get("title", ""), values.get("subtitle", "")
    if not title:
        raise ValueError("the record of this work has no title")
    if subtitle.casefold() not in title.casefold():
        whole = f"{title}{'' if title.endswith(('?', '!', ':')) else ':'} {subtitle}"
        title = whole if len(whole) <= _LONGEST else title
    kind = values.get("type", "").lower()
    kind = _TYPES.get(kind, kind if kind in TYPES else "")
    citation = Citation(
        text="",
        doi=doi,
        title=title,
        authors=_names(record.get("author")),
        container=values.get("container-title", ""),
        year=_year(record),
        volume=values.get("volume", ""),
        issue=values.get("issue", ""),
        pages=values.get("page") or values.get("article-number", ""),
        publisher="" if kind == "article-journal" else values.get("publisher", ""),
        type=kind,
    )
    authors = apa_list(citation.authors)
    parts = [
        authors if len(citation.authors) > 1 else _sentence(authors),
        f"({citation.year or 'n.d.'}).",
        *map(_sentence, (title, _source(citation, _names(record.get("editor"))), citation.publisher)),
        citation.link,
    ]
    return replace(citation, text=_join(" ", *parts))


def _text(value: Any, most: int = _LONGEST) -> str:
    """Plain text of one line; empty when there is none, or too much of it to be true."""
    if isinstance(value, list):
        value = next((part for part in value if part), "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        value = str(value)
    if not isinstance(value, str) or len(value) > 20 * most:
        return ""
    # Registries escape once or twice.
    plain = " ".join(clean(_TAG.sub("", html.unescape(html.unescape(value))))[0].split())
    return plain if len(plain) <= most else ""


def _year(record: dict[str, Any]) -> str:
    for name in ("issued", "published-print", "published-online"):
        match record.get(name):
            case {"date-parts": [[year, *_], *_]} if re.fullmatch(r"[12][0-9]{3}", _text(year)):
                return _text(year)
    return ""


def _names(people: Any) -> tuple[str, ...]:
    """All of *people* as ``Family, Given``; none when one has no name, as an incomplete list misleads."""
    if not isinstance(people, list) or len(people) > _MOST_AUTHORS:
        return ()
    names = tuple(map(_name, people))
    return names if all(names) else ()


def _name(person: Any) -> str:
    if not isinstance(person, dict):
        return ""
    part = {key: _text(value, _LONGEST_NAME) for key, value in person.items()}
    family = _join(" ", part.get("non-dropping-particle"), part.get("family"))
    if not family:
        return part.get("literal") or part.get("name") or ""
    given = _join(" ", part.get("given"), part.get("dropping-particle"))
    return _join(", ", family, given, part.get("suffix") if given else "")


def _source(citation: Citation, editors: tuple[str, ...]) -> str:
    """The journal or the book in which the work is, in the style of the APA."""
    if not citation.container:
        return ""
    pages = re.sub(r"(?<=\w) ?[-\u2010\u2011\u2014] ?(?=\w)", "–", citation.pages)
    if citation.type != "chapter":
        volume = citation.volume + (f"({citation.issue})" if citation.issue else "")
        return _join(", ", citation.container, volume, pages)
    parts = (name.partition(", ") for name in editors)
    names = [_join(" ", initials(given), family) for family, _, given in parts]
    listed = _join(" & ", ", ".join(names[:-1]), *names[-1:])
    eds = f"{listed} ({'Ed.' if len(names) == 1 else 'Eds.'}), " if names else ""
    return f"In {eds}{citation.container}" + (f" (pp. {pages})" if pages else "")


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def _join(separator: str, *parts: str | None) -> str:
    return separator.join(filter(None, parts))
