"""The folder of a blog of Jekyll, Hugo or Quarto: one post in each file of Markdown with front matter.

The text is Markdown already, so only what those programs would replace is converted.
"""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pprnet_feeds.content import slugs, yaml
from pprnet_feeds.content.files import read_text
from pprnet_feeds.content.model import Image, Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import source_post as source
from pprnet_feeds.importing.source_post import Source, SourcePost, Watch, one_line, unread

_ENDINGS = (".md", ".markdown", ".mdown", ".qmd")
_OTHERS = (".html", ".htm", ".rmd", ".rst", ".org", ".adoc", ".asciidoc", ".ipynb", ".textile")
_NO_POSTS = frozenset(
    "node_modules themes public _site layouts archetypes _layouts _includes static assets".split()
)
_STATE = "draft private hidden password status visibility".split()
_HEADER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)\n?\1[ \t]*(?:\n|\Z)", re.DOTALL)
_DATED = re.compile(r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})-(.+)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)|`[^`\n]+`", re.M | re.S)
_CHUNK = re.compile(r"^(`{3,})\{(\w+)[^}\n]*\}[ \t]*$", re.MULTILINE)
_HIGHLIGHT = re.compile(
    r"\{(?:%|\{[<%])-?\s*highlight\s+\"?([\w+#-]+)[^}\n]*\}?\}\n?((?:(?!\{[%{][-<%]?\s*highlight).)*?)\n?\{(?:%-?\s*end|\{[<%]\s*/\s*)highlight[^}\n]*\}?\}",
    re.DOTALL,
)
_FIGURE = re.compile(r"\{\{[<%]\s*figure\s([^{}]*)[>%]\}\}")
_VIDEO = re.compile(r'\{[{%][<%]?-?\s*(youtube|vimeo|video)\s+(?:id=)?"?((?:(?!%\})[^\s"<>{}])+)[^{}]*\}\}?')
_REFERENCE = re.compile(
    r"\{\{[<%]\s*(?:rel)?ref\s+\"([^\"]+)\"\s*[>%]\}\}|\{%-?\s*(?:post_url|link)\s+([^\s%{}]+)\s*-?%\}"
    r"|\{\{-?\s*[\"']([^\"'{}]+)[\"']\s*\|\s*(?:relative|absolute)_url[^{}]*\}\}"
)
_SILENT = re.compile(
    r"<!--\s*more\s*-->|\{%-?\s*(?:end)?raw\s*-?%\}|\{\{\s*site\.(?:baseurl|url)\s*(?:\|[^{}]*)?\}\}"
)
_SHORTCODE = re.compile(r"\{\{[<%][^{}\n]*[>%]\}\}|\{%[^{}\n]*%\}|\{\{[^{}\n]*\}\}")
_MARK = re.compile(r"^:{3,}.*$|^\{:[^}\n]*\}$|(?<=[)\]`*])\{:?\s*(?:[.#]|\w+=)[^{}\n]*\}", re.MULTILINE)
_CITED = re.compile(r"\[(?=[^\[\]\n]*\](?!\())[^\[\]\n]*(?<![\w.])@\w")
_ATTRIBUTE = re.compile(r"(\w+)=(?:\"([^\"]*)\"|(\S+))")


def read_blog_folder(folder: Path, name: str, site: Site, watch: Watch) -> Source:
    """The posts of all files below *folder*, which is called *name* in problems."""
    posts: list[SourcePost] = []
    problems: list[Problem] = []
    paths = list(_files(folder))
    for path in watch(paths):
        file = f"{name}/{path.relative_to(folder).as_posix()}"
        if path.name.lower().endswith(_OTHERS):
            what = f"this is no Markdown, but {path.suffix}, so it was left out"
            problems.append(Problem(file, 0, 0, what, "You can ignore this, unless it is a post.", True))
            continue
        text = read_text(path, file)
        if isinstance(text, Problem):
            problems.append(text)
        elif (found := _post(text, path.relative_to(folder), file, site, problems)) is not None:
            posts.append(found)
    if not (posts or problems):
        what = "the folder has no post in Markdown (.md, .markdown, .qmd)"
        return unread(name, what, "Give the folder of the posts, such as _posts or content.")
    return source.source_of("a blog in Markdown", posts, problems, sum(not each.warning for each in problems))


