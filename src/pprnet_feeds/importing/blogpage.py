"""The blog's page, saved as text or HTML: months, titles, references, texts.

Only the order says what is what: a month, a title, a reference, an account, the words "Practice
Implications", a text. A post in another order is left out, and its lines are reported.
"""

import re
from collections import Counter
from collections.abc import Sequence

from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.html import Block
from pprnet_feeds.importing.source_post import Source, SourcePost, unread
from pprnet_feeds.importing.to_markdown import compose, is_practice, is_reference

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = re.compile(rf"({'|'.join(_MONTHS)}),? ((?:19|20)[0-9]{{2}})", re.IGNORECASE)
_SENTENCE = re.compile(r"this month[ .…]*(.*)", re.IGNORECASE)
_LISTS = ("topics", "type of research")
_BULLET = re.compile(r"[-*•·–] +")
_TITLE_LENGTH = 200
_PARAGRAPH_LENGTH = 200
_SENTENCE_END = re.compile(r"[.!?…][)\]”\"’']*$")
_COMPARE = "Compare it with the blog, and write what is missing by hand."
_AGAIN = "Save the page again, down to its end."


def read_page(blocks: Sequence[Block], file: str) -> Source:
    """The posts of a page, and what surrounds them."""
    blocks = [block for block in blocks if block.text or block.element.name != "hr"]
    months = [place for place, block in enumerate(blocks) if month_of(block.text)]
    if not months:
        what = "this is not a page of the blog: it has no month, such as December 2021, on a line of its own"
        return unread(file, what, "Save the whole page from a browser.")
    # Titles are headings when the first one is. A heading of a higher rank belongs to the page,
    # and where titles are no headings every heading does.
    title = next(iter(blocks[months[0] + 1 :]), Block(0, ""))
    reader = _PageReader(file, title.level if _is_heading(title) else 0)
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        reader.read(block, following)
    reader.end_post(at_the_end=True)
    if not reader.posts:
        what = "there is no whole post below the months of this page"
        reader.problems.append(Problem(file, blocks[months[0]].line, 0, what, _AGAIN))
    posts, problems, first = tuple(reader.posts), tuple(sorted(reader.problems)), reader.sentence
    return Source("a page of the blog", posts, problems, not posts, " ".join(first.text.split()), first.line)


class _PageReader:
    """Goes through the blocks once. The state is what the next block may belong to."""

    def __init__(self, file: str, level: int) -> None:
        self.posts: list[SourcePost] = []
        self.problems: list[Problem] = []
        self.sentence = Block(0, "")
        self._file, self._level = file, level  # of titles that are headings
        self._state, self._month = "head", ""
        self._title: Block | None = None  # of the post that is read now
        self._body: list[Block] = []
        self._practice: Block | None = None
        self._has_text = self._some_have_practice = False

    def read(self, block: Block, following: Block | None) -> None:
        if month := month_of(block.text):
            self.end_post()
            if month > self._month > "":
                what = f"{month} is below {self._month}: parts of the page may be out of order"
                mend = "Look whether each post written has its own reference and text."
                self.problems.append(Problem(self._file, block.line, 0, what, mend))
            self._month, self._state = month, "title"
        elif block.text.casefold().rstrip(" :") in _LISTS:
            self.end_post()
            self._state = "list"
        elif not self._month and (found := _SENTENCE.fullmatch(block.text)):
            self._state = "sentence"
            self.sentence = Block(block.line, found[1])
        elif self._state == "sentence" and not self.sentence.text:
            self.sentence = block
        elif self._state == "sentence":
            self._leave_out(block, "a second line under “This month”")
        elif self._state == "list" and (not self._month or _BULLET.match(block.text)):
            pass  # a name in the page's list of topics, which belongs to no post
        elif self._state != "head":
            self._read_post(block, following)

    def _read_post(self, block: Block, following: Block | None) -> None:
        if self._is_title(block, following):
            self.end_post()
            self._title, self._state = block, "text"
        elif _is_heading(block) and block.level < (self._level or 7):
            self.end_post()
            self._leave_out(block, "a heading that is neither a month nor a title")
        elif self._title is None:
            self._leave_out(block, "a line that is under no title")
        elif is_practice(block) and (not self._has_text or self._practice):
            where = "a second {} under" if self._has_text else "{} before the text of"
            self._leave_out(block, f"{where.format('“Practice Implications”')} {quoted(self._title.text)}")
            self._title = None
        elif is_reference(block) and self._has_text:
            why = f"a reference within {quoted(self._title.text)} and not under its title"
            self._leave_out(block, why)
        elif not is_reference(block) and not is_practice(block) and _is_short(block):
            self._leave_out(block, "a short line that is neither a title nor a sentence")
        else:
            self._body.append(block)
            self._practice = block if is_practice(block) else self._practice
            self._has_text = not is_reference(block)

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
        if self._state == "title" and self._title is None:
            return block.text[-1] not in ".:;,"
        done = self._practice and self._body[-1] is not self._practice
        return bool(done and _is_short(block) and following and len(following.text) >= _PARAGRAPH_LENGTH)

    def end_post(self, *, at_the_end: bool = False) -> None:
        """Add the post that was read until now, when it is whole."""
        title, self._title, body, self._body = self._title, None, self._body, []
        practice, self._practice, has_text, self._has_text = self._practice, None, self._has_text, False
        if title is None:
            return
        name, last = quoted(title.text), body[-1] if body else title
        if not has_text:
            self._leave_out(title, f"{name} has no text below it")
        elif last is practice:
            why = f"nothing is under the “Practice Implications” of {name}"
            self._leave_out(last, why, _AGAIN if at_the_end else _COMPARE)
        elif at_the_end and not _SENTENCE_END.search(last.text) and "\n" not in last.text:
            self._leave_out(last, f"the page is cut off within {name}", _AGAIN)
        elif at_the_end and not practice and self._some_have_practice:
            self._leave_out(last, f"the page ends before the “Practice Implications” of {name}", _AGAIN)
        else:
            self._some_have_practice |= practice is not None
            losses: Counter[str] = Counter()
            cites, text = compose(body, losses)
            words = " ".join(title.text.split())
            post = SourcePost(self._file, title.line, words, self._month, text, cites, losses=losses)
            self.posts.append(post)

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
