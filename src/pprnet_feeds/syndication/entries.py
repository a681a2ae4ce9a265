"""Posts as entries: what each view shows of a post.

Readers make a preview of the first words, so the text comes before the references. Nothing that the
text itself shows is shown a second time. A body is rendered when a document needs it.
"""

import html
import re
from dataclasses import replace
from functools import cached_property, lru_cache
from urllib.parse import unquote, urljoin

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Citation, Image, Post, Site
from pprnet_feeds.content.text import first_sentences
from pprnet_feeds.syndication.channel import Category, Entry, permalink, post_id, study_ids
from pprnet_feeds.syndication.citations import LABELS, authors, reference_html, study_warnings
from pprnet_feeds.syndication.references import complete
from pprnet_feeds.syndication.urls import View

STATUS = {"corrected": "Corrected", "retracted": "Retracted", "withdrawn": "Withdrawn"}
# The ends of the schemes of categories that say what became of a post and its studies.
_BECAME = ("/status", "/notice")

# A heading, an empty line and a paragraph that no line below makes a heading.
_PLAIN_PRACTICE = re.compile(
    r"(?:\A|\n\n)## practice implications\n\n[a-z][^\n]*(?:\n[a-z][^\n]*)*(?:\n*\Z|\n\n)",
    re.IGNORECASE | re.ASCII,
)
# Markup in which such a line may be no heading; and a length that exceeds no limit of the renderer.
_CONTAINER = re.compile(r"[<|\r\t]|```|~~~|\[\^")
_SHORT = 15_000
_IMAGE = re.compile(r'<img[^<>]* src="([^"]*)"')


class Body:
    """The text of a post as safe HTML, and what is found in it."""

    def __init__(self, rendered: str) -> None:
        self.html = rendered
        # The letters of the references that the text prints itself, and where these end.
        _, begin, self.end = markdown.section(rendered, "references")
        self.references = _letters(rendered[begin : self.end])

    @cached_property
    def sections(self) -> tuple[str, str]:
        """The body without its practice implications, and these; either may be empty."""
        return markdown.sections(self.html)

    @cached_property
    def summary(self) -> str:
        """The first sentences."""
        account, practice = map(markdown.running_text, self.sections)
        return first_sentences(account or practice)


@lru_cache(750)
def _render(body: bytes, base: str, prefix: str) -> Body:
    """The body of a post as safe HTML.

    At 350 posts nearly all bodies are rendered and searched once instead of twelve times, once for each
    feed and format. At 10,000 the year that the main feed holds fits, which saves 46 ms of each edit.
    """
    return Body(markdown.render(body.decode(), base=base, prefix=prefix))


class PostText:
    """What the views take from the text of a post; *of_study* where the text stands for a study."""

    def __init__(self, post: Post, site: Site, *, of_study: bool = False) -> None:
        self.post = post
        self.site = site
        self._of_study = of_study
        self.body = _render(post.body.encode(), permalink(post, site), f"{post.slug}-")

    @cached_property
    def image(self) -> Image | None:
        """The picture under its absolute address."""
        image = self.post.image
        return image and replace(image, url=urljoin(permalink(self.post, self.site), image.url))

    @cached_property
    def cites(self) -> tuple[Citation, ...]:
        """The cited works, completed from their references."""
        return tuple(map(complete, self.post.cites))

    @property
    def summary(self) -> str:
        """The summary as typed, else taken from the text."""
        return self.post.summary or self.body.summary or self.post.title

    @property
    def html(self) -> str:
        """The text as a reader shows it; its section of references is completed, or added."""
        body, end = self.body.html, self.body.end
        missing = self._references("<li>{}</li>\n", self.body.references)
        heading = "" if self.body.references else "<h2>References</h2>\n"
        below = f"{heading}<ul>\n{missing}</ul>\n" if missing else ""
        return self.became + self.figure(body) + body[:end] + below + body[end:]

    @property
    def implications(self) -> str:
        """The practice implications, or nothing, then the references."""
        practice = f"{self.body.sections[1]}\n"
        _, inner, end = markdown.section(practice, "references")
        below = self._references("<p>{}</p>\n", _letters(practice[inner:end]))
        return practice[:end] + below + practice[end:]

    @property
    def became(self) -> str:
        """What became of the post and of its studies, as paragraphs."""
        post, notice = self.post, ""
        if post.status in STATUS:
            words = f" {html.escape(post.note)}" if post.note else ""
            # Beside a study the plain word would be read as said of the study.
            status = f"This summary was {post.status}" if self._of_study else STATUS[post.status]
            notice = f"<p><strong>{status}.</strong>{words}</p>\n"
        for _, sentence, url in study_warnings(self.cites):
            link = f' <a href="{html.escape(url)}">Read the notice</a>' if url else ""
            notice += f"<p><strong>{html.escape(sentence)}</strong>{link}</p>\n"
        return notice

    def figure(self, text: str) -> str:
        """The picture for the head of *text*, which is HTML; empty where the text shows it."""
        image = self.image
        if not image or unquote(image.url) in (unquote(html.unescape(url)) for url in _IMAGE.findall(text)):
            return ""
        size = f' width="{image.width}" height="{image.height}"' if image.width and image.height else ""
        url, alt = html.escape(image.url), html.escape(image.alt)
        return f'<figure><img src="{url}" alt="{alt}"{size}></figure>\n'

    def _references(self, element: str, own: str) -> str:
        """The references that the text does not print itself; *own* are the letters of those it does."""
        return "".join(
            element.format(reference_html(cite))
            for cite in self.cites
            if not (own and any(_letters(mark) in own for mark in (html.escape(cite.text), cite.doi) if mark))
        )

    @property
    def categories(self) -> tuple[Category, ...]:
        """Topics, research types, and what became of the post and its studies."""
        post, site, scheme = self.post, self.site, f"tag:{self.site.tag_root}/"
        kinds = dict.fromkeys(kind for kind, *_ in study_warnings(self.cites))
        return (
            *(Category(slug, f"{scheme}topics", site.topic[slug].label) for slug in post.topics),
            *(Category(slug, f"{scheme}research", site.research_type[slug].label) for slug in post.research),
            *(Category(key, f"{scheme}status", label) for key, label in STATUS.items() if key == post.status),
            *(Category(kind, f"{scheme}notice", LABELS[kind]) for kind in kinds),
        )

    def entry(self, summary: str, text: str = "") -> Entry:
        """The post as an entry, with the warnings about its studies before the summary; *text* is HTML."""
        post, site = self.post, self.site
        warnings = [sentence for _, sentence, _ in study_warnings(self.cites)]
        return Entry(
            id=post_id(post, site),
            key=post.id,
            url=permalink(post, site),
            title=post.title,
            published=post.published,
            updated=post.updated,
            authors=post.authors or (site.author,),
            categories=self.categories,
            summary=" ".join([*warnings, summary]),
            html=text,
            cites=self.cites,
            image=self.image,
            doi=post.doi,
            language=post.language if post.language != site.language else "",
        )