def _files(folder: Path) -> Iterator[Path]:
    """The files that may be posts, in the order of their names; none through a link."""
    inner = next((each for each in ("_posts", "content") if (folder / each).is_dir()), "")
    roots = [folder / inner, folder / "_drafts"] if inner == "_posts" else [folder / inner]
    for root in roots:
        for at, folders, names in os.walk(root):
            folders[:] = sorted(each for each in folders if each[0] != "." and each not in _NO_POSTS)
            for each in sorted(names):
                if each.lower().endswith(_ENDINGS + _OTHERS) and not each.startswith(("_", ".")):
                    yield Path(at, each)


def _post(text: str, path: Path, file: str, site: Site, problems: list[Problem]) -> SourcePost | None:
    header = _HEADER.match(text)
    values: dict[str, Any] = {}
    if header and header[1] == "+++":
        try:
            values = tomllib.loads(header[2])
        except (ValueError, RecursionError) as error:
            what = f"its front matter is not TOML: {error}"
            problems.append(Problem(file, 1, 0, what, "Write the post by hand."))
            return None
    elif header:
        parts = yaml.read_front_matter(text, file)
        problems += parts.problems
        if parts.header is None or parts.problems:
            return None
        values = _plain(parts.header)
    if not values:
        mend = "You can ignore this, unless readers should have it."
        problems.append(Problem(file, 1, 0, "it has no front matter, so it is no post", mend, True))
        return None
    losses: Counter[str] = Counter()
    body = _body(text[header.end() :] if header else text, losses).strip()
    stem = path.parent.name if path.stem == "index" and len(path.parts) > 1 else path.stem
    dated = _DATED.fullmatch(stem)
    day, stem = ("-".join(part.zfill(2) for part in dated[1].split("-")), dated[2]) if dated else ("", stem)
    title = one_line(values.get("title")) or stem.replace("-", " ").capitalize()
    keys = ("categories", "category", "tags", "tag", "topics")
    labels = [one_line(label) for key in keys for label in _list(values.get(key), key)]
    people = [each for key in ("authors", "author") for each in _list(values.get(key), key)]
    slug = one_line(values.get("slug")) or stem
    typed = one_line(_first(values, "permalink", "url"))
    image = _first(values, "image", "cover", "thumbnail", "featured_image", "cover_image")
    image = image if isinstance(image, dict) else {"url": image}
    address = one_line(_first(image, "url", "src", "path", "image", "feature"))
    says = {key.lower(): str(value).lower() for key, value in values.items()}
    is_public = "_drafts" not in file.split("/") and says.get("published", "true") in ("true", "yes", "on")
    is_public &= all(says.get(key, "") in source.PUBLIC for key in _STATE)
    # Hugo shows a post from `publishDate` to `expiryDate`.
    shown = (_first(values, "date", "published_at"), _first(values, "publishDate", "publishdate"))
    expiry = says.get("expirydate", "")
    updated = str(_first(values, "updated", "lastmod", "last_modified_at", "modified", "date-modified"))
    zone = site.time_zone
    at = max(source.front_matter_date(str(each), zone) for each in shown)
    at = at or source.front_matter_date(day, zone)
    return SourcePost(
        file,
        1,
        title,
        at,
        f"{body}\n" if body else "",
        name=slug if slugs.is_slug(slug) else "",
        updated=source.change_after(at, source.front_matter_date(updated, zone), site, losses),
        labels=tuple(dict.fromkeys(filter(None, labels))),
        summary=one_line(_first(values, "description", "excerpt", "summary")),
        authors=source.named_authors(map(_person, people), site),
        image=Image(address, one_line(image.get("alt"))) if address else None,
        aliases=_aliases(values, typed, path, day, slug),
        restricted=f"one that expires: {quoted(expiry)}" if expiry else "" if is_public else "a draft",
        losses=losses,
    )


