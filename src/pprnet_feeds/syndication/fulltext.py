"""The text of an entry: the notice of a correction, a picture, the text, the references.

Readers make a preview of the first words, so the text comes before the
references. Nothing that the text itself shows is shown a second time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import unquote

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Citation, Image, Post
from pprnet_feeds.syndication.citations import reference_html

STATUS = {"corrected": "Corrected", "retracted": "Retracted", "withdrawn": "Withdrawn"}
_SHOWN = re.compile(r'<img[^<>]* src="([^"]*)"')


def note(post: Post) -> str:
    """What became of the post, in plain text; nothing when nothing did."""
    return f"{STATUS[post.status]}. {post.note}".rstrip() if post.status in STATUS else ""


def figure(image: Image | None, text: str) -> str:
    """The picture for the head of *text*, which is HTML; nothing where the text shows it."""
    if not image or unquote(image.url) in (unquote(html.unescape(url)) for url in _SHOWN.findall(text)):
        return ""
    size = f' width="{image.width}" height="{image.height}"' if image.width and image.height else ""
    url, alt = html.escape(image.url), html.escape(image.alt)
    return f'<figure><img src="{url}" alt="{alt}"{size}></figure>\n'


def arranged(
    text: str, post: Post, image: Image | None, cites: Sequence[Citation], *, listed: bool = True
) -> str:
    """*text*, which is HTML, with what belongs above and below it.

    The references are a list under a heading, or paragraphs where they are not
    *listed*. A section `References` of the text is completed.
    """
    _, inner, end = markdown.section(text, "references")
    own = _letters(text[inner:end])
    each, around = ("<li>{}</li>\n", "<ul>\n{}</ul>\n") if listed else ("<p>{}</p>\n", "{}")
    if listed and not own:
        around = f"<h2>References</h2>\n{around}"
    missing = [cite for cite in cites if not any(mark in own for mark in _marks(cite))]
    below = around.format("".join(each.format(reference_html(cite)) for cite in missing)) if missing else ""
    return _note_html(post) + figure(image, text) + text[:end] + below + text[end:]


def _note_html(post: Post) -> str:
    if post.status not in STATUS:
        return ""
    text = f" {html.escape(post.note)}" if post.note else ""
    return f"<p><strong>{STATUS[post.status]}.</strong>{text}</p>\n"


def _marks(cite: Citation) -> list[str]:
    """By which a reference is known again in a list of references."""
    return [_letters(text) for text in (html.escape(cite.text), cite.doi) if text]


def _letters(text: str) -> str:
    """The letters and digits of HTML, in which two ways to print one reference agree."""
    return "".join(filter(str.isalnum, markdown.plain_text(text).casefold()))
