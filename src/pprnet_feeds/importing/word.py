"""A Word file (.docx) as one post, read by mammoth, the only module that knows it.

The title has Word's style Title, or is the first heading, or else the first paragraph. References are below
the title, or below a heading such as References at the end. What a post cannot hold is left out and reported.
"""

import io
import re
from collections import Counter
from zipfile import ZipFile

import mammoth

from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.blogpage import month_of
from pprnet_feeds.importing.bounded import UnreadableError, XmlCheck
from pprnet_feeds.importing.html import Block, blocks_of_tree, elements, parse
from pprnet_feeds.importing.normalise import normalise
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of, unread
from pprnet_feeds.importing.to_markdown import compose, is_practice, is_reference
from pprnet_feeds.syndication.references import parse_reference

_LONGEST_XML = 10_000_000  # mammoth takes a second and 30 MB for each of these millions
_NEAR = 4  # blocks from the beginning
PROTECTED = (
    "the Word file is protected by a password",
    "Open it in Word, take the password away under File, Info, Protect Document, and save it.",
)
DAMAGED = ("the Word file is damaged or cut off", "Copy it again, or save it again in Word.")
SAVE = "Open it in Word, choose Save As and Word Document (.docx), and import that file."
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='List Bullet'] => ul > li:fresh
p[style-name='List Number'] => ol > li:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
u => u
highlight => mark
"""
_PICTURE = "Save it as a picture, put that on the web, and write ![what it shows](its address)."
_CHANGES = "Accept or reject the changes in Word, and look whether the text is right."
# What mammoth passes over or takes for text, by its element; and how to bring it here.
_REPORTED = {
    "commentReference": ("comments were left behind", "Say in the text what readers should know of them."),
    "del": ("tracked deletions were left behind", _CHANGES),
    "oMath": ("formulas were left behind", "Write them in words."),
    "chart": ("charts were left behind", _PICTURE),
    "relIds": ("diagrams were left behind", _PICTURE),
    "OLEObject": ("embedded objects were left behind", "Put them on the web as files, and link to those."),
    "header": (
        "headers and footers of the page were left behind",
        "Write into the text what readers need of them.",
    ),
    "ins": ("tracked insertions are in the text", _CHANGES),
    "vanish": ("words that Word hides are in the text", "Take out of the post what readers should not see."),
}
# Other files that are archives, too, by the names in them.
_KINDS = {
    "xl/": "an Excel file",
    "ppt/": "a PowerPoint file",
    "content.xml": "an OpenDocument file",
    "META-INF/": "an e-book",
    "Index/": "a file of Pages",
}
_BULLET = re.compile(r"<p>\s*[•·▪◦●](?:\s|&nbsp;)+((?:(?!</?p>).)*)</p>")
_REFERENCES = frozenset({"reference", "references", "bibliography", "works cited", "literature", "sources"})
_NO_PICTURE = mammoth.images.img_element(lambda _: {"src": "#picture"})


def read_word_file(data: bytes, file: str, date: str, this_month: str) -> Source:
    """The one post of a Word file: of *date*, if not empty, or the month above its title, or *this_month*."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = _count_elements(archive)
        options = {"style_map": _STYLES, "include_embedded_style_map": False}
        html = mammoth.convert_to_html(io.BytesIO(data), convert_image=_NO_PICTURE, **options).value
    except UnreadableError as error:
        return unread(file, *error.args[:2])
    except Exception:  # mammoth and zipfile raise whatever their parts raise
        return unread(file, *DAMAGED)
    html = _BULLET.sub(r"<ul><li>\1</li></ul>", html.replace("\t", " ")).replace("</ul><ul>", "")
    tree = parse(html)
    losses = normalise(tree)
    blocks, problems = _without_pictures(blocks_of_tree(tree), file)
    month = next((month_of(block.text) for block in blocks[:1]), "")
    title, blocks = _without_title(blocks[bool(month) :])
    blocks, listed = _without_references(blocks)
    if any(block.level == 1 for block in blocks):  # the title is the only heading of the first level
        for block in blocks:
            block.element.name = f"h{min(block.level + 1, 6)}" if block.level else block.element.name
    cites, body = compose(blocks, losses)
    for name, (what, mend) in _REPORTED.items():
        if number := names[name]:
            problems.append(Problem(file, 0, 0, f"{what}: {number}", mend))
    if body and not any(map(is_practice, blocks)):
        what = "no line says Practice Implications, so the post is in no feed of practice implications"
        mend = "Write `## Practice Implications` above the part that says what to do, if there is one."
        problems.append(Problem(file, 0, 0, what, mend, warning=True))
    post = SourcePost(file, 0, title, date or month or this_month, body, (*cites, *listed), losses=losses)
    return source_of("a Word file", [post], problems)


