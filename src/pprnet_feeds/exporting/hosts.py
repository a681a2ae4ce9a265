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

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pprnet_feeds.content.model import Post
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

_NGINX_HEAD = """\
# Made by `pprnet-feeds build`; the next build replaces it. In a server block:
#
#     root ROOT;  # the folder of the build is ROOT%(prefix)s
#     include ROOT%(prefix)s/.pprnet-feeds/nginx.conf;
#     brotli_static on;  # where nginx has the module
gzip_static on;
gzip_vary off;  # Vary is among the fields below
etag on;
max_ranges 0;
"""

# A folder that has feeds, as the pattern of a path or of a rule; archives are not guessed.
_FEED_FOLDER = "/(?:(?!archive/)[a-z0-9:-]+/)*"
_FEED = re.compile(rf"({_FEED_FOLDER})feed\.(atom|rss)")


class Move(NamedTuple):
    """A former address and the present one; *whole*: so did everything below, and both end with a slash."""

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
    match = _FEED.fullmatch(path)
    return (
        {match[1] + name: "." in name for name, form in GUESSED.items() if form == match[2]} if match else {}
    )


def moves(snapshot: Snapshot) -> list[Move]:
    """The former addresses of posts, topics and research types, each once."""
    found = {}
    for post in snapshot.library.posts:
        for former in _former_paths(post):
            found[former] = Move(former, f"/posts/{post.slug}/")
            for form in POST_FORMATS:
                found[f"{former}.{form}"] = Move(f"{former}.{form}", f"/posts/{post.slug}.{form}")
    for folder, terms in (("topics", snapshot.site.topics), ("research", snapshot.site.research)):
        for term in terms:
            for former in term.former:
                path = f"/{folder}/{former}/"
                found[path] = Move(path, f"/{folder}/{term.slug}/", True)
    return [*found.values()]


def withdrawn(snapshot: Snapshot) -> list[str]:
    """The addresses of withdrawn posts, former ones included, without a slash at the end."""
    posts = snapshot.library.withdrawn
    return [*dict.fromkeys(path for post in posts for path in (f"/posts/{post.slug}", *_former_paths(post)))]