def _plain(value: yaml.Value) -> Any:
    """A value of YAML as text, a list or a dict; every scalar is the text that was typed."""
    if isinstance(value, yaml.Scalar):
        return value.text
    if isinstance(value, yaml.Sequence):
        return [_plain(each) for each in value.items]
    return {key: _plain(each) for key, (_, each) in value.entries.items()}


def _first(values: dict[str, Any], *keys: str) -> Any:
    return next((values[key] for key in keys if values.get(key)), "")


def _list(value: Any, key: str) -> list[Any]:
    """Several values, also where they are in one text: by commas, or for Jekyll's plural keys by spaces."""
    if isinstance(value, list):
        return value
    if isinstance(value, str) and key != "author":
        return value.split("," if "," in value else None if key in ("categories", "tags") else "\n")
    return [value] if value else []


def _person(value: Any) -> Person:
    if not isinstance(value, dict):
        return source.person(one_line(value))
    if isinstance(parts := value.get("name"), dict):  # given and family name, in Quarto
        value = value | {"name": " ".join(map(one_line, parts.values()))}
    name, url, email, orcid = (one_line(value.get(key)) for key in ("name", "url", "email", "orcid"))
    return source.person(name, f"https://orcid.org/{orcid}" if orcid else url, email)


def _aliases(values: dict[str, Any], typed: str, path: Path, day: str, slug: str) -> tuple[str, ...]:
    """Where a post was before: as it says itself, or as its program makes addresses of names."""
    keys = ("aliases", "redirect_from")
    given = [one_line(each) for key in keys for each in _list(values.get(key), "aliases")]
    folders = [each for each in path.parent.parts if each not in ("_posts", "_drafts", "content")]
    if day and not typed:  # Jekyll
        folders = [slugs.slug_like(one_line(each)) for each in _list(values.get("categories"), "categories")]
        typed = "/".join(["", *folders, *day.split("-"), f"{slug}.html"])
    elif not typed:
        folders = folders[:-1] if path.stem == "index" else folders
        ending = ".html" if path.suffix == ".qmd" and path.stem != "index" else "/"
        typed = "/".join(["", *folders, f"{slug}{ending}"])
    found = (source.former_path(f"/{each.lstrip('/')}") for each in [typed, *given] if "://" not in each)
    return tuple(dict.fromkeys(each for paths in found for each in paths))


def _body(text: str, losses: Counter[str]) -> str:
    """The text of a post, with what the programs would replace as Markdown; what stays of that is counted."""

    def video(found: re.Match[str]) -> str:
        losses["players became links"] += 1
        host = source.VIDEO_HOSTS.get(found[1])
        return f"<{host}{found[2]}>" if host else f"[Video]({found[2]})"

    def figure(found: re.Match[str]) -> str:
        typed = _ATTRIBUTE.findall(found[1].rstrip().removesuffix("/"))
        given = {key: quoted or plain for key, quoted, plain in typed}
        words = given.get("alt") or given.get("caption") or given.get("title", "")
        below = f"\n\n*{given['caption']}*" if given.get("caption") and given["caption"] != words else ""
        return f"![{words}]({given.get('src', '').replace(' ', '%20')}){below}"

    if chunks := len(_CHUNK.findall(text)):
        losses["chunks of code were not run, and are shown"] = chunks
    text = _HIGHLIGHT.sub(r"```\1\n\2\n```", _CHUNK.sub(r"\1\2", text))
    done, at = [], 0
    for code in [*_FENCE.finditer(text), None]:
        prose = _SILENT.sub("", text[at : code.start() if code else None])
        prose = _REFERENCE.sub(r"\1\2\3", _VIDEO.sub(video, _FIGURE.sub(figure, prose)))
        for pattern, kind in ((_SHORTCODE, "shortcodes"), (_MARK, "marks of layout")):
            prose, number = pattern.subn("", prose)
            losses[f"{kind} were left out"] += number
        losses["marks of citations were left as they are"] += len(_CITED.findall(prose))
        done += [re.sub(r"\n{3,}", "\n\n", prose), code[0] if code else ""]
        at = code.end() if code else at
    return "".join(done)
