"""Posts as entries: what each view shows of a post, and of a whole month.

Here a body is rendered and its first sentences are found, which is the most expensive
thing the service does: only when a document that shows the post is rendered.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from urllib.parse import urljoin

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Citation, Image, Post, Site
from pprnet_feeds.content.text import first_sentences
from pprnet_feeds.syndication import fulltext
from pprnet_feeds.syndication.channel import Category, Deletion, Entry, View, permalink
from pprnet_feeds.syndication.citations import authors
from pprnet_feeds.syndication.fulltext import STATUS, note
from pprnet_feeds.syndication.references import complete
from pprnet_feeds.syndication.selection import lead, month_name

# A heading, an empty line and a paragraph that no line below makes a heading.
_PLAIN_PRACTICE = re.compile(
    r"(?:\A|\n\n)## practice implications\n\n[a-z][^\n]*(?:\n[a-z][^\n]*)*(?:\n*\Z|\n\n)",
    re.IGNORECASE | re.ASCII,
)
_SECOND_LEVEL = re.compile(r"(</?h)2\b")
# What may stand around a heading so that it is none; and how long a text breaks no bound of the renderer.
_AROUND = re.compile(r"[<|\r\t]|```|~~~|\[\^")
_SHORT = 15_000


class _Text:
    """What is read out of the text of a post, for all views together."""

    def __init__(self, post: Post, site: Site) -> None:
        self.post = post
        self.site = site

    @cached_property
    def body(self) -> str:
        """The body as safe HTML with absolute addresses."""
        post = self.post
        return _html(post.body, permalink(post, self.site), f"{post.slug}-")

    @cached_property
    def _sections(self) -> tuple[str, str]:
        return markdown.sections(self.body)

    @cached_property
    def image(self) -> Image | None:
        """The picture, with its address in full."""
        image = self.post.image
        return image and replace(image, url=urljoin(permalink(self.post, self.site), image.url))

    @property
    def whole(self) -> str:
        """The text as a reader shows it, the references as a list at its end."""
        return fulltext.arranged(self.body, self.post, self.image, self.cites)

    @property
    def practical(self) -> str:
        """The practice implications as a reader shows them, then the reference."""
        return fulltext.arranged(f"{self.practice}\n", self.post, self.image, self.cites, listed=False)

    @cached_property
    def cites(self) -> tuple[Citation, ...]:
        """The cited works, with what their references tell."""
        return tuple(map(complete, self.post.cites))

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """What the post is filed under."""
        return _categories(self.post, self.site)

    @cached_property
    def summary(self) -> str:
        """The summary as typed, else taken from what comes before the practice implications."""
        if self.post.summary:
            return self.post.summary
        account = markdown.running_text(self._sections[0]) or markdown.running_text(self.practice)
        return first_sentences(account) or self.post.title

    @cached_property
    def practice(self) -> str:
        """The practice implications as HTML, or nothing."""
        return self._sections[1]

    @cached_property
    def practice_summary(self) -> str:
        """The summary in a feed of practice implications."""
        return first_sentences(markdown.running_text(self.practice)) or self.summary


@lru_cache(500)
def _html(body: str, base: str, prefix: str) -> str:
    """The body of a post as safe HTML.

    Views and formats of one feed are asked for together: of a site of 350 posts nearly all bodies
    are rendered once instead of twelve times. Bounded by its number of texts.
    """
    return markdown.render(body, base=base, prefix=prefix)


def post_entries(post: Post, view: View, site: Site) -> tuple[Entry, ...]:
    """The entries of *post* in *view*: one, or none, or one for each cited work in ``citations``."""
    text = _Text(post, site)
    if view == "citations":
        return tuple(_study(text, place, cite) for place, cite in enumerate(text.cites, 1))
    if view == "summary":
        summary = markdown.joined((note(post), text.summary)).replace("\n", " ")
        return (_entry(text, summary=summary),)
    if view == "practice":
        if not text.practice:
            return ()
        return (_entry(text, summary=text.practice_summary, html=text.practical),)
    return (_entry(text, summary=text.summary, html=text.whole),)


def has_practice(post: Post, site: Site) -> bool:
    """Tell whether the post has practice implications, without rendering its body where that is plain."""
    body = post.body
    if "implications" not in body.lower():
        return False
    if len(body) < _SHORT and _PLAIN_PRACTICE.search(body) and not _AROUND.search(body):
        return True
    return bool(_Text(post, site).practice)


def rendered(post: Post, site: Site) -> tuple[str, str]:
    """The body as safe HTML with absolute addresses, and the picture for its head where it lacks it."""
    text = _Text(post, site)
    return text.body, fulltext.figure(text.image, text.body)


def post_id(post: Post, site: Site) -> str:
    """The permanent id of the post's entry (RFC 4151)."""
    return f"tag:{site.tag_root}/post/{post.id}"