def _former_paths(post: Post) -> list[str]:
    return [alias.rstrip("/") for alias in post.aliases]


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
    rules: dict[str, list[tuple[str, str]]] = {"/*": []}
    every = [set(found.always) for found in shapes.values()]
    rules["/*"] = sorted(field for field in set.intersection(*every) if field[0] != "vary")
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
    lines = ("".join(f"  {name}: {value}\n" for name, value in its) for its in rules.values())
    return "".join(f"{prefix}{rule}\n{its}\n" for rule, its in zip(rules, lines, strict=True) if its).encode()


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
    errors = f"error_page 404 {prefix}/{MISSING};\n    error_page 410 {prefix}/{WITHDRAWN};"
    html = ("types { }", 'default_type "text/html; charset=utf-8";')
    parts = [_NGINX_HEAD % {"prefix": prefix}, errors.replace("    ", "")]
    for path in gone:
        parts.append(_location(f"{at}{re.escape(path)}(?:/|[.](?:{forms}))?", "return 410;"))
    for former, now, whole in moved:
        redirect = [*_add_headers(_MOVED), f"return 301 {_quoted(f'{base_url}{now}' + '$1' * whole)};"]
        if whole:
            below = "(?:/([a-z0-9/.-]*))?"
            parts.append(_location(at + re.escape(former.rstrip("/")) + below, *redirect))
        else:  # nginx finds one of many exact addresses at once, and tries patterns one by one
            ends = ("", "/") if now.endswith("/") else ("",)
            parts += [_location("", *redirect, where=f"= {_quoted(prefix + former + end)}") for end in ends]
    # RSS comes first: `rss/feed.xml` is no feed of a folder called rss.
    for feed in ("/feed.rss", "/feed.atom"):
        guesses = "|".join(re.escape(name) for name, form in GUESSED.items() if feed.endswith(form))
        link = f'{shapes[feed].link}, <{base_url}{{}}>; rel="canonical"'
        pattern, found = f"{at}({_FEED_FOLDER})(?:{guesses})", shapes[feed]._replace(link=link)
        parts.append(_location(pattern, *_answer(found, prefix, f"$1{feed[1:]}", errors)))
    alike: defaultdict[Fields, list[str]] = defaultdict(list)
    for path, link in links.items():
        # Exact addresses, which nginx finds at once; what all of them have is written once.
        lines = [
            *_variables(f"{prefix}{path}index.html", link.replace("$", "%24")),
            "error_page 418 = @pprnet_post;",
            "return 418;",
        ]
        parts.append(_location("", *lines, where=f"= {_quoted(prefix + path)}"))
    if links:
        parts.append(_location("", *_sent(shapes[POST_PAGE]), where="@pprnet_post"))
    for path, found in shapes.items():
        if path == POST_PAGE:
            continue
        path = path.removesuffix("embed") if found.file_end == "embed.html" else path
        alike[found].append(re.sub(":[a-z]+", "[a-z0-9-]+", re.escape(path)))
    for found, patterns in alike.items():
        pattern = (
            f"{at}({'|'.join(patterns)}){found.file_end.removesuffix('index.html').removesuffix('.html')}"
        )
        parts.append(_location(pattern, *_answer(found, prefix, "$1", errors)))
    # A folder that is there has no strange name. The pattern keeps the base's own path from being repeated.
    slash = f"rewrite {_quoted(f'^{at}(/.*[^/])$')} {_quoted(f'{base_url}$1/')} permanent;"
    missing_slash = ["if (-d $request_filename) {", *_add_headers(_MOVED), slash, "}", "return 404;"]
    parts.append(_location("", *missing_slash, where=f"{prefix}/"))
    form = f"try_files {prefix}/{SUBSCRIBE} =404;"
    parts.append(_location(f"{at}/subscribe", *html, *_add_headers(_ERROR), form))
    for name in (MISSING, WITHDRAWN):
        shown_error = ["internal;", *html, *_add_headers(_ERROR, " always")]
        parts.append(_location("", *shown_error, where=f"= {prefix}/{name}"))
    # nginx has one tag for a file, whatever the type: a browser would go on with the type it saw first.
    shown = shapes["/feed.atom"]
    shown_as = _sent(shown._replace(media_type=shown.shown_as))
    parts.append(_location("", "etag off;", *shown_as, where="@pprnet_shown"))
    return "\n".join(parts).encode()


def _answer(found: Fields, prefix: str, named: str, errors: str) -> list[str]:
    # A hub's address may hold a dollar, which nginx would take for the name of a variable.
    link = found.link.replace("$", "%24").replace("{}", named)
    lines = _variables(f"{prefix}{named}{found.file_end}", link)
    if found.shown_as != found.media_type:
        # The only way to another type for the same file: an inner location of its own.
        lines += ["error_page 418 = @pprnet_shown;", errors]
        lines += ['if ($http_sec_fetch_dest = "document") { return 418; }']
    return [*lines, *_sent(found)]


def _variables(file: str, link: str) -> list[str]:
    lines = [f"set $pprnet_file {_quoted(file)};"]
    return lines + ([f"set $pprnet_link {_quoted(link)};"] if link else [])


def _sent(found: Fields) -> list[str]:
    link = ["add_header link $pprnet_link;"] if found.link else []
    types = ["types { }", f"default_type {_quoted(found.media_type)};"]
    return [*types, *_add_headers(dict(found.always)), *link, "try_files $pprnet_file =404;"]


def _add_headers(headers: Mapping[str, str], always: str = "") -> list[str]:
    return [f"add_header {name} {_quoted(value)}{always};" for name, value in headers.items()]


def _location(pattern: str, *lines: str, where: str = "") -> str:
    matched = where or f"~ {_quoted(f'^{pattern}$')}"
    return f"location {matched} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_pattern(source: str) -> bool:
    return "*" in source or ":" in source
