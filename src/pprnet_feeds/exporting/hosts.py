"""Rules by which hosts of files answer as the service does: ``nginx.conf``, ``_headers`` and ``_redirects``.

A copy answers the address of each document, the guessed ones of its feeds (``/feed``, ``/rss.xml``), and
the former ones of posts, topics and research types. What depends on a query has no file.

Addresses of one shape differ only in their slugs and years, and are answered with the same header fields
apart from their own address in Link. The fields come from the answers of the service.

Netlify, Cloudflare Pages and others read ``_headers`` and ``_redirects`` alike, with two differences that
matter. Cloudflare joins the values of a field that two rules give, so no address may match two rules that
name one field; and it reads a limited number of rules. Netlify lets a file win over a rule, so no file may
be where a redirect begins.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pprnet_feeds.pages.pages import render_template
from pprnet_feeds.pages.static_site import HEADERS, MISSING, PRIVATE, REDIRECTS, SUBSCRIBE, WITHDRAWN
from pprnet_feeds.serving.response import ERROR
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS

NGINX = f"{PRIVATE}/nginx.conf"
# What Cloudflare Pages reads of each file: rules with header fields, plain redirects, those with a pattern.
MOST_HEADERS, MOST_PLAIN, MOST_PATTERNS = 100, 2000, 100

# The ends of names whose types hosts do not know.
_UNKNOWN_TYPES = (".atom", ".rss", ".bib", ".ris", ".csl.json", ".opml")
_OF_ONE_DOCUMENT = {"content-type", "content-length", "content-encoding", "etag", "last-modified", "link"}
_MOVED = ERROR | {"cache-control": "max-age=86400"}
# As the service answers an error, except that the page may use the style sheet.
_ERROR = ERROR | {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
}

# A folder that has feeds, as the pattern of a path or of a rule; archives are not guessed.
_FEED_FOLDER = "/(?:(?!archive/)[a-z0-9:-]+/)*"
_FEED = re.compile(rf"({_FEED_FOLDER})feed\.(atom|rss)")


class Move(NamedTuple):
    """A former address and the present one; if *whole*, all below it moved too, and both end with a slash."""

    former: str
    now: str
    whole: bool = False


class Fields(NamedTuple):
    """The header fields of the addresses of a shape.

    *shown_as* is the type for a browser that opens the document; *link* has ``{}`` for the path; *file_end*
    is what the name of the file has after the path that Link names.
    """

    media_type: str
    shown_as: str
    always: tuple[tuple[str, str], ...]
    link: str
    file_end: str


Shapes = Mapping[str, Fields]
POST_PAGE = "/posts/:posts/"


def file_name(path: str) -> str:
    """The file of an address in a folder: hosts find ``embed.html`` for ``embed``."""
    return f"{path[1:]}.html" if "." not in path and not path.endswith("/") else object_key(path)


def object_key(path: str) -> str:
    """The key of an address in object storage, where each object has its own type."""
    return f"{path[1:]}index.html" if path.endswith("/") else path[1:]


def guessed(path: str) -> dict[str, bool]:
    """The addresses at which the feed at *path* is guessed; true where a file hides no folder."""
    if not (feed := _FEED.fullmatch(path)):
        return {}
    return {feed[1] + name: "." in name for name, form in GUESSED.items() if form == feed[2]}


def moves(snapshot: Snapshot) -> list[Move]:
    """The former addresses of posts, topics and research types, each once."""
    ends = {"": "/"} | {f".{form}": f".{form}" for form in POST_FORMATS}
    found = [
        Move(alias.rstrip("/") + end, f"/posts/{post.slug}{now}")
        for post in snapshot.library.posts
        for alias in post.aliases
        for end, now in ends.items()
    ]
    for folder, terms in (("topics", snapshot.site.topics), ("research", snapshot.site.research)):
        for term in terms:
            found += [Move(f"/{folder}/{each}/", f"/{folder}/{term.slug}/", True) for each in term.former]
    return [*{move.former: move for move in found}.values()]


def withdrawn(snapshot: Snapshot) -> list[str]:
    """The addresses of withdrawn posts, former ones included, without a slash at the end."""
    paths = (path for post in snapshot.library.withdrawn for path in (f"/posts/{post.slug}", *post.aliases))
    return [*dict.fromkeys(path.rstrip("/") for path in paths)]


def shape(path: str) -> str:
    """The path with ``:name`` for each slug and year: ``/topics/:topics/feed.atom``."""
    path = re.sub(r"(/([a-z]+)/)(?!archive/)[^/.]+(?=/)", r"\1:\2", path)
    return re.sub(r"^/posts/[^/.]+", "/posts/:posts", path)


def fields(path: str, headers: Mapping[str, str], shown_as: str, base_url: str) -> Fields:
    """What the *headers* of the answer at *path* say of all addresses of its shape."""
    named = path.removesuffix("embed")
    always = tuple(sorted((name, value) for name, value in headers.items() if name not in _OF_ONE_DOCUMENT))
    link = headers.get("link", "").replace(f"<{base_url}{named}>", f"<{base_url}{{}}>")
    return Fields(headers["content-type"], shown_as, always, link, file_name(path)[len(named) - 1 :])


def headers_file(shapes: Shapes, base_url: str) -> bytes:
    """``_headers``: what all answers have in common, then what each page and type of file has besides."""
    common = set.intersection(*(set(found.always) for found in shapes.values()))
    rules = {"/*": sorted(field for field in common if field[0] != "vary")}
    for path, found in shapes.items():
        name, said = path.rpartition("/")[2], [("content-type", found.media_type)]
        if found.media_type.startswith("text/html"):
            rules[path] = [field for field in found.always if field not in rules["/*"] and field[0] != "vary"]
        elif found.media_type.startswith("application/feed+json"):
            rules[f"/{name}"] = rules[f"/*/{name}"] = said
        rules |= {f"/*{end}": said for end in _UNKNOWN_TYPES if path.endswith(end)}
        guesses = (other for other, is_file in guessed(path).items() if is_file)
        rules |= {other: said for other in guesses if not other.endswith(_UNKNOWN_TYPES)}
    prefix = urlsplit(base_url).path
    lines = {rule: "".join(f"  {name}: {value}\n" for name, value in its) for rule, its in rules.items()}
    return "".join(f"{prefix}{rule}\n{its}\n" for rule, its in lines.items() if its).encode()


def redirects_file(shapes: Shapes, moved: Sequence[Move], base_url: str) -> bytes:
    """``_redirects``: former addresses, and guessed ones that have no file. Plain ones come first."""
    rules = set()
    for former, now, whole in moved:
        bare = former.rstrip("/")
        rules.add((bare, now, 301))
        if whole:
            rules.add((f"{bare}/*", f"{now}:splat", 301))
        elif now.endswith("/"):
            rules.add((f"{bare}/", now, 301))
    for path in shapes:
        rules |= {(other, path, 200) for other, is_file in guessed(path).items() if not is_file}
    # A former topic is no topic: what is below it has moved, before anything there is guessed.
    ordered = sorted(rules, key=lambda rule: (_is_pattern(rule[0]), rule[2] == 200, rule))
    prefix = urlsplit(base_url).path
    return "".join(f"{prefix}{old} {prefix}{now} {status}\n" for old, now, status in ordered).encode()


def exceeds_cloudflare(files: Mapping[str, bytes]) -> bool:
    """Whether Cloudflare would ignore some of the rules."""
    lines = files.get(REDIRECTS, b"").decode().splitlines()
    patterns = sum(_is_pattern(line.partition(" ")[0]) for line in lines)
    rules = files.get(HEADERS, b"").count(b"\n/") + 1
    return rules > MOST_HEADERS or patterns > MOST_PATTERNS or len(lines) - patterns > MOST_PLAIN


def nginx_file(
    shapes: Shapes, links: Mapping[str, str], moved: Sequence[Move], gone: Sequence[str], base_url: str
) -> bytes:
    """``nginx.conf``; *links* are the values of Link that only one page of a post has.

    Its variables hold only what our own patterns let through, nothing else of requests.
    """
    prefix = urlsplit(base_url).path
    at, forms = re.escape(prefix), "|".join(map(re.escape, POST_FORMATS))
    redirects = []
    for former, now, whole in moved:
        if whole:
            pattern = re.escape(former.rstrip("/"))
            redirects.append((f"~^{at}{pattern}(?:/([a-z0-9/.-]*))?$", f"{now}$1"))
        else:  # nginx finds one of many exact addresses at once, and tries patterns one by one
            ends = ("", "/") if now.endswith("/") else ("",)
            redirects += [(f"={prefix}{former}{end}", now) for end in ends]
    # RSS comes first: `rss/feed.xml` is no feed of a folder called rss.
    answers = []
    for feed in ("feed.rss", "feed.atom"):
        guesses = "|".join(re.escape(name) for name, form in GUESSED.items() if feed.endswith(form))
        link = f'{shapes[f"/{feed}"].link}, <{base_url}{{}}>; rel="canonical"'
        pattern = f"({_FEED_FOLDER})(?:{guesses})"
        answers.append((pattern, f"$1{feed}", shapes[f"/{feed}"]._replace(link=link)))
    alike: defaultdict[Fields, list[str]] = defaultdict(list)
    for path, found in shapes.items():
        if path == POST_PAGE:
            continue
        path = path.removesuffix("embed") if found.file_end == "embed.html" else path
        alike[found].append(re.sub(":[a-z]+", "[a-z0-9-]+", re.escape(path)))
    for found, patterns in alike.items():
        end = found.file_end.removesuffix("index.html").removesuffix(".html")
        answers.append((f"({'|'.join(patterns)}){end}", "$1", found))
    return render_template(
        "nginx.conf",
        base_url=base_url,
        prefix=prefix,
        at=at,
        missing=MISSING,
        withdrawn=WITHDRAWN,
        subscribe=SUBSCRIBE,
        gone=[f"{at}{re.escape(path)}(?:/|[.](?:{forms}))?" for path in gone],
        redirects=redirects,
        answers=answers,
        posts=links.items(),
        post=shapes.get(POST_PAGE),
        moved=_MOVED.items(),
        error=_ERROR.items(),
        shown=shapes["/feed.atom"],
    )


def _is_pattern(source: str) -> bool:
    return "*" in source or ":" in source
