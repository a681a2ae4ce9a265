"""The letter of a month: HTML and plain text for mail, and both in one file that opens as a draft.

The same posts give the same bytes: there is no date and no Message-ID, which the program that sends it
adds, and the boundary is made from the content.
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from textwrap import wrap

from pprnet_feeds.content.markdown import BLOCK
from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.pages import render_template
from pprnet_feeds.syndication.channel import Entry
from pprnet_feeds.syndication.month import styled

_COLUMNS = 72
# No header is folded within an address, and no part needs eight bits (RFC 2045 §6).
_POLICY = SMTP.clone(max_line_length=998, cte_type="7bit")


def letter_html(entry: Entry, title: str, site: Site) -> str:
    """The month *entry* as a page for mail programs; *title* is that of the newsletter."""
    return render_template(
        "letter.html", entry=entry, title=title, site=site, body=styled(entry.html)
    ).decode()


def letter_text(entry: Entry, title: str, site: Site) -> str:
    """The same in plain text, in lines of at most 72 columns where an address is not longer."""
    text = _PlainText()
    text.feed(f"<h1>{title}, {entry.title}</h1>{entry.html}")
    text.close()
    newsletter = dict(zip(("Subscribe", "Unsubscribe"), site.newsletter, strict=True))
    ways = {"On the web": entry.url, **newsletter, "Licence": site.licence}
    footer = "\n".join([*(f"{name}: {url}" for name, url in ways.items() if url), site.rights]).strip()
    return f"{''.join(text.blocks).strip()}\n\n-----\n{footer}\n"


def letter_eml(html: str, text: str, subject: str, site: Site) -> bytes:
    """Both as one message (RFC 2046 §5.1.4) that Outlook and Thunderbird open as a draft."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = subject
    message["X-Unsent"] = "1"
    if site.newsletter[1]:
        message["List-Unsubscribe"] = f"<{site.newsletter[1]}>"  # RFC 2369 §3.2
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    message.set_boundary(hashlib.blake2b(f"{html}{text}".encode(), digest_size=16).hexdigest())
    return message.as_bytes()


class _PlainText(HTMLParser):
    """Collects the blocks of HTML as lines of plain text."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._words = self._href = self._mark = ""
        self._lists: list[
            int
        ] = []  # the number of the last item of each list around; below 0 without numbers
        self._quotes = self._link = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th") and self._words.strip():
            self._words += " | "
        elif tag in BLOCK:
            self._end("")
        match tag:
            case "ul" | "ol":
                self._lists.append(0 if tag == "ol" else -(10**6))
            case "li" if self._lists:
                self._lists[-1] += 1
                self._mark = f"{self._lists[-1]}. " if self._lists[-1] > 0 else "- "
            case "blockquote":
                self._quotes += 1
            case "br":
                self._words += "\n"
            case "a":
                self._href, self._link = dict(attrs).get("href") or "", len(self._words)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href not in self._words[self._link :]:
            self._words += f" <{self._href}>"
        if tag in BLOCK and tag not in ("td", "th"):
            self._end(tag)
        if tag in ("ul", "ol"):
            self._lists.pop()
        self._quotes -= tag == "blockquote"

    def handle_data(self, data: str) -> None:
        self._words += data.replace("\n", " ")

    def close(self) -> None:
        super().close()
        self._end("")

    def _end(self, tag: str) -> None:
        """End a block of the element *tag*."""
        if not self._words.strip():
            self._words = ""
            return
        rest = "> " * self._quotes + "   " * len(self._lists)
        first = rest[: -len(self._mark)] + self._mark if self._mark else rest
        words = self._words if tag[:1] != "h" else self._words.partition(" <http")[0]
        lines = []
        for line in words.split("\n"):
            lines += wrap(
                line,
                _COLUMNS,
                initial_indent=first,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
            first = rest
        if tag in ("h1", "h2"):
            lines.append(("=" if tag == "h1" else "-") * max(map(len, lines)))
        gap = (
            ""
            if tag == "tr" or (self._mark and self.blocks and self._lists[-1] not in (1, 1 - 10**6))
            else "\n"
        )
        self.blocks.append(gap + "\n".join(lines) + "\n")
        self._words = self._mark = ""