def post_entries(post: Post, view: View, site: Site) -> list[Entry]:
    """The entries of *post* in *view*: one, or none, or one for each cited work in ``citations``."""
    if view == "citations":
        return _studies(PostText(post, site, of_study=True))
    text = PostText(post, site)
    if view == "summary":
        return [text.entry(markdown.joined_paragraphs((note(post), text.summary)).replace("\n", " "))]
    if view == "practice":
        practice = text.body.sections[1]
        summary = first_sentences(markdown.running_text(practice)) or text.summary
        shown = text.became + text.figure(practice) + text.implications
        return [text.entry(summary, shown)] if practice else []
    return [text.entry(text.summary, text.html)]


def _studies(text: PostText) -> list[Entry]:
    """The cited works themselves; our post is their abstract and the related link."""
    post, ours, whole = text.post, permalink(text.post, text.site), text.entry(text.summary, text.html)
    whole = replace(whole, image=None, doi="", language="", post=(ours, post.title))
    return [
        replace(
            whole,
            id=id,
            key=f"{post.id}-{place}",
            url=cite.link or ours,
            title=cite.title or cite.text,
            authors=authors(cite, post.cites[place - 1].authors),
            # What became of the post, or of its other studies, is not said of this one.
            categories=tuple(
                category
                for category in whole.categories
                if not category.scheme.endswith(_BECAME)
                or (cite.notice and category.term == cite.notice.kind)
            ),
            study=cite,
        )
        for place, (id, cite) in enumerate(zip(study_ids(post, text.site), text.cites, strict=True), 1)
    ]


def correction_entry(post: Post, site: Site) -> Entry:
    """A corrected, retracted or withdrawn post, or one whose study was, in the feed of corrections."""
    text, notice = PostText(post, site), note(post)
    label = next(category.label for category in text.categories if category.scheme.endswith(_BECAME))
    title = f"{label}: {post.title}"
    if post.status == "withdrawn":
        return replace(text.entry(notice, f"<p>{html.escape(notice)}</p>\n"), title=title, image=None)
    return replace(text.entry(text.summary, text.html), title=title)


def has_practice(post: Post, site: Site) -> bool:
    """Whether the post has practice implications; its body is rendered only where that is in doubt."""
    body = post.body
    if "implications" not in body.lower():
        return False
    if len(body) < _SHORT and _PLAIN_PRACTICE.search(body) and not _CONTAINER.search(body):
        return True
    return bool(PostText(post, site).body.sections[1])


def note(post: Post) -> str:
    """What became of the post, in plain text; empty for a post that is simply published."""
    return f"{STATUS[post.status]}. {post.note}".rstrip() if post.status in STATUS else ""


def _letters(text: str) -> str:
    """The letters and digits of HTML, in which two ways to print one reference agree."""
    return "".join(filter(str.isalnum, markdown.plain_text(text).casefold()))
