"""Word files as Word writes them, as small as they can be: text between invented parts."""

from __future__ import annotations

import io
import zipfile
from html import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPACES = (
    f'xmlns:w="{W}" xmlns:r="{R}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
STYLES = ("Title", "heading 1", "heading 2", "Quote", "footnote text", "Hyperlink")
NUMBERING = "".join(
    f'<w:abstractNum w:abstractNumId="{number}">'
    + "".join(f'<w:lvl w:ilvl="{level}"><w:numFmt w:val="{form}"/></w:lvl>' for level in range(3))
    + "</w:abstractNum>"
    for number, form in enumerate(("bullet", "decimal"))
) + "".join(
    f'<w:num w:numId="{number + 1}"><w:abstractNumId w:val="{number}"/></w:num>' for number in range(2)
)
PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="{}"/><a:graphic><a:graphicData>'
    '<pic:pic><pic:blipFill><a:blip r:embed="rId9"/></pic:blipFill></pic:pic></a:graphicData></a:graphic>'
    "</wp:inline></w:drawing></w:r>"
)


def run(text: str, look: str = "") -> str:
    """Words with one look, such as `b`, `i` or `strike`, or none."""
    about = f"<w:rPr><w:{look}/></w:rPr>" if look else ""
    return f'<w:r>{about}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(*runs: str, style: str = "", list_number: int = 0, level: int = 0) -> str:
    """A paragraph; runs that are plain text are words without a look. List 1 has bullets, list 2 numbers."""
    about = f'<w:pStyle w:val="{style.replace(" ", "")}"/>' if style else ""
    if list_number:
        about += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_number}"/></w:numPr>'
    inner = "".join(each if each.startswith(("<w:", "<m:")) else run(each) for each in runs)
    return f"<w:p><w:pPr>{about}</w:pPr>{inner}</w:p>"


def link(text: str, number: int) -> str:
    """A link to the address of that number, from 1."""
    return f'<w:hyperlink r:id="link{number}">{run(text)}</w:hyperlink>'


def note(number: int) -> str:
    """The mark of a footnote of that number, from 1."""
    return f'<w:r><w:footnoteReference w:id="{number + 1}"/></w:r>'


def table(*rows: tuple[str, ...]) -> str:
    """A table, whose first row is its head."""
    head = "<w:trPr><w:tblHeader/></w:trPr>"
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{head * (not at)}{row}</w:tr>' for at, row in enumerate(cells))}</w:tbl>"


def word_file(
    *body: str, notes: tuple[str, ...] = (), links: tuple[str, ...] = (), parts: dict[str, str] | None = None
) -> bytes:
    """A Word file with that body; *parts* are further files in it, or others in the place of these."""
    relations = "".join(
        f'<Relationship Id="link{at}" Type="{R}/hyperlink" Target="{escape(each)}" TargetMode="External"/>'
        for at, each in enumerate(links, 1)
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in STYLES
    )
    footnotes = "".join(
        f'<w:footnote w:id="{at}">{paragraph(each, style="footnote text")}</w:footnote>'
        for at, each in enumerate(notes, 2)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {SPACES}><w:body>{''.join(body)}</w:body></w:document>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}'
        f'<Relationship Id="rId9" Type="{R}/image" Target="media/image1.png"/></Relationships>',
        "word/styles.xml": f"<w:styles {SPACES}>{styles}</w:styles>",
        "word/footnotes.xml": f"<w:footnotes {SPACES}>{footnotes}</w:footnotes>",
        "word/numbering.xml": f"<w:numbering {SPACES}>{NUMBERING}</w:numbering>",
        "word/media/image1.png": "a picture",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files | (parts or {})).items():
            archive.writestr(name, text)
    return written.getvalue()


REFERENCE = (
    "Lund, W., & Rubin, J. (2021). Counting letters. Journal of Invented Studies, 4, 7-19. "
    "https://doi.org/10.5555/jis.2021.4"
)
LETTER = word_file(
    paragraph("How Many Letters Are “Enough”?", style="Title"),
    paragraph(REFERENCE),
    paragraph("Lund and Rubin’s ", run("long", "i"), " count ended after 21 letters", note(1), ", says ",
              link("the post", 1), "."),
    paragraph("What they counted:"),
    paragraph("letters – ", run("long", "b"), " ones", list_number=1),
    paragraph("with stamps", list_number=1, level=1),
    paragraph("postcards", list_number=1),
    table(("kind", "number"), ("letters", "21"), ("postcards", "3 | 4")),
    paragraph(PICTURE.format("a heap of letters")),
    paragraph(run("Practice Implications", "b")),
    paragraph("Write often."),
    notes=("Stamps were not counted, nor were 2 * 3 cards.",),
    links=("https://example.org/post_office?a=1&b=2",),
)  # fmt: skip