def deletions(post: Post, view: View, site: Site) -> list[Deletion]:
    """What a reader who holds a withdrawn post in *view* is told (RFC 6721 §3)."""
    id = post_id(post, site)
    places = range(1, len(post.cites) + 1)
    ids = [f"{id}/cites/{place}" for place in places] if view == "citations" else [id]
    return [Deletion(id, post.updated, post.note) for id in ids]


def month_entry(issue: str, posts: Sequence[Post], site: Site) -> Entry:
    """One month as one entry, in HTML that mail programs show: its sentence, then its posts.

    It is dated by its first post, so that it never moves when another follows.
    """
    home = f"{site.base_url}/issues/{issue}/"
    sentence = lead(site.issues.get(issue, ""))
    parts = [f"<p>{html.escape(sentence)}</p>\n"] if sentence else []
    for post in posts:
        text = _Text(post, site)
        link = html.escape(permalink(post, site))
        title = f'<h2><a href="{link}">{html.escape(post.title)}</a></h2>\n'
        # A page has one heading of the second level a post: its own move down.
        parts.append(title + _SECOND_LEVEL.sub(r"\g<1>3", text.whole))
    categories = {category: None for post in posts for category in _Text(post, site).categories}
    titles = "; ".join(post.title for post in posts)
    return Entry(
        id=f"tag:{site.tag_root}/issue/{issue}",
        key=issue,
        url=home,
        title=month_name(issue),
        published=min(post.published for post in posts),
        updated=max(post.updated for post in posts),
        authors=tuple({author: None for post in posts for author in post.authors or (site.author,)}),
        categories=tuple(categories),
        summary=sentence or titles,
        html="".join(parts),
        publication=site.title,
        cites=tuple(cite for post in posts for cite in _Text(post, site).cites),
    )


def correction_entry(post: Post, site: Site) -> Entry:
    """A corrected, retracted or withdrawn post in the feed of corrections."""
    text, title = _Text(post, site), f"{STATUS[post.status]}: {post.title}"
    if post.status != "withdrawn":
        return replace(_entry(text, summary=text.summary, html=text.whole), title=title)
    notice = note(post)
    entry = _entry(text, summary=notice, html=f"<p>{html.escape(notice)}</p>\n")
    return replace(entry, title=title, image=None)


def _entry(text: _Text, summary: str, html: str = "") -> Entry:
    post, site = text.post, text.site
    url = permalink(post, site)
    return Entry(
        id=post_id(post, site),
        key=post.id,
        url=url,
        title=post.title,
        published=post.published,
        updated=post.updated,
        authors=post.authors or (site.author,),
        categories=text.categories,
        summary=summary,
        html=html,
        publication=site.title,
        cites=text.cites,
        image=text.image,
    )


def _study(text: _Text, place: int, cite: Citation) -> Entry:
    """The cited work itself; our post is its abstract and the related link."""
    post, site = text.post, text.site
    ours = permalink(post, site)
    return Entry(
        id=f"{post_id(post, site)}/cites/{place}",
        key=f"{post.id}-{place}",
        url=cite.link or ours,
        title=cite.title or cite.text,
        published=post.published,
        updated=post.updated,
        authors=authors(cite),
        categories=text.categories,
        summary=text.summary,
        html=text.whole,
        post=(ours, post.title),
        study=cite,
    )


def _categories(post: Post, site: Site) -> tuple[Category, ...]:
    scheme = f"tag:{site.tag_root}/"
    topics = [Category(slug, f"{scheme}topics", site.topic[slug].label) for slug in post.topics]
    research = [Category(slug, f"{scheme}research", site.research_type[slug].label) for slug in post.research]
    status = [Category(post.status, f"{scheme}status", STATUS[post.status])] if post.status in STATUS else []
    return (*topics, *research, *status)
