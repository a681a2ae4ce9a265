"""The export of a WordPress site (WXR): its posts, with their dates, slugs and drafts.

Pages, attachments, menus and revisions are no posts and are only counted. What not everybody may read there
becomes a draft, and is reported.
"""

import contextlib
import html
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone, tzinfo
from typing import Any

from pprnet_feeds.content import markdown, slugs
from pprnet_feeds.content.model import Image, Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import source_post as source
from pprnet_feeds.importing.html import text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, Watch, one_line

_TEXT = r">(?:<!\[CDATA\[)?([^<>\]]+)"
_AUTHOR = re.compile(f":author_login{_TEXT}.{{1,500}}?:author_display_name{_TEXT}", re.DOTALL)
_COVER = re.compile(f":meta_key>(?:<!\\[CDATA\\[)?_thumbnail_id\\b.{{1,100}}?:meta_value{_TEXT}", re.DOTALL)
# What a post has beside its text; the names of WordPress's own fields begin with `_`.
_BESIDE = {
    "comments were left out": re.compile(r"<\w+:comment_id>"),
    "fields of plug-ins were left out": re.compile(r":meta_key>(?:<!\[CDATA\[)?(?=[^_<\s])"),
}
_DRAFTS = frozenset({"draft", "pending", "future", "private"})

# Shortcodes: those with a text, and those of one tag; the rest is reported and stays.
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*[\"“”']?([^\"“”'\]]*)")
_CODE = re.compile(
    r"\[(sourcecode|code|pre)\b[^\[\]]*\]((?:(?!\[(?:sourcecode|code|pre)\b).)*?)\[/\1\]", re.S
)
_CAPTION = re.compile(
    r"\[(?:wp_)?caption\b([^\[\]]*)\]((?:(?!\[(?:wp_)?caption\b).)*?)\[/(?:wp_)?caption\]", re.DOTALL
)
_PLAYER = re.compile(
    r"\[(embed|youtube|vimeo|audio|video|playlist|soundcloud|gallery)\b([^\[\]]*)\](?:([^\[\]]*)\[/\1\])?"
)
_OTHER = re.compile(r"\[/?[a-z][\w-]*(?:\s+[\w-]+\s*=[^\[\]]*)\]|\[/[a-z][\w-]*\]")
_PREFORMATTED = re.compile(r"<pre\b(?:(?!<pre\b)[^\0])*?</pre>", re.IGNORECASE)
_BLOCK = re.compile(r"<!--\s*wp:(?!more|nextpage|spacer|separator|paragraph)[\w/-]+(?:\s+\{[^<>]*\})?\s*/-->")
_ADDRESS_ALONE = re.compile(
    r"^(?:<(?:p|div)[^<>]*>)?[ \t]*(https?://[^\s<>\"\[\]]+)[ \t]*(?:</(?:p|div)>)?$", re.MULTILINE
)
_TAG = rf"</?(?:{'|'.join(sorted(markdown.BLOCK))})\b"
# A line end of a classic post, after and before what is a block or an empty line itself.
_LINE_END = re.compile(
    rf"({_TAG}[^<>]*>|-->)?(?<![ \t\n])[ \t]*\n(?=[ \t]*({_TAG}|\n|\0|\Z)?)", re.IGNORECASE
)


def read_export(
    items: list[tuple[dict[str, Any], int, dict[str, str]]],
    text: str,
    file: str,
    site: Site,
    to_post: Callable[[dict[str, Any], int, str], SourcePost],
    watch: Watch,
) -> Source:
    """The posts of an export: each item with its line, and with what it says about who may read it."""
    people = dict(_AUTHOR.findall(text))
    parts = re.split(r"<item\b", text)[1:]
    if len(parts) != len(items):  # nobody knows which part is of which item
        parts = [""] * len(items)

    def field(item: dict[str, Any], name: str) -> str:  # under any prefix, and more than one in a file
        found = (value for key, value in item.items() if f"_{key}".endswith(f"_{name}"))
        return next(filter(None, found), "")

    pictures = {field(item, "post_id"): field(item, "attachment_url").strip() for item, *_ in items}
    posts: list[SourcePost] = []
    problems: list[Problem] = []
    others: dict[str, list[int]] = {}
    refused = 0
    for place, (item, line, state) in enumerate(watch(items)):
        kind, status = state.get("post_type", ""), state.get("status", "")
        if kind != "post" or status in ("trash", "auto-draft", "inherit"):
            other = one_line(kind if kind != "post" else f"{status} post") or "item without a type"
            others.setdefault(other, []).append(line)
        elif status in _DRAFTS or status == "publish":
            body = (item.get("content") or [{}])[0].get("value") or item.get("summary", "")
            body, losses = _as_html(body, pictures)
            post = to_post(item, line, body)
            author = one_line(people.get(item.get("author", ""), item.get("author")))
            found = _COVER.search(parts[place])
            cover = pictures.get(found[1].strip(), "") if found else ""
            for kind, pattern in _BESIDE.items():
                losses[kind] = len(pattern.findall(parts[place]))
            date = _date(field(item, "post_date"), field(item, "post_date_gmt"), site)
            name = field(item, "post_name")
            password = "protected by a password" if state.get("post_password") else ""
            post = replace(
                post,
                date=source.front_matter_date(date, site.time_zone) or post.date,
                name=name if slugs.is_slug(name) else "",
                labels=tuple(map(html.unescape, post.labels)),
                summary=text_of_html(field(item, "encoded")),
                authors=source.named_authors([Person(author)], site),
                image=Image(cover) if cover and cover not in body else post.image,
                losses=losses + Counter(post.losses),
                restricted=quoted(status) if status in _DRAFTS else password,
            )
            posts.append(post)
        else:
            title = one_line(item.get("title"))
            what = f"the status of {quoted(title)} is not known: {quoted(status)}"
            mend = "Set it to published or draft in WordPress and export again."
            problems.append(Problem(file, line, 0, what, mend))
            refused += 1
    for other, lines in others.items():
        what = f"{len(lines)} of type {quoted(other)}: not a post"
        mend = "You can ignore this, unless readers should have it as a post."
        problems.append(Problem(file, lines[0], 0, what, mend))
    return source.source_of("a WordPress export", posts, problems, refused)


