"""``pprnet-feeds letter``: a month as HTML and plain text, and both in one file that opens as a draft.

The same posts give the same bytes: there is no date and no Message-ID, which the program that sends it
adds, and the boundary is made from the content.
"""

import hashlib
import html
import re
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from pathlib import Path
from textwrap import wrap

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.check import public_library
from pprnet_feeds.content.dates import is_month
from pprnet_feeds.content.markdown import plain_text
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.pages.pages import render_template
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import Entry
from pprnet_feeds.syndication.month import month_entry, styled
from pprnet_feeds.syndication.selection import Selection

CONSEQUENCE = "Nothing was written."
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


@click.command()
@click.argument("month", metavar="YYYY-MM")
@options.site
@click.option("--html", "form", flag_value="html", help="Only the HTML, for a newsletter service.")
@click.option("--text", "form", flag_value="text", help="Only the plain text.")
@click.option("--topic", metavar="NAME", help="Only the posts on one topic.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
def letter(month: str, folder: Path, form: str | None, topic: str | None, output: Path | None) -> None:
    """Write the posts of a month as a letter.

    Writes a draft e-mail (.eml), which Outlook and Thunderbird open, to standard output or a file. It is the
    same at each run, and as the month's entry in /issues/feed.rss. Needs a base_url.

    \b
    Examples:
        pprnet-feeds letter 2026-03 --output march.eml
        pprnet-feeds letter 2026-03 --html --topic alliance
    """
    if not is_month(month):
        raise click.UsageError(f"this is not a month: {quoted(month)}. Write it like 2026-03.")
    library, selection = public_library(folder, options.now(), CONSEQUENCE), Selection()
    site = library.site
    if topic is not None:
        selection = Selection(topics=tuple(options.chosen([topic], site.topics)))
    catalogue = Catalogue(library)
    posts = [post for post in catalogue.months.get(month, ()) if selection.holds(post)]
    if not posts:
        raise click.ClickException(f"{month} has no posts{' on this topic' if topic else ''}. {CONSEQUENCE}")
    corrections = [post for post in catalogue.corrections(month) if selection.holds(post)]
    entry, title = month_entry(month, posts, site, corrections), selection.title(site)
    body, text = styled(entry.html), _plain_letter(entry, title, site)
    page = render_template("letter.html", entry=entry, title=title, site=site, body=body)
    whole = {"html": page, "text": text.encode()}
    content = whole[form] if form else _message(page.decode(), text, f"{title}, {entry.title}", site)
    if output is None:
        click.echo(content, nl=False)
        return
    with options.writing(output, CONSEQUENCE):
        output.write_bytes(content)


def _plain_letter(entry: Entry, title: str, site: Site) -> str:
    """The letter in lines of at most 72 columns where an address is not longer."""
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


def _message(page: str, text: str, subject: str, site: Site) -> bytes:
    """Both as one message (RFC 2046 §5.1.4) that Outlook and Thunderbird open as a draft."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=76))  # of encoded text (RFC 2045 §6)
    message["Subject"] = subject
    message["X-Unsent"] = "1"
    if site.newsletter[1]:
        message["List-Unsubscribe"] = f"<{site.newsletter[1]}>"  # RFC 2369 §3.2
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    message.set_boundary(hashlib.blake2b(f"{page}{text}".encode(), digest_size=16).hexdigest())
    return message.as_bytes(policy=SMTP.clone(max_line_length=998))  # no header is folded within an address


def _encoding(text: str) -> str:
    """The shorter way to write *text* in ASCII (RFC 2045 §6)."""
    content = text.encode()
    return "base64" if sum(byte > 127 for byte in content) * 6 > len(content) else "quoted-printable"
