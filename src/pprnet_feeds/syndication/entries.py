"""Posts as entries: what each view shows of a post, and of a whole month.

Here a body is rendered, which is the dearest thing the service does: an entry
is made when a document that holds it is drawn, and kept by whoever asked.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urljoin

from pprnet_feeds.content import markup
from pprnet_feeds.content.model import Citation, Person, Post, Site
from pprnet_feeds.content.references import authors_as_printed, complete
from pprnet_feeds.content.sentences import first_sentences
from pprnet_feeds.syndication.channel import Category, Entry, View, permalink
from pprnet_feeds.syndication.citations import reference_html
from pprnet_feeds.syndication.selection import lead, month_name

_STATUS = {"corrected": "Corrected", "retracted": "Retracted", "withdrawn": "Withdrawn"}


def post_entries(post: Post, view: View, site: Site) -> tuple[Entry, ...]:
    """The entries of *post* in *view*: one, or none, or one for each cited work in ``citations``."""
    if view == "citations":
        cites = enumerate(map(complete, post.cites), 1)
        return tuple(_study(post, place, cite, site) for place, cite in cites)
    body = rendered(post, site)
    entry = _entry(post, body, site)
    if view == "summary":
        note = f"{_note(post)} " if _note(post) else ""
        return (replace(entry, summary=note + entry.summary, html=""),)
    if view == "practice":
        practice = markup.practice_implications(body)
        if not practice:
            return ()
        summary = first_sentences(markup.plain_text(practice)) or entry.summary
        return (replace(entry, summary=summary, html=_head(post) + practice),)
    return (entry,)


def has_practice(post: Post, site: Site) -> bool:
    """Tell whether the post has practice implications. Renders the body, where they are possible at all."""
    return "implications" in post.body.lower() and bool(markup.practice_implications(rendered(post, site)))


def rendered(post: Post, site: Site) -> str:
    """The body as safe HTML with absolute addresses."""
    return markup.render(post.body, base=permalink(post, site), prefix=f"{post.slug}-")


def post_id(post: Post, site: Site) -> str:
    """The permanent id of the post's entry (RFC 4151)."""
    return f"tag:{site.tag_root}/post/{post.id}"


def month_entry(issue: str, posts: Sequence[Post], site: Site) -> Entry:
    """One month as one entry, in HTML that mail programs show: its sentence, then its posts.

    It is dated by its first post, so that it never moves when another follows.
    """
    home = f"{site.base_url}/issues/{issue}/"
    sentence = lead(site.issues.get(issue, ""))
    parts = [f"<p>{html.escape(sentence)}</p>\n"] if sentence else []
    for post in posts:
        link = html.escape(permalink(post, site))
        title = f'<h2><a href="{link}">{html.escape(post.title)}</a></h2>\n'
        # A page has one heading of the second level a post: its own move down.
        body = rendered(post, site).replace("<h2>", "<h3>").replace("</h2>", "</h3>")
        parts.append(title + _head(post) + body)
    categories = {category: None for post in posts for category in _categories(post, site)}
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
        cites=tuple(cite for post in posts for cite in post.cites),
    )


def correction_entry(post: Post, site: Site) -> Entry:
    """A corrected, retracted or withdrawn post in the feed of corrections."""
    if post.status != "withdrawn":
        entry = _entry(post, rendered(post, site), site)
        return replace(entry, title=f"{_STATUS[post.status]}: {post.title}")
    return replace(
        _entry(replace(post, summary=_note(post)), "", site),
        title=f"Withdrawn: {post.title}",
        html=f"<p>{html.escape(_note(post))}</p>\n",
        image=None,
    )


def _entry(post: Post, body: str, site: Site) -> Entry:
    url = permalink(post, site)
    cites = tuple(map(complete, post.cites))
    return Entry(
        id=post_id(post, site),
        key=post.id,
        url=url,
        title=post.title,
        published=post.published,
        updated=post.updated,
        authors=post.authors or (site.author,),
        categories=_categories(post, site),
        summary=post.summary or first_sentences(_account(body)) or post.title,
        html=_head(post) + body,
        related=tuple((cite.link, cite.title or cite.text) for cite in cites if cite.link),
        cites=cites,
        image=post.image and replace(post.image, url=urljoin(url, post.image.url)),
    )


def _study(post: Post, place: int, cite: Citation, site: Site) -> Entry:
    """The cited work itself; our post is its abstract and the related link."""
    ours = permalink(post, site)
    body = rendered(post, site)
    # Without authors of its own the entry would inherit the blog's (RFC 4287 §4.1.2).
    names = cite.authors or (authors_as_printed(cite.text) or "Authors not stated",)
    return Entry(
        id=f"{post_id(post, site)}/cites/{place}",
        key=f"{post.id}-{place}",
        url=cite.link or ours,
        title=cite.title or cite.text,
        published=post.published,
        updated=post.updated,
        authors=tuple(Person(name) for name in names),
        categories=_categories(post, site),
        summary=post.summary or first_sentences(_account(body)) or post.title,
        html=_head(post) + body,
        related=((ours, post.title),),
        study=cite,
    )


def _account(body: str) -> str:
    """The text that a summary may be taken from: what comes before the practice implications."""
    return markup.plain_text(markup.without_practice_implications(body))


def _categories(post: Post, site: Site) -> tuple[Category, ...]:
    scheme = f"tag:{site.tag_root}/"
    topics = [Category(slug, f"{scheme}topics", site.topic[slug].label) for slug in post.topics]
    research = [Category(slug, f"{scheme}research", site.research_type[slug].label) for slug in post.research]
    status = (
        [Category(post.status, f"{scheme}status", _STATUS[post.status])] if post.status in _STATUS else []
    )
    return (*topics, *research, *status)


def _note(post: Post) -> str:
    """What became of the post, in plain text; nothing when nothing did."""
    return f"{_STATUS[post.status]}. {post.note}".rstrip() if post.status in _STATUS else ""


def _head(post: Post) -> str:
    """The note of a correction and the references, as a reader shows them above the text."""
    note = ""
    if post.status in _STATUS:
        text = f" {html.escape(post.note)}" if post.note else ""
        note = f"<p><strong>{_STATUS[post.status]}.</strong>{text}</p>\n"
    return note + "".join(f"{reference_html(cite)}\n" for cite in post.cites)
