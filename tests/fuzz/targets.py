"""The doors through which foreign bytes come in, each as a function of bytes.

A target gives the bytes to one reader and asserts what must be true whatever
they are: nothing is raised, and what comes out is fit to be published. What a
target found once stands in `cases/` under its name and is tried by every test
run. A target must not depend on the clock, on chance or on an earlier call.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import html5lib

from fuzz.ground import (
    NOW,
    SMALL,
    folder_with,
    small_catalogue,
    small_library,
    small_pages,
    small_representation,
    small_site,
)
from fuzz.judging import FORBIDDEN, clean, harmless, sound, tellable
from htmljudge import _absolute, _data, _inactive
from pprnet_feeds.content import body_checks, markdown
from pprnet_feeds.content.ledger import read_ledger, write
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.slugs import SLUG
from pprnet_feeds.content.text import clean as cleaned
from pprnet_feeds.content.text import decode, one_line
from pprnet_feeds.importing import detect, sentences
from pprnet_feeds.importing.write import PostFolder
from pprnet_feeds.pages import embed, subscribe
from pprnet_feeds.pages.pages import STATIC, Pages
from pprnet_feeds.publishing import doi
from pprnet_feeds.publishing.plan import changes, published
from pprnet_feeds.serving.response import joined_fields
from pprnet_feeds.stats.user_agents import MOST_SUBSCRIBERS, read_user_agent
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.references import complete, parse_reference
from pprnet_feeds.syndication.selection import Refusal
from pprnet_feeds.syndication.urls import Url, parse_url

BASE = "https://small.example.org/posts/a/"
NO_RECORD, NO_TITLE = "the answer is not a record of a work", "the record of this work has no title"
FILES = ("site.yaml", "topics.yaml", "research.yaml", "issues.yaml")


def post(data: bytes) -> None:
    """A post file, front matter and body."""
    try:
        text = decode(data)
    except ValueError:
        return
    found, problems = read_post(text, "posts/2021-03-a.md", small_site(), bodies=True)
    tellable(problems, text.count("\n") + 2)
    assert found is not None or problems, "kept out in silence"
    if found is not None:
        clean(found)
        assert SLUG.fullmatch(found.id)
        assert SLUG.fullmatch(found.slug)
        assert found.topics
        assert found.published <= found.updated
        assert "\n" not in found.title


def site(data: bytes) -> None:
    """The files of ``feeds/``, all of them at once."""
    with folder_with(*FILES) as folder:
        for name in FILES:
            (folder / "feeds" / name).write_bytes(data)
        found, problems = read_site(folder, {})
        tellable(problems, data.count(b"\n") + data.count(b"\r") + 2)
        assert found is not None or problems
        # And each for itself, beside sound ones.
        for name in FILES:
            shutil.copy(SMALL / "feeds" / name, folder / "feeds" / name)
        for name in FILES:
            (folder / "feeds" / name).write_bytes(data)
            found, problems = read_site(folder, {})
            assert found is not None or problems
            if found is not None:
                clean(found)
            shutil.copy(SMALL / "feeds" / name, folder / "feeds" / name)


def body(data: bytes) -> None:
    """The Markdown of a post."""
    text, _ = cleaned(data.decode("utf-8", "replace"))
    html = markdown.render(text, base=BASE, prefix="a-")
    harmless(html)
    assert len(html) < 40 * len(text) + 5_000_000
    told = body_checks.unsafe_html(text)
    assert all(0 < line <= text.count("\n") + 1 and "\n" not in what for line, what in told)
    body_checks.repeated_footnotes(text)
    whole, practice = markdown.sections(html)
    assert not FORBIDDEN.search(markdown.plain_text(whole) + markdown.plain_text(practice))


def reference(data: bytes) -> None:
    """A reference as it is printed."""
    text, _ = cleaned(data.decode("utf-8", "replace"))
    line = one_line(text)
    cite = parse_reference(line)
    assert cite.text == line
    clean(complete(cite))


def registry(data: bytes) -> None:
    """What a DOI registry answers."""
    try:
        item = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        cite = doi.citation_of(item, "10.5555/a")
    except ValueError as reason:
        if str(reason) not in (NO_RECORD, NO_TITLE):
            raise
        return
    clean(cite)
    assert cite.title


def address(data: bytes) -> None:
    """The path of a request."""
    path = "/" + data.decode("latin-1")
    catalogue, pages = small_catalogue(), small_pages()
    found = parse_url(path, small_site())
    if isinstance(found, Refusal):
        catalogue.near(found)
        assert len(found.what) < 200
    elif found is not None:
        again = parse_url(found.spelling, small_site())
        assert isinstance(again, Url)
        assert again.spelling == found.spelling, "redirected for ever"
        assert again.request == found.request
        if found.request is not None:
            canonical = parse_url(found.request.path, small_site())
            assert isinstance(canonical, Url)
            assert canonical.request == found.request
    document = catalogue.document(path)
    own = ("self", f"{small_site().base_url}{path}")
    assert document is None or own in document.links or found is not None
    drawn = pages.page(path)
    if drawn is not None and path not in STATIC:
        assert not FORBIDDEN.search(drawn.body.decode())


def query(data: bytes) -> None:
    """The query of the addresses that look at one."""
    asked = parse_qsl(data.decode("latin-1"), keep_blank_values=True)
    choice = subscribe.read_choice(asked, small_site())
    if isinstance(choice, tuple):
        selection, card = choice
        assert isinstance(parse_url(f"/{selection.path}", small_site()), Url)
        assert re.fullmatch(r"[a-z]+-[a-z]+", card)
    elif isinstance(choice, list):
        small_pages().too_many(choice)
    given = dict(asked)
    path = embed.path_of(given.get("url", ""), small_site())
    width, height = embed.sizes(given)
    assert 0 < width <= embed.WIDTH
    assert 0 < height <= embed.HEIGHT
    answer = small_pages().oembed(path, (width, height)) if path is not None else None
    if answer is not None and not isinstance(answer, Refusal):
        told = json.loads(answer.body)
        if "<iframe" not in told["html"]:
            harmless(told["html"])


def headers(data: bytes) -> None:
    """The fields of a request, a line each."""
    lines = [line.partition(b":") for line in data.split(b"\n")]
    given = [(name.strip().lower(), value.strip()) for name, _, value in lines]
    start, sent = small_representation().prepare(joined_fields(given), NOW)[1:3]
    told = dict(start["headers"])
    assert start["status"] in (200, 304)
    assert told[b"etag"].startswith(b'"')
    if start["status"] == 304:
        assert sent["body"] == b""
        assert {b"if-none-match", b"if-modified-since"} & dict(given).keys()
        return
    coding = told.get(b"content-encoding", b"").decode()
    assert int(told[b"content-length"]) == len(sent["body"])
    asked = b",".join(value for name, value in given if name == b"accept-encoding").lower()
    assert not coding or (coding in ("br", "gzip") and (coding.encode() in asked or b"*" in asked))


def ledger(data: bytes) -> None:
    """The ledger, and all that is drawn from it."""
    with folder_with() as folder:
        (folder / "feeds/ledger.json").write_bytes(data)
        kept = read_ledger(folder)
        if isinstance(kept, list):
            tellable(kept, data.count(b"\n") + 2)
            return
        (folder / "feeds/ledger.json").write_text(write(kept), encoding="utf-8")
        assert read_ledger(folder) == kept
        library = read_library(SMALL, small_site(), NOW, ledger=kept)
        changes(library, kept)
        write(published(library, kept, NOW, frozenset()))
        sound(Catalogue(library), [f"/feed.{form}" for form in ("atom", "rss", "json")])


def documents(data: bytes) -> None:
    """A post, in everything that is drawn from it."""
    try:
        text = decode(data)
    except ValueError:
        return
    post, _ = read_post(text, "posts/2021-03-a.md", small_site())
    if post is None or post.draft or post.published > NOW:
        return
    others = tuple(
        other for other in small_library().posts[:1] if other.slug != post.slug and other.id != post.id
    )
    gone = post.status == "withdrawn"
    library = Library(small_site(), others if gone else (post, *others), (post,) if gone else (), (), None)
    catalogue = Catalogue(library)
    month = f"/issues/{post.issue}/"
    views = [f"/{view}" for view in ("feed", "summary", "practice", "citations")]
    paths = [f"{path}.{form}" for path in [*views, "/issues/feed", "/corrections/feed"]
             for form in ("atom", "rss", "json")]  # fmt: skip
    paths += [f"/citations.{form}" for form in ("bib", "ris", "csl.json")] + [f"/posts/{post.slug}.json"]
    sound(catalogue, paths)
    pages = Pages(catalogue)
    for path in (f"/posts/{post.slug}/", "/", month, "/embed"):
        page = pages.page(path)
        if page is not None:
            tree = html5lib.parse(page.body, transport_encoding="utf-8", namespaceHTMLElements=False)
            # What an editor's own markup leaves undone, such as a link without words, is no fault here.
            found = [fault for rule in (_inactive, _absolute, _data) for fault in rule(tree)]
            assert not found, (path, found)


def importing(data: bytes) -> None:
    """A saved page, feed or export, through the whole of `import`, twice."""
    with folder_with("site.yaml", "topics.yaml", "research.yaml") as folder:
        source = folder / "source"
        source.write_bytes(data)
        written = _import(source, folder)
        if not written:
            return
        assert "written" not in _import(source, folder), "a second run wrote something"
        found, problems = read_site(folder, {})
        assert found is not None, problems
        library = read_library(folder, found, NOW, drafts=True, bodies=True)
        strange = [problem for problem in library.problems if problem.what != "`topics` is missing"]
        assert not strange, strange


def agent(data: bytes) -> None:
    """What a reading program says of itself."""
    told = read_user_agent(data)
    assert re.fullmatch(r"[ -~]{0,60}", told.name)
    assert re.fullmatch(r"[0-9A-Za-z]{0,64}", told.feed)
    assert told.subscribers is None or 0 <= told.subscribers <= MOST_SUBSCRIBERS


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(post, site, body, reference, registry, address, query, headers),
        *(ledger, documents, importing, agent),
    )
}


def _import(source: Path, folder: Path) -> list[str]:
    read = detect.read_source(source, "source", small_site(), "", "2026-01")
    tellable(read.problems)
    assert read.posts or read.problems or read.kind
    posts = PostFolder(folder, small_site())
    outcomes = [posts.add_post(post) for post in read.posts[:50]]
    sentences.topic_lines(sentences.unknown_topics([read], small_site()), small_site())
    sentence = sentences.enter_sentence(read, folder, "source")
    tellable([sentence] if isinstance(sentence, Problem) else [])
    return [outcome.what for outcome in outcomes if not isinstance(outcome, Problem)]
