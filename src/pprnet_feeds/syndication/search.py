"""Search: which posts contain all of some words, the best first.

A word is made of a–z and 0–9, after folding case and accents; anything else separates. SQLite's FTS5 holds
the index in memory. It is made of the text as the editor typed it, less what readers cannot see, because
rendering thousands of bodies would take longer than anybody waits.
"""

import re
import sqlite3
import unicodedata
import weakref
from collections.abc import Collection, Sequence
from contextlib import closing
from functools import cache
from html import unescape

from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.text import first_sentences, sentences

MOST_WORDS, LONGEST_WORD = 8, 40
# From how many letters on a word is a beginning, too.
BEGINNING = 3
# How much a hit weighs in the title, the implications for practice, the rest, and what the post is about.
_WEIGHTS = "10, 4, 1, 2"

_WORD = re.compile("[a-z0-9]+")
# Accents, once they are apart, and letters that Unicode does not take apart.
_FOLDED = dict(zip("øđðłıħŧ", "oddliht", strict=True)) | {"þ": "th", "æ": "ae", "œ": "oe"}
_ACCENT = re.compile(f"[\u0300-\u036f{''.join(_FOLDED)}]")
_WHOLE_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
# Within one line: from each of thousands of empty lines the search would run to the last.
_PRACTICE = re.compile(r"^(?:[^\w\n]|_)*practice implications(?:[^\w\n]|_)*$", re.IGNORECASE | re.MULTILINE)
_UNSEEN = re.compile(
    r"<(?:!--.*?(?:-->|\Z)|((?i:script|style))\b.*?(?:</\1\s*>|\Z)|/?[A-Za-z][^<>]*>)"
    r"|\]\([^()\s]*(?:\s[^()]*)?\)|https?://[^\s<>]+",
    re.DOTALL,
)
_SIGNS = re.compile(r"[*_`#>|~\[\]\\]+|^[ \t]*(?:[-+]|[0-9]+[.)])[ \t]+", re.MULTILINE)
_LINE_END = re.compile(r"(?<=[^\n])\n(?=[^\n])")


def fold(text: str) -> str:
    """*text* in lower case and without accents."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = _ACCENT.sub(lambda sign: _FOLDED.get(sign[0], ""), apart)
    return text.lower()


def words_in(text: str) -> list[str]:
    """The words of a query in the order in which they were typed, each once."""
    return list(dict.fromkeys(_WORD.findall(fold(text))))


@cache
def is_available() -> bool:
    """Whether the SQLite of this machine can search."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE found USING fts5(title)")
        except sqlite3.OperationalError:
            return False
    return True


class SearchIndex:
    """The words of *posts*, for searches that are made one at a time, by one thread after the other."""

    def __init__(self, posts: Sequence[Post], site: Site) -> None:
        self._posts = posts
        self._last: tuple[tuple[str, ...], list[Post]] = ((), [])  # one page asks for the same several times
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        # Without the texts themselves, which the posts have.
        self._connection.execute(
            "CREATE VIRTUAL TABLE found USING fts5"
            f"(title, practice, text, about, content='', prefix={BEGINNING}, tokenize=ascii)"
        )
        self._connection.executemany(
            "INSERT INTO found (rowid, title, practice, text, about) VALUES (?, ?, ?, ?, ?)",
            ((number, *map(_ascii, _texts(post, site))) for number, post in enumerate(posts)),
        )
        self._connection.commit()

    def best_first(self, words: tuple[str, ...]) -> list[Post]:
        """The posts that contain all the sorted *words*, and of equals in the order of all posts."""
        if words != self._last[0]:
            terms = (f'"{word}"{" *" if len(word) >= BEGINNING else ""}' for word in words)
            found = self._connection.execute(
                f"SELECT rowid FROM found WHERE found MATCH ? ORDER BY bm25(found, {_WEIGHTS}), rowid",
                [" AND ".join(terms)],
            )
            self._last = words, [self._posts[number] for (number,) in found]
        return self._last[1]


def excerpt(post: Post, words: Collection[str]) -> str:
    """A sentence of the post with one of the *words*, else its first ones; plain text."""
    text = _LINE_END.sub(" ", _SIGNS.sub("", unescape(_UNSEEN.sub(" ", post.body))))
    for sentence in sentences(text):
        folded = fold(sentence)  # to look for a word in it is quick, to take it apart is not
        if any(word in folded for word in words) and any(is_hit for _, is_hit in marked(sentence, words)):
            return first_sentences(sentence)
    return post.summary or first_sentences(text)


def marked(text: str, words: Collection[str]) -> list[tuple[str, bool]]:
    """*text* in parts, each with whether it is a word that a search for *words* finds."""
    beginnings = tuple(word for word in words if len(word) >= BEGINNING)
    whole, parts, end = {*words}, [], 0
    for match in _WHOLE_WORD.finditer(text):
        # A letter of another script may join two words of ours.
        if any(word in whole or word.startswith(beginnings) for word in words_in(match[0])):
            parts += [(text[end : match.start()], False), (match[0], True)]
            end = match.end()
    return [part for part in (*parts, (text[end:], False)) if part[0]]


def _texts(post: Post, site: Site) -> tuple[str, str, str, str]:
    """The columns of a post."""
    text, _, practice = _PRACTICE.sub("\0", post.body, count=1).partition("\0")
    labels = [site.topic[slug].label for slug in post.topics]
    labels += [site.research_type[slug].label for slug in post.research]
    authors = [author.name for author in post.authors or (site.author,)]
    about = [post.summary, *labels, *authors, *(cite.text for cite in post.cites)]
    return post.title, practice, text, "\n".join(about)


def _ascii(text: str) -> str:
    return fold(unescape(_UNSEEN.sub(" ", text))).encode("ascii", "replace").decode()
