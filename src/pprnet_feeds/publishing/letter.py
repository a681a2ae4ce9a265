"""The letter of a month: HTML and plain text for mail, and both in one file that opens as a draft.

The same posts give the same bytes: there is no date and no Message-ID, which the program that sends it
adds, and the boundary is made from the content.
"""

from __future__ import annotations

import hashlib
import html
import re
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from textwrap import wrap

from pprnet_feeds.content.markdown import plain_text
from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.pages import render_template
from pprnet_feeds.syndication.channel import Entry
from pprnet_feeds.syndication.month import styled

_RULE = "-" * 72
_ITEM = re.compile(r"(?<=<li>)- ")
_LIST = re.compile(r"<ol\b.*?</ol>", re.DOTALL)
# What HTML shows by its looks, in words. The heading of a post is a link that comes again below, and an
# address is its own link.
_WORDS = {
    re.compile(r"(<h2.*?)(?=</h2>)", re.DOTALL): rf"\1<br>{_RULE}",
    re.compile(r"(<h2[^<>]*>)<a [^<>]*>(.*?)</a>", re.DOTALL): r"\1\2",
    re.compile(r'<a [^<>]*href="([^"]*)"[^<>]*>(?!\1<)(.*?)</a>', re.DOTALL): r"\2 &lt;\1&gt;",
    re.compile(r"<li[^<>]*>\s*(?:<p>)?"): "<li>- ",
    re.compile(r"<blockquote>\s*<p>"): "<blockquote><p>&gt; ",
    re.compile(r"</(t[dh])>\s*<t"): r" | </\1><t",
}
_POLICY = SMTP.clone(max_line_length=998)  # no header is folded within an address


def letter_html(entry: Entry, title: str, site: Site) -> str:
    """The month *entry* as a page for mail programs; *title* is that of the newsletter."""
    body = styled(entry.html)
    return render_template("letter.html", entry=entry, title=title, site=site, body=body).decode()


def letter_text(entry: Entry, title: str, site: Site) -> str:
    """The same in plain text, in lines of at most 72 columns where an address is not longer."""
    page = f"<h2>{html.escape(f'{title}, {entry.title}')}</h2>{entry.html}"
    for pattern, words in _WORDS.items():
        page = pattern.sub(words, page)
    lines = []
    for line in plain_text(_LIST.sub(_numbered, page)).split("\n"):
        rest = "  " if line.startswith("- ") else "   " if re.match(r"[0-9]+\. ", line) else ""
        wrapped = wrap(line, 72, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
        lines += wrapped or [""]
    subscribe, leave = site.newsletter
    ways = {"On the web": entry.url, "Subscribe": subscribe, "Unsubscribe": leave, "Licence": site.licence}
    footer = "\n".join([*(f"{name}: {url}" for name, url in ways.items() if url), site.rights]).strip()
    return "\n".join([*lines, "", _RULE, footer, ""])


def _numbered(found: re.Match[str]) -> str:
    number = count(1)
    return _ITEM.sub(lambda _: f"{next(number)}. ", found[0])


def letter_eml(page: str, text: str, subject: str, site: Site) -> bytes:
    """Both as one message (RFC 2046 §5.1.4) that Outlook and Thunderbird open as a draft."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=76))  # of encoded text (RFC 2045 §6)
    message["Subject"] = subject
    message["X-Unsent"] = "1"
    if site.newsletter[1]:
        message["List-Unsubscribe"] = f"<{site.newsletter[1]}>"  # RFC 2369 §3.2
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    message.set_boundary(hashlib.blake2b(f"{page}{text}".encode(), digest_size=16).hexdigest())
    return message.as_bytes(policy=_POLICY)


def _encoding(text: str) -> str:
    """The shorter way to write *text* in ASCII (RFC 2045 §6)."""
    content = text.encode()
    return "base64" if sum(byte > 127 for byte in content) * 6 > len(content) else "quoted-printable"
