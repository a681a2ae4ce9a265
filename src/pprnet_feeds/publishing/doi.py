"""Asking the DOI registry what a work is.

By content negotiation, as the registries document it: the address of the DOI,
asked for CSL-JSON, leads to the record of the work. Whoever answers is a
stranger at the end of a chain of redirects, so time, size and hops are bounded.
"""

from __future__ import annotations

import json
import threading
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote
from urllib.request import getproxies

import httpx2

from pprnet_feeds import __version__
from pprnet_feeds.content.model import Citation
from pprnet_feeds.publishing.csl import cite_of

REGISTRY = "https://doi.org"
CSL = "application/vnd.citationstyles.csl+json"

_SIZE_LIMIT = 1_000_000
_TIMEOUT = httpx2.Timeout(10, connect=5)
_WHOLE = 30.0
_HOPS = 5
# Not compressed: what a small answer unfolds to would have no limit.
_HEADERS = {"Accept": CSL, "Accept-Encoding": "identity", "User-Agent": f"pprnet-feeds/{__version__}"}


class NoAnswerError(Exception):
    """The registry says nothing of a work; the text says why, for an editor."""


def ask(doi: str, registry: str = REGISTRY, seconds: float = _WHOLE) -> Citation:
    """The work with that *doi* (bare, lower case), as the registry at *registry* tells it.

    It takes *seconds* at most, however slowly the registry speaks.

    Raises:
        NoAnswerError: there is no answer to be had.
    """
    answers: SimpleQueue[Citation | NoAnswerError] = SimpleQueue()

    def wait() -> None:
        try:
            answers.put(_cite(doi, registry))
        except NoAnswerError as error:
            answers.put(error)
        except Exception as error:  # of the libraries, about something that nobody has sent before
            answers.put(NoAnswerError(f"{registry} cannot be asked: {type(error).__name__}"))

    # A time limit of a socket starts anew with every byte, so the whole is waited for from outside.
    threading.Thread(target=wait, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise NoAnswerError(f"{registry} took too long to answer") from None
    if isinstance(answer, NoAnswerError):
        raise answer
    return answer


def _cite(doi: str, registry: str) -> Citation:
    status, body = _get(f"{registry.rstrip('/')}/{quote(doi, safe='/')}", registry)
    if status == 404:
        raise NoAnswerError(
            f"{registry} knows no DOI {doi}; compare it with the one printed, like 10.1002/cpp.2521"
        )
    if status == 406:
        raise NoAnswerError(f"the registry that keeps {doi} has no record of the work to give")
    if status != 200:
        raise NoAnswerError(f"{registry} answered {status}")
    if len(body) > _SIZE_LIMIT:
        raise NoAnswerError(f"{registry} answered with more than 1 MB")
    try:
        return cite_of(_decoded(body), doi)
    except ValueError as reason:
        raise NoAnswerError(f"{registry} cannot be understood: {reason}") from None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        raise ValueError(
            "a web page came instead of a record" if page else "the answer is not JSON"
        ) from None


def _get(url: str, registry: str) -> tuple[int, bytes]:
    """Status and body, the body no longer than one piece more than the limit."""
    try:
        with _client() as client:
            request: httpx2.Request | None = client.build_request("GET", url)
            for _ in range(_HOPS + 1):
                if request is None:
                    raise httpx2.UnsupportedProtocol("this cannot be read as an address")
                # The client would read the whole of a redirect's body, whose length has no limit.
                with closing(client.send(request, stream=True)) as answer:
                    if not answer.has_redirect_location:
                        return answer.status_code, _start(answer)
                    request = answer.next_request
        raise NoAnswerError(f"{registry} led on and on, more than {_HOPS} times")
    except httpx2.TimeoutException:
        raise NoAnswerError(f"{registry} took too long to answer") from None
    # What the standard library makes of a host or port that cannot be is an error of values.
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, ValueError, OverflowError):
        raise NoAnswerError(f"{registry} led to an address that is not of the web") from None
    except (httpx2.ConnectError, httpx2.ProxyError) as error:
        if "certificate" in str(error).lower():
            raise NoAnswerError(f"{registry} could not show that it is what it is called: {error}") from None
        raise NoAnswerError(f"{registry} cannot be reached (is this computer online?)") from None
    except httpx2.HTTPError:
        raise NoAnswerError(f"the connection to {registry} broke") from None


def _start(answer: httpx2.Response) -> bytes:
    body = b""
    for piece in answer.iter_raw(65_536):
        body += piece
        if len(body) > _SIZE_LIMIT:
            break
    return body


def _client() -> httpx2.Client:
    """A client that tries to connect thrice, or goes through the proxy that the environment names."""
    return httpx2.Client(
        headers=_HEADERS,
        timeout=_TIMEOUT,
        transport=None if getproxies() else httpx2.HTTPTransport(retries=2),
    )