def _as_html(text: str, pictures: dict[str, str]) -> tuple[str, Counter[str]]:
    """The text of a post with its shortcodes and its line ends as HTML, and what was lost by that."""
    losses: Counter[str] = Counter()
    codes: list[str] = []

    def stored(markup: str) -> str:
        codes.append(markup)
        return f"\n\n\0{len(codes) - 1}\0\n\n"

    def code(found: re.Match[str]) -> str:
        words = html.escape(html.unescape(found[2].strip("\n")), quote=False)
        return stored(f"<pre><code>{words}</code></pre>")

    def caption(found: re.Match[str]) -> str:
        end = max(found[2].rfind("/>"), found[2].rfind("</a>") + 2, found[2].rfind('">')) + 2
        words = found[2][end:].strip() or html.escape(dict(_ATTRIBUTE.findall(found[1])).get("caption", ""))
        below = f"\n\n<p><em>{words}</em></p>" if words else ""
        return f"\n\n<p>{found[2][:end]}</p>{below}\n\n"

    def player(found: re.Match[str]) -> str:
        name, given = found[1], dict(_ATTRIBUTE.findall(found[2]))
        if name == "gallery":
            known = [pictures[id] for id in re.findall(r"\d+", given.get("ids", "")) if pictures.get(id)]
            losses["galleries became pictures" if known else "galleries were left out"] += 1
            return "".join(f'\n\n<p><img src="{html.escape(each)}" alt=""></p>\n\n' for each in known)
        words = [(found[3] or "").strip(), *given.values(), *found[2].split()]
        address = next((each for each in words if "://" in each), "").lstrip("=").strip("\"“”'")
        id = given.get("id") or found[2].strip()
        if not address and id and name in source.VIDEO_HOSTS:
            address = source.VIDEO_HOSTS[name] + id
        losses["players became links" if address else "players were left out"] += 1
        address = html.escape(address)
        return f'\n\n<p><a href="{address}">{address}</a></p>\n\n' if address else ""

    is_classic = "<!-- wp:" not in text and not re.search(r"<p[\s>]", text)
    text = _PREFORMATTED.sub(lambda found: stored(found[0]), _CODE.sub(code, text))
    text = _PLAYER.sub(player, _CAPTION.sub(caption, text))
    if left := len(_OTHER.findall(text)):
        losses["shortcodes were left as text"] = left
    if dynamic := len(_BLOCK.findall(text)):
        losses["blocks that WordPress fills were left out"] = dynamic
    text = _ADDRESS_ALONE.sub(r'\n<p><a href="\1">\1</a></p>\n', text)
    if is_classic:
        text = _LINE_END.sub(lambda end: end[0] if end[1] or end[2] else "<br>\n", text.replace("\r", ""))
    return re.sub(r"\0(\d+)\0", lambda found: codes[int(found[1])], text), losses


def _date(local: str, utc: str, site: Site) -> str:
    """The moment that is *local* on the blog's clock and *utc* in UTC, with the zone between them.

    WordPress writes zeros for the latter in drafts; then the zone is that of the site.
    """
    zone: tzinfo = site.time_zone
    try:
        at = datetime.fromisoformat(local)
        with contextlib.suppress(ValueError):
            zone = timezone(at - datetime.fromisoformat(utc))
        return at.replace(tzinfo=zone).isoformat(timespec="seconds")
    except (ValueError, TypeError):  # no date, or one with a zone
        return ""
