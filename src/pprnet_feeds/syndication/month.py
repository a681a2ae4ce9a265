"""One month as a letter: what the feed of issues shows of it, and what goes out by mail.

Mail programs know no style sheet, so a letter has its styles inline; in the feed, readers have their own.
Mail programs cut what is longer than about 100 kB. No style sets the colour of text or ground: dark mode
does that. The only module that knows css-inline.
"""

import html
import re
from collections.abc import Sequence

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication.channel import Entry, permalink
from pprnet_feeds.syndication.entries import PostText
from pprnet_feeds.syndication.selection import lead, month_name

# Bytes of HTML with styles: with its text part and in base64 a letter stays below 100 kB.
_MOST = 40_000
_STYLES = """
h2 {font-size: 20px; line-height: 1.3; margin: 32px 0 8px}
h3 {font-size: 17px; line-height: 1.3; margin: 24px 0 8px}
h4, h5, h6 {font-size: 16px; line-height: 1.3; margin: 16px 0 8px}
p, ul, ol, table, blockquote, pre {margin: 0 0 16px}
li {margin: 0 0 8px}
blockquote {padding-left: 16px; border-left: 3px solid #808080}
table {border-collapse: collapse}
td, th {padding: 4px 8px; border: 1px solid #808080}
th:not([align]) {text-align: start}
img {max-width: 100%; height: auto}
cite {font-style: normal}
pre {white-space: pre-wrap}
a {overflow-wrap: anywhere}
"""
_HEADING = re.compile(r"(</?h)([2-5])\b")
_PARAGRAPH = re.compile(r"<p>.*?</p>", re.DOTALL)
# A letter needs no picture: its words are there instead. Footnotes are on the page.
_PICTURE = re.compile(r'<img(?:[^<>]*? alt="([^"<>]*)")?[^<>]*>|<sup class="footnote-ref">.*?</sup>', re.S)


def month_entry(issue: str, posts: Sequence[Post], site: Site, corrections: Sequence[Post] = ()) -> Entry:
    """One month as one entry: its sentence, its posts, and the *corrections* since the month before.

    It is dated by its first post, so that it never moves when another follows.
    """
    sentence, url = lead(site.issues.get(issue, "")), f"{site.base_url}/issues/{issue}/"
    above, below = ([PostText(post, site) for post in some] for some in (posts, corrections))
    forms: list[tuple[str, ...]] = [
        (_with_language(text, f"<p>{_linked(text)}</p>\n{text.became}"),) for text in below
    ]
    forms += [(_whole(text), _short(text)) for text in above]
    parts, room = [], _MOST
    for each in forms:
        parts.append(next((part for part in each if len(styled(part).encode()) <= room), ""))
        room -= len(styled(parts[-1]).encode())
    shown = [f"<p>{html.escape(sentence)}</p>\n"] if sentence else []
    shown += parts[len(below) :]
    if left_out := parts.count(""):
        shown.append(f'<p>{left_out} more: <a href="{html.escape(url)}">the page of this month</a></p>\n')
    if below:
        shown += ["<h2>Corrections</h2>\n", *parts[: len(below)]]
    return Entry(
        id=f"tag:{site.tag_root}/issue/{issue}",
        key=issue,
        url=url,
        title=month_name(issue),
        published=min(post.published for post in posts),
        updated=max(post.updated for post in posts),
        authors=tuple(dict.fromkeys(author for post in posts for author in post.authors or (site.author,))),
        categories=tuple(dict.fromkeys(category for text in above for category in text.categories)),
        summary=sentence or "; ".join(post.title for post in posts),
        html="".join(shown),
        cites=tuple(cite for text in above for cite in text.cites),
    )


def styled(fragment: str) -> str:
    """The HTML of an entry, or of a part of it, with the styles inline that a letter has."""
    import css_inline  # 2 MB, which most processes never need

    return css_inline.inline_fragment(fragment, _STYLES) if fragment else ""


def _whole(text: PostText) -> str:
    """A post's first paragraph, its practice implications in full, its references and a link."""
    account, practice = text.body.sections
    paragraphs = (found[0] for found in _PARAGRAPH.finditer(account) if markdown.running_text(found[0]))
    first = next(paragraphs, f"<p>{html.escape(text.summary)}</p>")
    implications = f"<h2>Practice Implications</h2>\n{text.implications}" if practice else text.implications
    # The post's own headings are below its title, which is of the second level.
    implications = _HEADING.sub(lambda tag: f"{tag[1]}{int(tag[2]) + 1}", implications)
    return _short(text, _PICTURE.sub(lambda found: found[1] or "", f"{first}\n{implications}"))


def _short(text: PostText, shown: str = "") -> str:
    """A post with what is *shown* of it, or with its summary where that is too long for a letter."""
    shown = shown or f"<p>{html.escape(text.summary)}</p>\n"
    link = _linked(text, f"Read “{text.post.title}” on the web")
    return _with_language(text, f"<h2>{_linked(text)}</h2>\n{text.became}{shown}") + f"<p>{link}</p>\n"


def _with_language(text: PostText, shown: str) -> str:
    """What is *shown* of a post; screen readers change their voice where it is in another language."""
    language = text.post.language
    return f'<div lang="{language}" dir="auto">\n{shown}</div>\n' if language else shown


def _linked(text: PostText, words: str = "") -> str:
    words = words or text.post.title
    if text.post.status == "withdrawn":  # its page is gone
        return html.escape(words)
    return f'<a href="{html.escape(permalink(text.post, text.site))}">{html.escape(words)}</a>'