def _count_elements(archive: ZipFile) -> Counter[str]:
    """How many elements of each name the text has; `header` counts those of pages that have a text.

    Raises UnreadableError for what is no Word file, or would keep mammoth busy for too long.
    """
    parts = [part for part in archive.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableError(*PROTECTED)
    names = archive.namelist()
    if not any(name.startswith("word/") for name in names):
        listed = "".join(f"\n{name}" for name in names)
        kind = next((kind for each, kind in _KINDS.items() if f"\n{each}" in listed), "")
        mend = "Copy its text into a Word document (.docx), and import that."
        mend = mend if kind else "Unpack it, and import what is in it."
        raise UnreadableError(f"this is {kind or 'a compressed file'}, which cannot be imported", mend)
    if sum(part.file_size for part in parts) > _LONGEST_XML:
        what = "its text is longer than the 10 MB that can be read"
        raise UnreadableError(what, "Divide it, and import the parts.")
    found: Counter[str] = Counter()
    for part in parts:
        counts = XmlCheck(archive.read(part), SAVE).names
        if re.search(r"/(?:document|footnotes|endnotes)\d*\.xml$", part.filename):
            found += counts
        elif re.search(r"/(?:header|footer)\d*\.xml$", part.filename):
            found["header"] += bool(counts["t"])
    return found


def _without_title(blocks: list[Block]) -> tuple[str, list[Block]]:
    """The title, and the blocks without it: a heading near the beginning, or else the first paragraph."""
    words = [
        n for n, each in enumerate(blocks) if each.text and not (is_practice(each) or is_reference(each))
    ]
    headings = [place for place in words if blocks[place].level == 1 and place < _NEAR]
    for place in [*headings, *words][:1]:
        return " ".join(blocks[place].text.split()), blocks[:place] + blocks[place + 1 :]
    return "", blocks


def _without_pictures(blocks: list[Block], file: str) -> tuple[list[Block], list[Problem]]:
    """The blocks without pictures, and one problem for each picture, which says where it was."""
    rest: list[Block] = []
    problems = []
    for block in blocks:
        pictures = elements(block.element, "img")
        for picture in pictures:
            shown = f" ({picture['alt']})" if picture.get("alt") else ""
            near = " ".join((block.text or (rest[-1].text if rest else "")).split())
            where = f" {'in' if block.text else 'below'} {quoted(near)}" if near else " at the beginning"
            problems.append(Problem(file, 0, 0, f"a picture was left behind{shown}{where}", _PICTURE))
            picture.decompose()
        rest += [block] if block.text or not pictures else []
    return rest, problems


def _without_references(blocks: list[Block]) -> tuple[list[Block], tuple[Citation, ...]]:
    """The blocks without the references below a heading of that name, and these."""
    for place, block in enumerate(blocks):
        if block.text.casefold().rstrip(" :") in _REFERENCES:
            after = blocks[place + 1 :]
            ends = (at for at, each in enumerate(after) if each.level or is_practice(each) or not each.text)
            end = next(ends, len(after))
            works = [line for each in after[:end] for line in each.text.splitlines() if line]
            return blocks[:place] + after[end:], tuple(map(parse_reference, works))
    return blocks, ()
