"""The blog's page, saved as text or HTML: months, titles, references, texts.

Only the order says what is what: a month, a title, a reference, an account, the words "Practice
Implications", a text. A post in another order is left out, and its lines are reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.html import Block
from pprnet_feeds.importing.source_post import Source, SourcePost, unread
from pprnet_feeds.importing.to_markdown import compose, is_practice, is_reference

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = re.compile(rf"({'|'.join(_MONTHS)}),? ((?:19|20)[0-9]{{2}})", re.IGNORECASE)
_SENTENCE = re.compile(r"this month[ .…]*(.*)", re.IGNORECASE)
_ALL_TOPICS = re.compile(r"all topics\b|all types\b|- ?(?:any|all) ?-|\(clear\)|any$", re.IGNORECASE)
_BULLET = re.compile(r"[-*•·–] +")
_TITLE_LENGTH = 200
_PARAGRAPH_LENGTH = 200
_SENTENCE_END = re.compile(r"[.!?…][)\]”\"’']*$")
_COMPARE = "Compare it with the blog, and write what is missing by hand."
_AGAIN = "Save the page again, down to its end."


def read_page(blocks: Sequence[Block], file: str) -> Source:
    """The posts of a page, and what surrounds them."""
    blocks = [block for block in blocks if block.text or "<img" in block.html]  # without rules
    first_month = next((place for place, block in enumerate(blocks) if month_of(block.text)), None)
    if first_month is None:
        what = "this is not a page of the blog: it has no month, such as December 2021, on a line of its own"
        return unread(file, what, "Save the whole page from a browser.")
    reader = _PageReader(file, blocks, first_month)
    for place, block in enumerate(blocks):
        reader.read(place, block)
    reader.end_post(at_the_end=True)
    if not reader.posts:
        what = "there is no whole post below the months of this page"
        reader.problems.append(Problem(file, blocks[first_month].line, 0, what, _AGAIN))
    sentence = reader.sentence or Block(0, "")
    return Source(
        "a page of the blog",
        tuple(reader.posts),
        tuple(sorted(reader.problems)),
        int(not reader.posts),
        " ".join(sentence.text.split()),
        sentence.line,
        tuple(reader.lists["topics"]),
    )


@dataclass(slots=True)
class _OpenPost:
    """A post while it is read."""

    month: str
    title: Block
    blocks: list[Block] = field(default_factory=list)
    practice: Block | None = None
    has_text: bool = False
    in_disorder: bool = False


class _PageReader:
    """Goes through the blocks once. The state is what the next block may belong to."""

    def __init__(self, file: str, blocks: Sequence[Block], first_month: int) -> None:
        self.posts: list[SourcePost] = []
        self.problems: list[Problem] = []
        self.lists: dict[str, list[str]] = {"topics": [], "type of research": []}
        self.sentence: Block | None = None
        self._file, self._blocks, self._first = file, blocks, first_month
        self._state, self._month = "head", ""
        self._post: _OpenPost | None = None
        self._bulleted = self._has_practice = False
        # Titles are headings when the first one is. A heading of a higher rank belongs to the page,
        # and where titles are no headings every heading does.
        first = blocks[first_month + 1 : first_month + 2]
        self._level = first[0].level if first and _is_heading(first[0]) else 0

    def read(self, place: int, block: Block) -> None:
        word = block.text.casefold().rstrip(" :")
        if month := month_of(block.text):
            self.end_post()
            if month > self._month > "":
                what = f"{month} is below {self._month}: parts of the page may be out of order"
                mend = "Look whether each post written has its own reference and text."
                self.problems.append(Problem(self._file, block.line, 0, what, mend))
            self._month, self._state = month, "title"
        elif word in self.lists:
            self.end_post()
            self._state, self._bulleted = word, False
        elif place < self._first and (found := _SENTENCE.fullmatch(block.text)):
            self._state = "sentence"
            if found[1]:
                self._read_sentence(Block(block.line, found[1]))
        elif self._state == "sentence":
            self._read_sentence(block)
        elif self._state in self.lists:
            self._read_list(block)
        elif self._state != "head":
            following = self._blocks[place + 1] if place + 1 < len(self._blocks) else None
            self._read_post(block, following)

    def _read_sentence(self, block: Block) -> None:
        if self.sentence is not None:
            self._leave_out(block, "a second line under “This month”")
        self.sentence = self.sentence or block

    def _read_list(self, block: Block) -> None:
        for line in block.text.splitlines():
            name = _BULLET.sub("", line.strip(), count=1)
            bulleted = name != line.strip()
            if self._bulleted and not bulleted:
                self._leave_out(block, "a line that is neither a topic nor below a month")
                self._state = "title" if self._month else "head"
                return
            self._bulleted = self._bulleted or bulleted
            if name and not _ALL_TOPICS.search(name):
                self.lists[self._state].append(name)

    def _read_post(self, block: Block, following: Block | None) -> None:
        post = self._post
        if self._is_title(block, following):
            self.end_post()
            self._post, self._state = _OpenPost(self._month, block), "text"
        elif _is_heading(block) and block.level < (self._level or 7):
            self.end_post()
            self._leave_out(block, "a heading that is neither a month nor a title")
        elif post is None:
            self._leave_out(block, "a line that is under no title")
        elif is_practice(block):
            if post.practice or not post.has_text:
                words = "a second {} under" if post.practice else "{} before the text of"
                words = words.format("“Practice Implications”")
                self._leave_out(block, f"{words} {quoted(post.title.text)}")
                post.in_disorder = True
            post.practice = block
            post.blocks.append(block)
        elif is_reference(block) and post.has_text:
            self._leave_out(block, f"a reference within {quoted(post.title.text)} and not under its title")
        elif not is_reference(block) and _is_short(block):
            self._leave_out(block, "a short line that is neither a title nor a sentence")
        else:
            post.blocks.append(block)
            post.has_text = not is_reference(block)

    def _is_title(self, block: Block, following: Block | None) -> bool:
        """Whether a block is a title: by headings where there are any, and else by what follows."""
        if not (block.text and self._month) or is_practice(block) or is_reference(block):
            return False
        if self._level:
            return block.level == self._level
        if len(block.text) > _TITLE_LENGTH:
            return False
        if following is not None and is_reference(following) and _is_short(block):
            return True
        post = self._post
        if self._state == "title" and post is None:
            return block.text[-1] not in ".:;,"
        done = post is not None and post.practice and post.blocks[-1] is not post.practice
        return bool(done and _is_short(block) and following and len(following.text) >= _PARAGRAPH_LENGTH)

    def end_post(self, *, at_the_end: bool = False) -> None:
        """Add the post that was read until now, when it is whole."""
        post, self._post = self._post, None
        if post is None:
            return
        title = quoted(post.title.text)
        last = post.blocks[-1] if post.blocks else post.title
        if not post.has_text:
            self._leave_out(post.title, f"{title} has no text below it")
        elif last is post.practice:
            mend = _AGAIN if at_the_end else _COMPARE
            self._leave_out(last, f"nothing is under the “Practice Implications” of {title}", mend)
        elif at_the_end and not _SENTENCE_END.search(last.text) and not (last.html and "\n" in last.text):
            self._leave_out(last, f"the page is cut off within {title}", _AGAIN)
        elif at_the_end and not post.practice and self._has_practice:
            self._leave_out(last, f"the page ends before the “Practice Implications” of {title}", _AGAIN)
        elif not post.in_disorder:
            self._has_practice = self._has_practice or post.practice is not None
            cites, body = compose(post.blocks)
            name = " ".join(post.title.text.split())
            self.posts.append(SourcePost(self._file, post.title.line, name, post.month, body, cites))

    def _leave_out(self, block: Block, why: str, mend: str = _COMPARE) -> None:
        first = block.text.splitlines()[0] if block.text else ""
        what = why if first in why else f"{why}: {quoted(first)}"
        self.problems.append(Problem(self._file, block.line, 0, what, mend))


def month_of(text: str) -> str:
    """The month that a heading such as `December 2021` names, as ``2021-12``; empty when it is none."""
    found = _MONTH.fullmatch(text)
    return f"{found[2]}-{_MONTHS.index(found[1].lower()) + 1:02}" if found else ""


def _is_heading(block: Block) -> bool:
    return bool(block.level) and not month_of(block.text) and not is_practice(block)


def _is_short(block: Block) -> bool:
    """Whether a block is too short for a paragraph and does not end like a sentence."""
    if block.level or not block.text or "\n" in block.text or len(block.text) > _TITLE_LENGTH:
        return False
    return block.text.endswith("?") or not (_SENTENCE_END.search(block.text) or block.text.endswith(":"))
